"""Outlier lesions: a lesion unlike the others of its patient is listed, and hardly any other."""

import numpy as np
import pytest
from helpers.heterogeneous_lesions import varied_features
from livermets.heterogeneity.outlier_lesions import MIN_LESIONS, lesion_distances

COLUMNS = [f"g{i:02d}" for i in range(8)]


def test_a_planted_outlier_is_the_first_and_is_described():
    table = varied_features(1, lesions=(6, 6))
    row = table.index[table["patient"] == "P007"][2]
    table.loc[row, COLUMNS[:4]] *= 60
    found = lesion_distances(table, COLUMNS)
    first = found.iloc[0]
    assert (first["patient"], first["lesion"]) == ("P007", table.loc[row, "lesion"])
    assert first["outlier"] and first["far_share"] >= 0.5
    assert first["furthest_feature"] in COLUMNS[:4] and first["distance"] > 3.5
    assert first["volume_ml"] == table.loc[row, "volume_ml"]
    assert found.iloc[1:]["outlier"].mean() < 0.03


def test_lesions_alike_have_no_outliers_and_size_alone_makes_none():
    """Features that are powers of a volume which varies as volumes do."""
    rng = np.random.default_rng(2)
    table = varied_features(2, lesions=(8, 8))
    volume = np.exp(rng.normal(0, 1.3, len(table)))
    powers = np.linspace(0.5, 2, 8)
    table[COLUMNS] = volume[:, None] ** powers
    found = lesion_distances(table, COLUMNS)
    assert found["outlier"].mean() < 0.03


def test_patients_with_too_few_lesions_have_no_outlier():
    table = varied_features(3, lesions=(3, 3))
    found = lesion_distances(table, COLUMNS)
    number = table.groupby("patient").size()
    assert set(found["patient"]) == set(number.index[number >= MIN_LESIONS])


def test_missing_values_constant_features_and_negative_ones_are_taken():
    table = varied_features(4, lesions=(6, 6))
    table["g00"], table["g01"] = 1.0, table["g01"] - 2
    table.loc[0, "g02"] = np.nan
    found = lesion_distances(table, COLUMNS)
    assert np.isfinite(found["far_share"]).all()
    assert "g00" not in set(found["furthest_feature"])
    shifted = lesion_distances(table.assign(g01=table["g01"] - 5), COLUMNS)
    assert shifted["far_share"].to_numpy() == pytest.approx(found["far_share"].to_numpy())
