"""The coefficient of variation over the lesions of a patient, and where it has no meaning."""

import itertools

import numpy as np
import pandas as pd
import pytest
from helpers.heterogeneous_lesions import varied_features
from livermets.heterogeneity.variation import (
    NEGATIVE,
    NO_RATIO,
    features_left_out,
    lesion_variation,
    mean_pair_cv,
)


def test_cv_is_the_sample_sd_over_the_mean_of_each_patient():
    table = varied_features(1, patients=6, features=3)
    found = lesion_variation(table, ["g00", "g01", "g02"]).set_index(["patient", "feature"])
    for patient, rows in table.groupby("patient"):
        for name in ("g00", "g01", "g02"):
            expected = rows[name].std(ddof=1) / rows[name].mean()
            assert found.loc[(patient, name), "cv"] == pytest.approx(expected, rel=1e-12)
            assert found.loc[(patient, name), "lesions"] == len(rows)


def test_pair_cv_is_the_mean_cv_of_all_pairs():
    values = np.array([0.0, 1.0, 1.0, 4.0, 10.0])
    pairs = [np.std(pair, ddof=1) / np.mean(pair) for pair in itertools.combinations(values, 2)]
    assert mean_pair_cv(values) == pytest.approx(np.mean(pairs), rel=1e-12)
    assert mean_pair_cv(np.zeros(3)) == 0
    assert mean_pair_cv(7 * values) == pytest.approx(mean_pair_cv(values), rel=1e-12)


def test_pair_cv_does_not_depend_on_the_number_of_lesions_as_the_cv_of_skewed_features_does():
    """3,000 patients of 3 and of 15 lesions: standard errors are below .01."""
    rng = np.random.default_rng(1)
    few, many = (np.exp(rng.normal(0, 0.9, (3000, n))) for n in (3, 15))
    pairs = [np.mean([mean_pair_cv(values) for values in part]) for part in (few, many)]
    plain = [(part.std(axis=1, ddof=1) / part.mean(axis=1)).mean() for part in (few, many)]
    assert pairs[0] == pytest.approx(pairs[1], abs=0.02)
    assert plain[1] - plain[0] > 0.15


def test_features_without_a_zero_that_means_nothing_are_left_out_with_the_reason():
    table = pd.DataFrame(
        {
            "original_firstorder_Mean": [40.0, 50.0],
            "original_firstorder_Skewness": [-0.1, 0.2],
            "original_firstorder_Entropy": [-3e-16, 2.0],  # a flat lesion, and rounding
            "original_glcm_Contrast": [0.0, 3.0],
            "empty": [np.nan, np.nan],
        }
    )
    assert features_left_out(table, list(table)) == {
        "original_firstorder_Mean": NO_RATIO,
        "original_firstorder_Skewness": NEGATIVE,
    }


def test_patients_with_one_lesion_and_features_with_one_value_have_no_cv():
    table = pd.DataFrame(
        {
            "patient": ["A", "A", "B", "C", "C"],
            "label": "x",
            "half": [1.0, np.nan, 3.0, 1.0, 3.0],
            "zero": [0.0, 0.0, 1.0, 1.0, 1.0],
        }
    )
    found = lesion_variation(table, ["half", "zero"]).set_index(["patient", "feature"])
    assert set(found.index.get_level_values("patient")) == {"A", "C"}
    assert found.loc[("A", "half"), ["cv", "pair_cv"]].isna().all()
    assert found.loc[("A", "zero"), ["cv", "pair_cv"]].isna().all()  # its mean is zero
    assert found.loc[("C", "half"), "pair_cv"] == pytest.approx(np.sqrt(2) / 2)
    assert found.loc[("C", "zero"), "cv"] == 0
