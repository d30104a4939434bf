"""Subgroups: who belongs to them, their AUC, and words where there are too few patients."""

import numpy as np
import pandas as pd
import pytest
from helpers.classes import CLASSES, POSITIVE, THREE_CLASSES
from helpers.prediction_tables import make_three_classes
from livermets.evaluation.evaluate import evaluate
from livermets.evaluation.subgroup_members import (
    NOT_RECORDED,
    patient_subgroups,
    with_clinical_columns,
    with_manufacturers,
)
from livermets.evaluation.subgroups import COLUMNS, NO_PATIENT, measure_subgroups
from sklearn.metrics import roc_auc_score

NEGATIVE = CLASSES[0]


def planted(patients: int = 48) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A hold-out whose arm works in women alone; age rises with the patient's number."""
    rng = np.random.default_rng(5)
    names = [f"P{i:02d}" for i in range(patients)]
    cohort = pd.DataFrame(
        {
            "patient": names,
            "label": np.where(np.arange(patients) % 2, POSITIVE, NEGATIVE),
            "included": True,
            "sex": np.where(np.arange(patients) // 2 % 2, "F", "M"),
            "age": 40.0 + np.arange(patients),
        }
    )
    rows = cohort.loc[cohort.index.repeat(3), ["patient", "label", "sex"]].reset_index(drop=True)
    rows["lesion"] = np.tile([1, 2, 3], patients)
    positive = (rows["label"] == POSITIVE).to_numpy(float)
    works = (rows["sex"] == "F") & (rows["lesion"] > 1)
    score = np.where(works, 0.1 + 0.8 * positive, rng.uniform(0.3, 0.7, len(rows)))
    score = np.where((rows["sex"] == "M") & (rows["lesion"] > 1), 0.5, score)
    predictions = rows.assign(arm="mine", split="holdout", score=score)
    return predictions.drop(columns="sex"), cohort


@pytest.fixture(scope="module")
def measured() -> pd.DataFrame:
    predictions, cohort = planted()
    table = measure_subgroups(predictions, cohort, ["mine"], CLASSES, POSITIVE, ["sex", "age"])
    assert list(table.columns) == list(COLUMNS)
    return table.set_index(["variable", "group"])


def test_the_group_in_which_an_arm_works_is_told_from_the_one_in_which_it_does_not(measured):
    women, men = measured.loc["sex", "F"], measured.loc["sex", "M"]
    assert women["value"] == 1
    assert women["low"] > 0.5
    assert men["low"] < 0.5 < men["high"]


def test_the_auc_of_a_group_is_scikit_learns_among_its_patients(measured):
    predictions, cohort = planted()
    men = cohort.loc[cohort["sex"] == "M", "patient"]
    rows = predictions[predictions["patient"].isin(men)]
    patients = rows.groupby("patient").agg({"label": "first", "score": "mean"}).round(12)
    expected = roc_auc_score(patients["label"] == POSITIVE, patients["score"])
    assert measured.loc[("sex", "M"), "value"] == pytest.approx(expected)
    assert measured.loc[("sex", "M"), ["n_patients", "n_positive", "n_lesions"]].tolist() == [
        24,
        12,
        72,
    ]


def test_the_rows_of_everyone_are_those_of_the_metrics_table(measured):
    predictions, _ = planted()
    metrics = evaluate(predictions, CLASSES, POSITIVE).query("metric == 'auc'").set_index("level")
    row = measured.loc[("all", "all patients")]
    expected = metrics.loc["patient", ["value", "low", "high"]]
    assert row[["value", "low", "high"]].tolist() == pytest.approx(expected.tolist())


def test_too_few_patients_of_a_class_are_said_in_words():
    predictions, cohort = planted()
    cohort["sex"] = ["other"] + ["F"] * 2 + ["M"] * 45  # one negative; one of each class; the rest
    table = measure_subgroups(predictions, cohort, ["mine"], CLASSES, POSITIVE, ["sex"])
    table = table.set_index("group")
    assert table.loc["other", "no_interval"] == f"no tested patient of class {POSITIVE}"
    assert "has 1 tested patient, who tells" in table.loc["F", "no_interval"]
    assert table.loc[["other", "F"], "low"].isna().all()
    assert table.loc["M", "no_interval"] == ""
    assert np.isfinite(table.loc["M", "low"])


def test_a_group_that_a_scheme_does_not_test_says_so():
    predictions, cohort = planted()
    tested = predictions[predictions["patient"] > "P07"]
    cohort["site"] = np.where(cohort["patient"] > "P07", "B", "A")
    table = measure_subgroups(tested, cohort, ["mine"], CLASSES, POSITIVE).set_index("group")
    assert table.loc["A", "no_interval"] == NO_PATIENT
    assert table.loc["A", "n_patients"] == 0


def test_patients_of_different_folds_are_not_ranked_against_each_other():
    """Each fold ranks perfectly; pooled, the scores of the second fold would spoil it."""
    predictions, cohort = planted()
    positive = (predictions["label"] == POSITIVE).to_numpy()
    second = (predictions["patient"] > "P23").to_numpy()
    split = np.where(second, "cv1-fold2", "cv1-fold1")
    moved = predictions.assign(split=split, score=0.1 + 0.2 * positive + 0.5 * second)
    table = measure_subgroups(moved, cohort, ["mine"], CLASSES, POSITIVE, ["sex"])
    assert table["value"].tolist() == [1, 1, 1]
    # 12 patients of each class in each fold, 6 of them women; pairs across folds do not count
    assert table["n_pairs"].tolist() == [2 * 12 * 12, 2 * 6 * 6, 2 * 6 * 6]
    women = set(cohort.loc[cohort["sex"] == "F", "patient"])
    cut = [(name in women) == (label == POSITIVE) for name, label in
           zip(moved["patient"], moved["label"], strict=True)]  # fmt: skip
    one_each = moved.assign(split=np.where(cut, "cv1-fold1", "cv1-fold2"))
    apart = measure_subgroups(one_each, cohort, ["mine"], CLASSES, POSITIVE, ["sex"])
    reasons = apart.set_index("group")["no_interval"]
    assert reasons["F"] == "no split tested patients of both classes of this group"


def test_groups_are_thirds_of_numbers_categories_of_words_and_the_unrecorded():
    cohort = pd.DataFrame(
        {"patient": [f"P{i}" for i in range(12)], "included": [True] * 11 + [False]}
    )
    cohort["age"] = [30, 40, 50, 31, 41, 51, 32, 42, 52, None, 33, 99]
    cohort["stage"] = [10, 9, 2, 10, 9, 2, 10, 9, 2, 2, 2, 7]
    cohort["constant"], cohort["name"] = "x", [f"word {i}" for i in range(11)] + [""]
    cohort["note"] = [f"{i} remarks" for i in range(12)]
    cohort.loc[0, "site"] = "B"
    cohort.loc[1:, "site"] = "A"
    groups = list(patient_subgroups(cohort, ["age", "stage", "constant", "absent"]))
    names = {}
    for group in groups:
        names.setdefault(group.variable, {})[group.name] = list(group.members["patient"])
    assert list(names) == ["age", "stage", "site"]
    assert list(names["age"]) == ["up to 33", "over 33 to 42", "over 42", NOT_RECORDED]
    assert names["age"]["up to 33"] == ["P0", "P3", "P6", "P10"]
    assert names["age"][NOT_RECORDED] == ["P9"]
    assert list(names["stage"]) == ["2", "9", "10"]
    assert "P11" not in sum(names["stage"].values(), [])
    assert names["site"] == {"A": [f"P{i}" for i in range(1, 11)], "B": ["P0"]}


def test_thirds_of_large_numbers_are_written_in_full():
    years = np.arange(2010, 2022)
    cohort = pd.DataFrame({"patient": [f"P{y}" for y in years], "included": True, "year": years})
    names = [group.name for group in patient_subgroups(cohort, ["year"])]
    assert names == ["up to 2013", "over 2013 to 2017", "over 2017"]


def test_the_manufacturer_is_read_from_the_acquisition_unless_the_sheet_names_it():
    cohort = pd.DataFrame({"patient": list("abcd"), "included": True})
    names = {"a": "SIEMENS", "b": "Siemens Healthineers", "c": "GE MEDICAL SYSTEMS", "d": None}
    read = with_manufacturers(cohort, {key: {"manufacturer": name} for key, name in names.items()})
    groups = {group.name: list(group.members["patient"]) for group in patient_subgroups(read, [])}
    assert groups == {"GE": ["c"], "SIEMENS": ["a", "b"], NOT_RECORDED: ["d"]}
    named = cohort.assign(manufacturer=["A", "A", "B", "B"])
    assert with_manufacturers(named, {"a": {"manufacturer": "SIEMENS"}}).equals(named)
    none = with_manufacturers(cohort, {"a": {}, "b": {"manufacturer": None}})
    assert list(patient_subgroups(none, [])) == []


def test_clinical_columns_of_a_features_table_make_groups_too():
    features = pd.DataFrame({"patient": [7, 7, 8, 9], "clinical_sex": ["F", "F", "M", None]})
    cohort = pd.DataFrame({"patient": ["7", "8", "9"], "included": True})
    groups = patient_subgroups(with_clinical_columns(cohort, features), ["sex"])
    members = {group.name: list(group.members["patient"]) for group in groups}
    assert members == {"F": ["7"], "M": ["8"], NOT_RECORDED: ["9"]}
    sheet = cohort.assign(sex=["M", "M", "F"])
    assert with_clinical_columns(sheet, features).equals(sheet)


def test_a_column_of_many_words_makes_no_groups():
    names = [f"P{i}" for i in range(40)]
    cohort = pd.DataFrame(
        {"patient": names, "included": True, "surgeon": [f"Dr {n}" for n in names]}
    )
    assert list(patient_subgroups(cohort, ["surgeon"])) == []


def test_three_classes_have_the_mean_auc_of_the_classes():
    cohort, _, predictions = make_three_classes()
    table = measure_subgroups(predictions, cohort, ["knn-none"], THREE_CLASSES, POSITIVE, ["sex"])
    metrics = evaluate(predictions, THREE_CLASSES, POSITIVE)
    where = "arm == 'knn-none' and metric == 'auc' and level == 'patient' and `class` == ''"
    expected = metrics.query(where).iloc[0]
    everyone = table.set_index("group").loc["all patients"]
    assert everyone["value"] == pytest.approx(expected["value"])
    assert everyone["low"] == pytest.approx(expected["low"])


def test_a_study_without_the_arms_has_an_empty_table():
    predictions, cohort = planted()
    table = measure_subgroups(predictions, cohort, [], CLASSES, POSITIVE, ["sex"])
    assert table.empty
    assert list(table.columns) == list(COLUMNS)
