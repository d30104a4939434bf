"""Inner folds of the training patients: who is held out, and that no test patient is there."""

import pandas as pd
import pytest
from helpers.classes import CLASSES
from livermets.core.errors import BadInput
from livermets.fusion.inner_folds import divide_training_patients
from livermets.splits.patient_splits import split_patients
from livermets.study.fusion import inner_splits, outer_split

PATIENTS = pd.DataFrame({"patient": [f"P{n:02}" for n in range(30)]})
PATIENTS["label"] = [CLASSES[n % 3 == 0] for n in range(30)]
LABELS = PATIENTS.set_index("patient")["label"].to_dict()
SPLITS = split_patients(
    PATIENTS, {"test_per_class": 3, "validation": 4}, {"folds": 3, "validation": 2}, seed=5
)


def test_every_training_patient_is_held_out_once_and_no_test_patient_is_there():
    inner = divide_training_patients(SPLITS, LABELS, 3, seed=1)
    names = list(SPLITS["split"].unique())
    assert inner["split"].unique().tolist() == inner_splits(names, 3)
    for split, part in SPLITS.groupby("split"):
        own = inner[inner["split"].map(outer_split) == split]
        role = part.set_index("patient")["role"]
        assert set(own["patient"]) == set(role[role != "test"].index)
        held_out = own.loc[own["role"] == "test", "patient"].tolist()
        assert sorted(held_out) == sorted(role[role == "train"].index)
        validating = own[own["role"] == "validation"].groupby("split")["patient"].agg(set)
        assert all(patients == set(role[role == "validation"].index) for patients in validating)


def test_every_fold_learns_from_every_class_and_the_order_of_patients_changes_nothing():
    inner = divide_training_patients(SPLITS, LABELS, 3, seed=1)
    trained = inner[inner["role"] == "train"]
    classes = trained["patient"].map(LABELS).groupby(trained["split"]).nunique()
    assert (classes == 2).all()
    again = divide_training_patients(SPLITS.iloc[::-1], LABELS, 3, seed=1)
    columns = ["split", "patient", "role"]
    pd.testing.assert_frame_equal(
        *(t.sort_values(columns, ignore_index=True)[columns] for t in (inner, again))
    )


def test_a_patient_without_one_label_is_held_out_like_the_others():
    labels = LABELS | {"P05": float("nan")}
    inner = divide_training_patients(SPLITS, labels, 2, seed=1)
    splits_of = SPLITS[(SPLITS["patient"] == "P05") & (SPLITS["role"] == "train")]
    tested = inner[(inner["patient"] == "P05") & (inner["role"] == "test")]
    assert set(tested["split"].map(outer_split)) == set(splits_of["split"])


def test_fewer_training_patients_than_folds_are_refused():
    few = pd.DataFrame({"patient": ["A", "B", "C"], "role": ["train", "train", "test"]})
    with pytest.raises(BadInput, match=r"holdout: 2 training patients .* lower fusion.folds"):
        divide_training_patients(few.assign(split="holdout"), dict.fromkeys("ABC", "x"), 3, 1)
