"""Division of patients: every class on every side, nobody on two, the same on every machine."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from livermets.core.errors import BadInput
from livermets.splits.patient_splits import ROLES, split_patients
from livermets.study.schemes import split_names

PACKAGE = Path(__file__).parents[2] / "workflow"
PAPER = {"test_per_class": 4, "validation": 5}
CV = {"folds": 5, "repeats": 2, "validation": 5}
DIGEST = "0cb97acdfa2b1e0cf80b202ed37a2023252f675a7bdf57975674a02e8862768e"


def cohort(*sizes: int) -> pd.DataFrame:
    """Patients of classes a, b, ... in these numbers, in a mixed order."""
    rows = [
        (f"{label}{i:02d}", label) for label, n in zip("abc", sizes, strict=False) for i in range(n)
    ]
    return pd.DataFrame(rows, columns=["patient", "label"]).sample(frac=1, random_state=1)


def labelled(splits: pd.DataFrame, patients: pd.DataFrame) -> pd.DataFrame:
    return splits.merge(patients, on="patient", validate="many_to_one")


@pytest.mark.parametrize(
    "sizes",
    [(47, 31), (12, 9), (40, 7), (8, 7), (30, 12, 8)],
    ids=lambda sizes: "+".join(map(str, sizes)),
)
def test_every_role_holds_every_class_in_every_split_whatever_the_seed(sizes):
    patients = cohort(*sizes)
    for seed in range(30):
        splits = split_patients(patients, PAPER, CV, seed)
        assert list(splits["split"].unique()) == split_names(PAPER, CV)
        found = labelled(splits, patients).groupby(["split", "role"])["label"].nunique()
        assert len(found) == 11 * len(ROLES)
        assert (found == len(sizes)).all(), f"seed {seed}: {found[found < len(sizes)]}"


@pytest.mark.parametrize(
    "sizes", [(47, 31), (13, 9), (30, 12, 8)], ids=lambda sizes: "+".join(map(str, sizes))
)
def test_every_patient_stands_once_in_every_split_and_is_tested_once_a_repeat(sizes):
    patients = cohort(*sizes)
    for seed in range(10):
        splits = split_patients(patients, PAPER, CV, seed)
        for _, part in splits.groupby("split"):
            assert sorted(part["patient"]) == sorted(patients["patient"])
        tested = splits[splits["role"].eq("test") & splits["split"].str.startswith("cv")]
        repeat = tested["split"].str.split("-").str[0]
        for _, own in tested["patient"].groupby(repeat):
            assert sorted(own) == sorted(patients["patient"])


def test_folds_and_classes_within_them_differ_by_one_patient_at_most():
    patients = cohort(47, 31)
    splits = split_patients(patients, None, {"folds": 5, "repeats": 3, "validation": 5}, 11)
    test = labelled(splits[splits["role"] == "test"], patients)
    assert np.ptp(test.groupby("split").size()) <= 1
    for _, of_class in test.groupby("label"):
        assert np.ptp(of_class.groupby("split").size()) <= 1


def test_the_holdout_is_the_papers():
    patients = cohort(47, 31)
    splits = labelled(split_patients(patients, PAPER, None, 2023), patients)
    counts = splits.groupby(["role", "label"]).size()
    assert counts["test"].to_dict() == {"a": 4, "b": 4}
    assert counts["validation"].sum() == 5
    assert np.ptp(counts["validation"]) == 1
    assert counts["train"].sum() == 78 - 8 - 5


def test_repeats_and_seeds_divide_differently():
    patients = cohort(20, 20)
    once, other = (split_patients(patients, PAPER, CV, seed) for seed in (1, 2))
    assert not once.equals(other)
    tests = {
        split: frozenset(part.loc[part["role"] == "test", "patient"])
        for split, part in once.groupby("split")
    }
    assert len(set(tests.values())) == 11


def test_the_order_of_the_rows_and_other_columns_change_nothing():
    patients = cohort(14, 11)
    expected = split_patients(patients, PAPER, CV, 3)
    for seed in range(5):
        other = patients.sample(frac=1, random_state=seed).assign(age=range(25))
        pd.testing.assert_frame_equal(split_patients(other, PAPER, CV, 3), expected)


def test_the_division_is_the_same_on_every_machine():
    """Whatever the seed of Python's own hash, and after an edit of ours: DIGEST stands."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import hashlib, pandas as pd;"
        "from livermets.splits.patient_splits import split_patients;"
        "p = pd.DataFrame([(f'{c}{i:02d}', c) for c in 'ab' for i in range(12)],"
        " columns=['patient', 'label']);"
        "s = split_patients(p, {'test_per_class': 4, 'validation': 5},"
        " {'folds': 3, 'repeats': 2, 'validation': 2}, 2023);"
        "print(hashlib.sha256(s.to_csv(index=False).encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program, str(PACKAGE)],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for hash_seed in ("0", "4711")
    }
    assert digests == {DIGEST}


@pytest.mark.parametrize(
    ("sizes", "holdout", "cv", "words"),
    [
        (
            (20, 5),
            PAPER,
            None,
            ["class b has 5 patients", "splits.holdout.test_per_class", "lower"],
        ),
        ((20, 4), None, {"folds": 5, "validation": 0}, ["class b has 4", "splits.cv.folds"]),
        ((3, 20), None, {"folds": 2, "validation": 0}, ["class a has 3", "splits.cv.folds"]),
        (
            (6, 6),
            {"test_per_class": 4, "validation": 5},
            None,
            ["splits.holdout.validation", "lower"],
        ),
        (
            (9, 3),
            None,
            {"folds": 3, "validation": 9},
            ["cv1-fold1", "splits.cv.validation", "class b"],
        ),
        ((9, 9), None, {"folds": 1, "validation": 0}, ["splits.cv.folds is 1"]),
        ((9,), PAPER, None, ["one class (a)"]),
        ((9, 9), None, None, ["none of holdout, cv, given and site"]),
    ],
    ids=[
        "hold-out",
        "fewer patients of b than folds",
        "three patients of a",
        "no room for validation",
        "no room in the folds",
        "one fold",
        "one class",
        "no scheme",
    ],
)
def test_too_few_patients_are_refused_with_class_and_key(sizes, holdout, cv, words):
    with pytest.raises(BadInput) as refusal:
        split_patients(cohort(*sizes), holdout, cv, 1)
    for word in words:
        assert word in str(refusal.value)


def test_a_given_split_is_taken_as_it_is():
    patients = cohort(10, 10)
    patients["split"] = ["test" if p.endswith(("1", "5")) else "train" for p in patients["patient"]]
    patients.loc[patients["patient"].isin(["a02", "b02"]), "split"] = "validation"
    splits = split_patients(patients, None, None, 1, given=True)
    assert list(splits["split"].unique()) == split_names(given=True) == ["given"]
    found = splits.set_index("patient")["role"]
    pd.testing.assert_series_equal(
        found.sort_index(),
        patients.set_index("patient")["split"].sort_index(),
        check_names=False,
    )


def test_a_patient_twice_or_without_a_label_is_refused_by_name():
    patients = cohort(9, 9)
    both = pd.concat([patients, pd.DataFrame({"patient": ["a03"], "label": ["b"]})])
    with pytest.raises(BadInput, match="patient a03 is in the table of patients twice"):
        split_patients(both, PAPER, None, 1)
    without = patients.assign(label=patients["label"].where(patients["patient"] != "b05"))
    with pytest.raises(BadInput, match="patient b05 has no label: give one"):
        split_patients(without, PAPER, None, 1)
