"""Arms that learn from one choice of feature sets after another: what texture adds, and the report.

The lesions here hold the same grey values in both classes, in another order: only texture tells.
"""

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from helpers.classes import CLASSES, POSITIVE
from helpers.feature_tables import folds_of
from helpers.fold_auc import auc_within_folds
from helpers.training import train
from livermets.core.errors import BadInput
from livermets.evaluation.evaluate import evaluate
from livermets.evaluation.paired_differences import compare_arms
from livermets.features.features_table import without_other_sets
from livermets.radiomics.extraction import LesionExtractor
from livermets.radiomics.feature_files import REASON
from livermets.report.figures.panels import panels
from livermets.report.sections.feature_sets import set_results
from livermets.study.arms import Arm
from livermets.study.config import load_config
from scipy.ndimage import gaussian_filter
from statsmodels.stats.multitest import multipletests

SETS = {"original": {}, "shuffled": {"shuffle": True, "seed": 1}}
COMPARED = {
    "original": ["original"],
    "shuffled": ["shuffled"],
    "together": ["original", "shuffled"],
}
PLAIN = "logistic_regression-none"


def lesions_of_one_histogram(patients=24, lesions=2):
    """The features table of balls whose voxels are one sorted list of HU, laid out as noise in one
    class and as smoothed noise in the other."""
    extractor = LesionExtractor({"binWidth": 10}, ["firstorder", "glcm"], SETS)
    rng = np.random.default_rng(3)
    z, y, x = np.ogrid[-6:7, -8:9, -8:9]
    ball = (z / 5) ** 2 + (y / 7) ** 2 + (x / 7) ** 2 <= 1
    hu = np.sort(rng.normal(60, 20, ball.sum())).round().astype(np.int16)
    mask = sitk.GetImageFromArray(ball.astype(np.uint16))
    rows = []
    for number in range(patients):
        for lesion in range(1, lesions + 1):
            field = rng.normal(size=ball.shape)
            if number % 2:
                field = gaussian_filter(field, 1.0)
            grey = np.full(ball.shape, 90, np.int16)
            grey[ball] = hu[field[ball].argsort().argsort()]
            image = sitk.GetImageFromArray(grey)
            (row,) = extractor.extract(image, mask)
            ids = {"patient": f"P{number:02d}", "lesion": lesion, "label": CLASSES[number % 2]}
            rows.append(row | ids)
    return pd.DataFrame(rows).drop(columns=REASON)


@pytest.fixture(scope="module")
def study():
    table = lesions_of_one_histogram()
    return table, folds_of(table, folds=3)


def fit(study, sets, arm):
    table, splits = study
    table = without_other_sets(table, sets)
    tuning = {"iterations": 3, "folds": 2}
    _, _, feature_sets = arm.partition("@")
    return train(table, splits, "logistic_regression", feature_sets=feature_sets, tuning=tuning)[0]


@pytest.fixture(scope="module")
def predictions(study):
    tables = [fit(study, sets, f"{PLAIN}@{name}") for name, sets in COMPARED.items()]
    return pd.concat(tables, ignore_index=True)


def auc(predictions, name):
    one = predictions[predictions["arm"] == f"{PLAIN}@{name}"]
    return auc_within_folds(one, POSITIVE)


def test_texture_is_what_shuffled_voxels_lose(study, predictions):
    table = study[0]
    first = [c for c in table if c.startswith("original_firstorder")]
    assert np.allclose(table[first], table[first].iloc[0], rtol=1e-12)  # the same in every lesion
    assert auc(predictions, "original") > 0.95
    assert 0.2 < auc(predictions, "shuffled") < 0.8


def test_differences_are_those_from_the_original_set_corrected_among_themselves(predictions):
    table = compare_arms(predictions, CLASSES, POSITIVE)
    assert set(table["against"]) == {"sets"}  # and no arm is held against lesion volume for it
    mine = table[table["level"] == "lesion"].set_index("arm")
    assert list(mine.index) == [f"{PLAIN}@{name}" for name in ("shuffled", "together")]
    for name in ("shuffled", "together"):
        expected = auc(predictions, name) - auc(predictions, "original")
        row = mine.loc[f"{PLAIN}@{name}"]
        assert row["difference"] == pytest.approx(expected, abs=1e-12)
        assert row["reference"] == f"{PLAIN}@{'original'}"
    assert mine.loc[f"{PLAIN}@{'shuffled'}", "high"] < 0
    assert mine["p_holm"].tolist() == pytest.approx(multipletests(mine["p"], method="holm")[1])


def test_the_original_set_draws_as_the_plain_arm_does_and_two_fits_agree(study, predictions):
    names = ["split", "patient", "lesion", "label", "score"]
    mine = predictions[predictions["arm"] == f"{PLAIN}@{'original'}"]
    for arm in (PLAIN, f"{PLAIN}@{'original'}"):
        again = fit(study, ["original"], arm)
        pd.testing.assert_frame_equal(again[names], mine[names].reset_index(drop=True))


def test_the_report_shows_each_choice_beside_the_original(predictions):
    metrics = evaluate(predictions, CLASSES, POSITIVE)
    differences = compare_arms(predictions, CLASSES, POSITIVE)
    rows = set_results("cv", COMPARED, metrics, differences)
    assert [row["name"] for row in rows] == ["original", "shuffled", "together"]
    assert [row["sets"] for row in rows] == ["original", "shuffled", "original + shuffled"]
    assert [row["first"] for row in rows] == [True, False, False]
    assert rows[0]["reference"]
    assert "lesion_difference" not in rows[0]
    found = auc(predictions, "shuffled")
    assert rows[1]["lesion"].startswith(f"{found:.2f} (")
    drop = f"{found - auc(predictions, 'original'):.2f}".replace("-", "−")
    assert rows[1]["lesion_difference"].startswith(drop)
    assert rows[1]["patient_p"] == "< 0.001" or float(rows[1]["patient_p"]) < 0.05
    assert set_results("holdout", COMPARED, metrics, differences) == []


def test_arms_of_feature_sets_are_a_family_of_their_own():
    arms = [f"{'knn-none'}@{name}" for name in ("iso", "original")]
    others = ["baseline_volume", "densenet121", "knn-smote", "my@table"]
    assert [Arm.parse(arm).family for arm in arms + others] == [
        *("sets", "sets", "baseline", "deep", "radiomics", "other")
    ]
    assert sorted(arms + others, key=Arm.parse) == [
        *("knn-smote", "knn-none@original", "knn-none@iso", "densenet121", "my@table"),
        "baseline_volume",
    ]
    assert Arm.parse(arms[0]) == Arm("knn", "none", "iso")
    assert str(Arm.parse(arms[0]).plain) == "knn-none"
    assert Arm.parse(arms[0]).title == "K-nearest neighbours: iso"
    assert [title for title, _ in panels(["knn-none", *arms])] == [
        *("K-nearest neighbours", "K-nearest neighbours, sets")
    ]


def test_controls_are_learned_from_only_where_they_are_named():
    sets = {"original": {}, "ring": {"region": "ring"}, "shuffled": {"shuffle": True}}
    assert load_config({})["classification"]["feature_sets"] is None
    found = load_config({"radiomics": {"feature_sets": sets}})
    assert found["classification"]["feature_sets"] == ["original", "ring"]
    named = {"radiomics": {"feature_sets": sets}, "classification": {"feature_sets": ["shuffled"]}}
    assert load_config(named)["classification"]["feature_sets"] == ["shuffled"]


def test_a_least_icc_without_a_lesion_to_perturb_is_refused():
    sets = {"liver": {"region": "liver"}}
    with pytest.raises(BadInput, match="perturbs lesions and rings"):
        load_config({"radiomics": {"min_icc": 0.9, "feature_sets": sets}})
    with pytest.raises(BadInput, match="a feature table has no images"):
        load_config({"radiomics": {"min_icc": 0.9}, "features": "mine.csv"})
    assert load_config({"radiomics": {"feature_sets": sets}})["radiomics"]["min_icc"] is None


@pytest.mark.parametrize(
    ("classification", "words"),
    [
        ({"compare_feature_sets": {"ring": ["original"]}}, "one called `original`; add it"),
        (
            {"compare_feature_sets": {"original": ["original"], "a": ["ring"]}},
            "compare_feature_sets.a.*`ring`",
        ),
        ({"feature_sets": ["ring"]}, "feature_sets` names the feature set `ring`.*original"),
        ({"compare_feature_sets": {"original": []}}, "compare_feature_sets.original"),
        (
            {"compare_models": ["logistic_regresion"]},
            "compare_models.*did you mean `logistic_regression`",
        ),
    ],
    ids=str,
)
def test_sets_that_are_not_there_are_refused_by_name(classification, words):
    with pytest.raises(BadInput, match=words):
        load_config({"classification": classification})
