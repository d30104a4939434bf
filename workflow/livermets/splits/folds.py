"""Folds: parts of the patients that are held out in turn, each with every class.

Folds are made from a table of patients (one row each), so the number of their lesions cannot upset
the balance of a fold (scikit-learn's StratifiedGroupKFold can leave a fold with one class, issue
33085 of scikit-learn). The order of the patients is that of a hash of the seed and their id: the
same on every machine and for any order of the table.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from livermets.core.errors import BadInput
from livermets.core.seeds import derive_seed

Groups = dict[str, list[str]]  # class -> its patients


def stratified_folds(groups: Groups, folds: int, seed: int, *purpose: object) -> list[list[str]]:
    """Divide patients into folds: sizes of folds, and of classes in them, differ by one at most.

    Parameters
    ----------
    groups : dict
        Patients of each class.
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
    rows = pd.DataFrame({"patient": np.asarray(patients), "label": np.asarray(labels)})
    groups = patients_by_class(rows.drop_duplicates())
    folds = min(folds, *(len(ids) for ids in groups.values()))
    if folds < 2:
        return []
    tests = (
        rows["patient"].isin(fold).to_numpy()
        for fold in stratified_folds(groups, folds, seed, *purpose)
    )
    return [(np.flatnonzero(~test), np.flatnonzero(test)) for test in tests]


def patients_by_class(patients: pd.DataFrame) -> Groups:
    """Sort the patients by class; refuses a table that cannot be split."""
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
    if len(groups) < 2:
        only = next(iter(groups), "no patient at all")
        raise BadInput(f"all patients are of one class ({only}): give patients of another, too.")
    return groups


def shuffled(patients: list[str], seed: int, *purpose: object) -> list[str]:
    """Put patients into an order that the seed and its purpose decide."""
    return sorted(patients, key=lambda patient: (derive_seed(seed, *purpose, patient), patient))
