"""Results by size of lesion: strata, their metrics against scikit-learn's, and what beats size."""

import json

import numpy as np
import pandas as pd
import pytest
from helpers.classes import CLASSES, POSITIVE, THREE_CLASSES
from helpers.prediction_tables import make_three_classes
from livermets.evaluation.by_size import (
    COLUMNS,
    DIFFERENCE,
    EVERY_LESION,
    NO_LESION,
    NO_PAIR,
    arms_that_beat_size,
    as_records,
    measure_by_size,
)
from livermets.evaluation.evaluate import REFERENCE, evaluate
from livermets.evaluation.paired_differences import compare_arms
from livermets.evaluation.subgroup_members import (
    SIZE,
    SPHERE,
    lesion_sizes,
    lesion_subgroups,
    size_columns,
)
from sklearn.metrics import roc_auc_score

NEGATIVE = CLASSES[0]
GROUPS = ("under 10 mm", "10 to 20 mm", "over 20 mm")


def planted(patients: int = 60) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A hold-out of lesions of 5 to 35 mm; positive ones are larger, so that size tells much.

    The arm `texture` knows the class of lesions of 10 to 20 mm and nothing of others; the arm
    `size` is lesion volume with a little noise.
    """
    rng = np.random.default_rng(3)
    names = [f"P{i:02d}" for i in range(patients)]
    rows = pd.DataFrame({"patient": np.repeat(names, 3), "lesion": np.tile([1, 2, 3], patients)})
    positive = (rows.index.to_numpy() // 3) % 2 == 1
    rows["label"] = np.where(positive, POSITIVE, NEGATIVE)
    base = np.tile([7.0, 14.0, 26.0], patients)
    diameter = base + rng.uniform(-2, 2, len(rows)) + 1.5 * positive
    knows = (diameter >= 10) & (diameter <= 20)
    scores = {
        REFERENCE: diameter / 40,
        "size": np.clip(diameter / 40 + rng.normal(0, 0.001, len(rows)), 0, 1),
        "texture": np.where(knows, 0.1 + 0.8 * positive, 0.5) + rng.uniform(-0.1, 0.1, len(rows)),
    }
    arms = [rows.assign(arm=arm, split="holdout", score=score) for arm, score in scores.items()]
    return pd.concat(arms, ignore_index=True), rows[["patient", "lesion"]].assign(
        **{SIZE: diameter}
    )


@pytest.fixture(scope="module")
def measured() -> pd.DataFrame:
    table = measure_by_size(*planted(), CLASSES, POSITIVE)
    assert list(table.columns) == list(COLUMNS)
    return table


def stratum(table: pd.DataFrame, group: str, arm: str, metric: str = "auc") -> pd.Series:
    rows = table.set_index(["variable", "group", "arm", "metric"])
    variable = "all" if group == EVERY_LESION else SIZE
    return rows.loc[(variable, group, arm, metric)]


def test_each_stratum_has_scikit_learns_auc_among_its_lesions(measured):
    predictions, sizes = planted()
    rows = predictions.merge(sizes, on=["patient", "lesion"]).query("arm == 'texture'")
    limits = dict(zip(GROUPS, ((0, 9.999999), (10, 20), (20.000001, 99)), strict=True))
    for group, (low, high) in limits.items():
        part = rows[rows[SIZE].between(low, high)]
        expected = roc_auc_score(part["label"] == POSITIVE, part["score"])
        result = stratum(measured, group, "texture")
        assert result["value"] == pytest.approx(expected)
        assert result["n_lesions"] == len(part)
        assert result["n_patients"] == part["patient"].nunique()
        positive = int((part["label"] == POSITIVE).sum())
        assert result["n_positive"] == positive
        assert result["n_pairs"] == positive * (len(part) - positive)


def test_thirds_hold_a_third_of_the_lesions_each(measured):
    thirds = measured[measured["variable"] == f"{SIZE}, thirds"].drop_duplicates("group")
    assert thirds["n_lesions"].tolist() == [60, 60, 60]


def test_all_lesions_have_the_metrics_and_differences_of_the_study(measured):
    predictions, _ = planted()
    metrics = evaluate(predictions, CLASSES, POSITIVE).query("level == 'lesion'")
    everyone = measured[measured["variable"] == "all"].set_index(["arm", "metric"])
    columns = ["value", "low", "high"]
    for row in metrics.to_dict("records"):
        result = everyone.loc[(row["arm"], row["metric"])]
        expected = [row[name] for name in columns]
        assert result[columns].astype(float).tolist() == pytest.approx(expected, nan_ok=True)
    pair = compare_arms(predictions, CLASSES, POSITIVE).query("level == 'lesion'").set_index("arm")
    result = everyone.loc[("texture", DIFFERENCE)]
    assert result["value"] == pytest.approx(pair.loc["texture", "difference"])
    assert result["p"] == pytest.approx(pair.loc["texture", "p"])


def test_the_arm_beats_size_where_it_knows_more_and_nowhere_else(measured):
    beating = arms_that_beat_size(measured)
    assert set(beating["arm"]) == {"texture"}
    fixed = beating[beating["variable"] == SIZE]
    assert fixed["group"].tolist() == ["10 to 20 mm"]


def test_p_values_are_corrected_over_the_arms_and_strata_of_a_division(measured):
    pairs = measured[(measured["variable"] == SIZE) & (measured["metric"] == DIFFERENCE)]
    assert len(pairs) == 2 * 3
    smallest = pairs.loc[pairs["p"].idxmin()]
    assert smallest["p_holm"] == pytest.approx(min(1, 6 * smallest["p"]))


def test_a_stratum_without_a_class_or_with_few_patients_says_so_in_words():
    predictions, sizes = planted()
    small = sizes[SIZE] < 10
    names = predictions.drop_duplicates("patient").set_index("patient")["label"]
    positive = sizes["patient"].map(names) == POSITIVE
    one = small & positive & (sizes["patient"] != "P01")
    kept = sizes[~one]
    table = measure_by_size(predictions, kept, CLASSES, POSITIVE)
    assert (
        "class pancreatic has 1 tested patient" in stratum(table, GROUPS[0], "size")["no_interval"]
    )
    none = measure_by_size(predictions, sizes[~(small & positive)], CLASSES, POSITIVE)
    for metric in ("auc", DIFFERENCE):
        row = stratum(none, GROUPS[0], "size", metric)
        assert row["no_interval"] == f"no tested patient of class {POSITIVE}"
        assert np.isnan(row["low"])
        assert row["n_pairs"] == 0


def test_lesions_of_different_folds_are_no_pairs():
    predictions, sizes = planted()
    fold = np.where(predictions["label"] == POSITIVE, "cv1-fold1", "cv1-fold2")
    table = measure_by_size(predictions.assign(split=fold), sizes, CLASSES, POSITIVE)
    row = stratum(table, GROUPS[1], "size")
    assert row["no_interval"] == NO_PAIR
    assert row["n_pairs"] == 0


def test_an_arm_with_lesion_numbers_of_its_own_says_that_none_was_tested():
    predictions, sizes = planted()
    numbered = predictions.assign(
        lesion=predictions["lesion"] + 100 * (predictions["arm"] == "size")
    )
    table = measure_by_size(numbered, sizes, CLASSES, POSITIVE)
    own = table[table["arm"] == "size"]
    assert set(own["no_interval"]) == {NO_LESION}
    assert set(own["n_lesions"]) == {0}
    assert np.isfinite(stratum(table, GROUPS[1], "texture")["low"])


def test_repeats_are_averaged_and_pairs_are_those_of_one_repeat():
    predictions, sizes = planted()
    once = measure_by_size(predictions.assign(split="cv1-fold1"), sizes, CLASSES, POSITIVE)
    twice = pd.concat(predictions.assign(split=f"cv{repeat}-fold1") for repeat in (1, 2))
    table = measure_by_size(twice, sizes, CLASSES, POSITIVE)
    first, second = (stratum(t, GROUPS[1], "size") for t in (once, table))
    assert first["value"] == pytest.approx(second["value"])
    assert first["n_pairs"] == second["n_pairs"]


def test_three_classes_have_the_mean_auc_of_the_classes():
    _, _, predictions = make_three_classes()
    lesions = predictions[["patient", "lesion"]].drop_duplicates()
    sizes = lesions.assign(**{SIZE: np.resize([5.0, 15.0, 25.0], len(lesions))})
    table = measure_by_size(predictions, sizes, THREE_CLASSES, POSITIVE)
    where = "arm == 'knn-none' and metric == 'auc' and level == 'lesion' and `class` == ''"
    expected = evaluate(predictions, THREE_CLASSES, POSITIVE).query(where).iloc[0]
    everyone = table.query(f"group == '{EVERY_LESION}' and arm == 'knn-none' and metric == 'auc'")
    assert everyone["value"].item() == pytest.approx(expected["value"])


def test_records_hold_the_numbers_of_the_table_and_null_where_there_is_none(measured):
    records = json.loads(json.dumps(as_records(measured, POSITIVE), allow_nan=False))
    strata = {(s["variable"], s["group"]): s["arms"] for s in records["strata"]}
    row = stratum(measured, GROUPS[1], "texture", DIFFERENCE)
    written = strata[SIZE, GROUPS[1]]["texture"][DIFFERENCE]
    assert written["low"] == row["low"]
    assert written["p_holm"] == row["p_holm"]
    assert strata[SIZE, GROUPS[1]]["texture"]["auc"]["p"] is None
    assert strata[SIZE, GROUPS[1]]["texture"]["n_lesions"] == row["n_lesions"]


def test_a_study_that_does_not_know_sizes_has_an_empty_table():
    table = measure_by_size(planted()[0], None, CLASSES, POSITIVE)
    assert table.empty
    assert list(table.columns) == list(COLUMNS)
    assert as_records(table, POSITIVE)["strata"] == []


def test_the_size_of_a_lesion_is_measured_or_that_of_a_sphere():
    features = pd.DataFrame({"patient": ["P1", "P2"], "lesion": 1, "volume_ml": [0.5, 4.0]})
    expected = 2 * (3 * np.array([500.0, 4000.0]) / (4 * np.pi)) ** (1 / 3)
    np.testing.assert_allclose(lesion_sizes(features)[SPHERE], expected)
    shape = features.assign(original_shape_VoxelVolume=[500.0, 4000.0]).drop(columns="volume_ml")
    np.testing.assert_allclose(lesion_sizes(shape)[SPHERE], expected)
    measured = features.assign(diameter_mm=[7.0, 21.0])
    assert lesion_sizes(measured)[SIZE].tolist() == [7, 21]
    assert size_columns(measured.columns) == ["diameter_mm"]
    assert lesion_sizes(features[["patient", "lesion"]]) is None


def test_lesions_of_unknown_size_are_in_no_group():
    sizes = pd.DataFrame({"patient": list("abcd"), "lesion": 1, SIZE: [5.0, 10.0, 20.0, np.nan]})
    members = {
        g.name: list(g.members["patient"]) for g in lesion_subgroups(sizes) if g.variable == SIZE
    }
    assert members == {"under 10 mm": ["a"], "10 to 20 mm": ["b", "c"]}
    assert list(lesion_subgroups(sizes.assign(**{SIZE: np.nan}))) == []


def test_a_division_that_puts_all_lesions_into_one_group_is_left_out():
    sizes = pd.DataFrame({"patient": list("abcd"), "lesion": 1, SIZE: [12.0, 14.0, 16.0, 18.0]})
    groups = list(lesion_subgroups(sizes))
    assert {group.variable for group in groups} == {f"{SIZE}, thirds"}
    assert [list(group.members["patient"]) for group in groups] == [["a", "b"], ["c"], ["d"]]
