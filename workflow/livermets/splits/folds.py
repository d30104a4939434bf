"""Folds: parts of the patients that are held out in turn, each with every class.

Folds are made from a table of patients (one row each; a patient with lesions of several classes has
a label that names them all), so the number of their lesions cannot upset
the balance of a fold (scikit-learn's StratifiedGroupKFold can leave a fold with one class, issue
33085 of scikit-learn). The order of the patients is that of a hash of the seed and their id: the
same on every machine and for any order of the table.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from livermets.core.errors import BadInput
from livermets.core.seeds import derive_seed
from livermets.study.patient_labels import classes_of, patient_label

Groups = dict[str, list[str]]  # class, or label of patients -> its patients


def stratified_folds(groups: Groups, folds: int, seed: int, *purpose: object) -> list[list[str]]:
    """Divide patients into folds: sizes of folds, and of labels in them, differ by one at most.

    Parameters
    ----------
    groups : dict
        Patients of each label.
    folds : int
        Number of folds.
    seed : int
        The study's seed.
    *purpose : object
        Names from which, with the seed, the order of the patients is derived.

    Returns
    -------
    list of list of str
        Patients of each fold.
    """
    order = [patient for ids in groups.values() for patient in shuffled(ids, seed, *purpose)]
    return [order[start::folds] for start in range(folds)]


def grouped_folds(
    patients: npt.ArrayLike, labels: npt.ArrayLike, folds: int, seed: int, *purpose: object
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Make inner folds over patients, with every class on both sides.

    Parameters
    ----------
    patients : array, shape (rows,)
        Patient of each row.
    labels : array, shape (rows,)
        Class of each row.
    folds : int
        Largest number of folds; fewer where a class has fewer patients.
    seed : int
        The study's seed.
    *purpose : object
        As in `stratified_folds`.

    Returns
    -------
    list of (ndarray, ndarray)
        Row numbers (train, test) of each fold; empty where a class has a single patient.
    """
    rows = pd.DataFrame({"patient": np.asarray(patients), "label": np.asarray(labels).astype(str)})
    strata = patients_by_label(_one_row_each(rows.drop_duplicates()))
    of_class = with_class(strata)
    folds = min(folds, *(len(ids) for ids in of_class.values()))
    for number in range(folds, 1, -1):
        parts = stratified_folds(strata, number, seed, *purpose)
        if all(_both_sides(ids, part) for ids in of_class.values() for part in parts):
            tests = (rows["patient"].isin(part).to_numpy() for part in parts)
            return [(np.flatnonzero(~test), np.flatnonzero(test)) for test in tests]
    return []


def _one_row_each(rows: pd.DataFrame) -> pd.DataFrame:
    """One row for each patient, whose label names all classes of the lesions."""
    if not rows["patient"].duplicated().any():
        return rows
    return rows.groupby("patient")["label"].agg(patient_label).reset_index()


def _both_sides(ids: list[str], part: list[str]) -> bool:
    """Whether some of the patients are in the part, and some are not."""
    inside = len(set(ids) & set(part))
    return 0 < inside < len(ids)


def with_class(strata: Groups) -> Groups:
    """List the patients who have each class; one with lesions of several classes is in several.

    Parameters
    ----------
    strata : dict
        Patients of each label (`study.patient_labels`), as `patients_by_label` gives them.

    Returns
    -------
    dict
        Class -> its patients, both sorted.
    """
    of_class: dict[str, list[str]] = {}
    for label, ids in strata.items():
        for name in classes_of(label):
            of_class.setdefault(name, []).extend(ids)
    return {name: sorted(of_class[name]) for name in sorted(of_class)}


def patients_by_label(patients: pd.DataFrame) -> Groups:
    """Sort the patients by label; refuses a table that cannot be split."""
    missing = patients.loc[patients["label"].isna(), "patient"]
    if len(missing):
        raise BadInput(f"patient {missing.iloc[0]} has no label: give one, or leave them out.")
    duplicates = patients.loc[patients["patient"].duplicated(), "patient"]
    if len(duplicates):
        raise BadInput(
            f"patient {duplicates.iloc[0]} is in the table of patients twice (perhaps with two"
            " labels): keep one row and one label for each patient."
        )
    labels = sorted(patients["label"].unique())
    groups = {
        label: sorted(patients.loc[patients["label"] == label, "patient"]) for label in labels
    }
    if len({name for label in groups for name in classes_of(label)}) < 2:
        only = next(iter(groups), "no patient at all")
        raise BadInput(f"all patients are of one class ({only}): give patients of another, too.")
    return groups


def shuffled(patients: list[str], seed: int, *purpose: object) -> list[str]:
    """Put patients into an order that the seed and its purpose decide."""
    return sorted(patients, key=lambda patient: (derive_seed(seed, *purpose, patient), patient))
