"""Splits where lesions carry the label: whole patients, and every class on both sides."""

import numpy as np
import pandas as pd
import pytest
from helpers.feature_tables import mixed_features
from livermets.core.errors import BadInput
from livermets.splits.folds import grouped_folds
from livermets.splits.patient_splits import split_patients
from livermets.study.patient_labels import classes_of


def patients(pure_a: int, both: int, pure_b: int) -> pd.DataFrame:
    """Patients of one class, of both, and of the other."""
    labels = ["a"] * pure_a + ["a + b"] * both + ["b"] * pure_b
    return pd.DataFrame({"patient": [f"p{i:02}" for i in range(len(labels))], "label": labels})


def with_class(table: pd.DataFrame, ids: set[str], name: str) -> int:
    """How many of these patients have a lesion of the class."""
    has = table["label"].map(lambda label: name in classes_of(label))
    return int((has & table["patient"].isin(ids)).sum())


@pytest.mark.parametrize(
    "counts", [(9, 6, 9), (0, 12, 5), (2, 20, 2)], ids=["a third", "no pure a", "nearly all"]
)
def test_every_fold_tests_and_trains_both_classes_and_each_kind_of_patient_is_dealt_evenly(counts):
    table = patients(*counts)
    splits = split_patients(table, None, {"folds": 5, "validation": 2}, seed=3)
    tested = []
    for _, part in splits.groupby("split"):
        role = part.set_index("patient")["role"]
        assert sorted(role.index) == list(table["patient"])  # each once: no patient on two sides
        test, train = (set(role.index[role == name]) for name in ("test", "train"))
        for name in "ab":
            assert with_class(table, test, name) >= 1
            assert with_class(table, train, name) >= 1
        tested.append(table[table["patient"].isin(test)]["label"].value_counts())
    sizes = pd.DataFrame(tested).fillna(0)
    assert ((sizes.max() - sizes.min()) <= 1).all()


def test_the_holdout_counts_a_patient_of_both_classes_for_each():
    table = patients(4, 8, 4)
    holdout = {"test_per_class": 3, "validation": 2}
    splits = split_patients(table, holdout, None, seed=1)
    test = set(splits.loc[splits["role"] == "test", "patient"])
    assert with_class(table, test, "a") >= 3
    assert with_class(table, test, "b") >= 3
    assert len(test) < 6  # of 3 + 3, some are counted twice


def test_patients_of_one_class_are_split_as_they_were_before_lesions_could_carry_the_label():
    table = pd.DataFrame({"patient": [f"q{i}" for i in range(12)], "label": ["x", "y"] * 6})
    splits = split_patients(
        table, {"test_per_class": 1, "validation": 2}, {"folds": 3, "validation": 0}, seed=2023
    )
    test = splits[splits["role"] == "test"].groupby("split")["patient"].agg(" ".join)
    assert test.to_dict() == {  # as the code before `label_of` divided them
        "holdout": "q1 q6",
        "cv1-fold1": "q4 q6 q7 q9",
        "cv1-fold2": "q0 q1 q11 q8",
        "cv1-fold3": "q10 q2 q3 q5",
    }


def test_a_class_that_only_tested_patients_have_is_refused_with_what_to_change():
    table = patients(4, 4, 0).assign(label=["a"] * 4 + ["a + b"] * 4)
    with pytest.raises(BadInput, match=r"class b has 4 patients and splits.cv.folds needs 5"):
        split_patients(table, None, {"folds": 5, "validation": 0}, seed=1)


def test_inner_folds_keep_patients_of_both_classes_whole_and_hold_both_classes():
    table = mixed_features(24)
    y = (table["label"] == "pancreatic").to_numpy(int)
    ids = table["patient"].to_numpy(str)
    folds = grouped_folds(ids, y, 3, 7, "inner")
    assert len(folds) == 3
    for train, test in folds:
        assert not set(ids[train]) & set(ids[test])
        assert set(y[train]) == set(y[test]) == {0, 1}
    tested = np.sort(np.concatenate([test for _, test in folds]))
    np.testing.assert_array_equal(tested, np.arange(len(y)))


def test_where_all_patients_have_both_classes_they_are_still_divided():
    ids, y = np.repeat(["a", "b", "c", "d"], 2), np.tile([0, 1], 4)
    assert len(grouped_folds(ids, y, 3, 0)) == 3
