"""Label leaks in a user's table: copies of the label, the id and the row number, lesions twice."""

import numpy as np
import pandas as pd
import pytest
from helpers.classes import CLASSES
from helpers.user_tables import OURS, own_table
from livermets.audit.label_leaks import comparable_lesions, copied_columns, duplicated_lesions
from livermets.audit.leakage_audit import audit_data, stop_on_findings
from livermets.audit.verdicts import Verdicts
from livermets.core.errors import BadInput
from livermets.features.features_table import feature_columns
from livermets.features.user_table import read_features

NAMES = [f"original_firstorder_F{i:02}" for i in range(12)]


def audited(table, tmp_path, **verdicts):
    """The checks of the table as it is read from a file; a finding that stops is raised."""
    table.to_csv(tmp_path / "mine.csv", index=False)
    features = read_features(tmp_path / "mine.csv", OURS, CLASSES)
    cohort = features[["patient", "label"]].drop_duplicates().assign(included=True)
    splits = cohort[["patient"]].assign(split="holdout", role="train")
    checks = audit_data(cohort, features, splits, None, Verdicts(**verdicts))
    stop_on_findings(checks)
    return checks


def refused(table, tmp_path, match):
    with pytest.raises(BadInput, match=match):
        audited(table, tmp_path)


@pytest.mark.parametrize(
    "scores",
    [(0, 1), (1.0, -1.0), (-0.7, 1.31)],
    ids=["as numbers", "as opposite numbers", "as any two numbers"],
)
def test_a_copy_of_the_label_is_refused_by_name(tmp_path, scores):
    table = own_table()
    table["Score"] = table["label"].map(dict(zip(CLASSES, scores, strict=True)))
    refused(table, tmp_path, "column Score is a copy of the label. Remove Score from the table")


@pytest.mark.parametrize(
    "copy",
    [
        lambda number: number,
        lambda number: -3.5 * number + 2,
        lambda number: (number - number.mean()) / number.std(),
        lambda number: np.log(number),
    ],
    ids=["same", "falling", "z-score", "logarithm"],
)
def test_a_copy_of_the_patients_id_is_refused_by_name(tmp_path, copy):
    table = own_table().sample(frac=1, random_state=2)
    table["Index"] = copy(table["patient"].str[1:].astype(float))
    refused(table, tmp_path, "column Index is a copy of the patient's id")


def test_a_column_of_row_numbers_is_refused_by_name(tmp_path):
    table = own_table().sample(frac=1, random_state=2).assign(index=np.arange(32) + 1)
    refused(table, tmp_path, "column index is a copy of the row number")


def test_a_table_sorted_by_a_feature_is_no_leak(tmp_path):
    table = own_table(lesions=1).sample(frac=1, random_state=5).reset_index(drop=True)
    table["Volume"] = np.sort(np.random.default_rng(1).lognormal(size=16))
    checks = audited(table, tmp_path)
    assert not [f for check in checks for f in check.findings]


def test_a_feature_that_separates_the_classes_stops_nothing(tmp_path):
    table = own_table()
    table["Good"] = table["Mean"] + 20 * (table["label"] == "pancreatic")
    texts = [f.text for check in audited(table, tmp_path) for f in check.findings]
    assert len(texts) == 1
    assert "Good (an AUC of 1.000" in texts[0]


def twice(table):
    """The table with one lesion of P02 once more in P11."""
    table = table.copy()
    features = feature_columns(table)
    table.loc[20, features] = table.loc[3, features]
    return table


def test_one_lesion_under_two_patients_is_refused_and_the_way_out_is_named(tmp_path):
    table = own_table()
    table[NAMES] = np.random.default_rng(1).normal(size=(32, 12))
    table = twice(table)
    refused(table, tmp_path, r"P02 and P11 have the same values in all 15 features of 1 lesion")
    refused(table, tmp_path, r"exclude: \{P11: same scan as P02\}.*audit.known_distinct_pairs")
    audited(table, tmp_path, known_distinct_pairs=[["P11", "P02"]])


def test_three_continuous_features_are_enough_for_a_lesion_that_stands_twice(tmp_path):
    refused(twice(own_table()), tmp_path, "P02 and P11 have the same values in all 3 features")


def test_patients_who_agree_in_yes_or_no_features_are_no_twins(tmp_path):
    rng = np.random.default_rng(4)
    table = own_table(60, 1).drop(columns=["Mean", "Energy", "Busyness"])
    yes_or_no = rng.integers(0, 2, size=(60, 12)) * (rng.random((60, 1)) < 0.7)  # some have none
    table[[f"sign{i}" for i in range(12)]] = yes_or_no
    assert table.duplicated(feature_columns(table)).any()
    assert duplicated_lesions(table, feature_columns(table)) == []
    outcomes = {check.title: check for check in audited(table, tmp_path)}
    for title in ("Do two patients share a lesion's features?", "Is a lesion nearly the same"):
        (check,) = (check for name, check in outcomes.items() if name.startswith(title))
        assert check.outcome == "not looked at"
        assert "many different values" in check.impossible


def test_a_table_in_which_every_patient_stands_twice_is_refused(tmp_path):
    table = own_table()
    again = table.assign(patient="X" + table["patient"].str[1:])
    assert comparable_lesions(pd.concat([table, again]), feature_columns(table)) == 64
    refused(pd.concat([table, again]), tmp_path, "P01 and X01 have the same values")


def test_a_copy_that_a_person_trusts_is_listed_and_stops_nothing(tmp_path):
    table = own_table().assign(Score=lambda t: (t["label"] == CLASSES[0]) * 1)
    checks = audited(table, tmp_path, trusted_columns=["Score"])
    (text,) = (f.text for check in checks for f in check.findings)
    assert text == "the column Score is a copy of the label; a person trusts it"


def test_a_table_without_numbers_has_no_copies():
    assert not any(copied_columns(own_table(), []).values())
