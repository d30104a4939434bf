"""Label leaks: features that copy the label or the patient's id, and lesions that stand twice."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from livermets.audit.lesion_names import LesionName, lesion_names
from livermets.audit.many_valued import many_valued

# Below these a feature may agree with labels or ids by chance: of a thousand features none is
# expected to order 12 patients alike, and a yes-or-no one may well tell 3 from 3.
PATIENTS_PER_CLASS, PATIENTS_IN_ORDER = 4, 12
FEATURES_OF_A_LESION = 3  # many-valued features in which two lesions are never equal by chance


def copied_columns(table: pd.DataFrame, columns: Sequence[str]) -> dict[str, list[str]]:
    """Columns of numbers that are a copy of the label, the patient's id or the row number.

    A copy of the label has one value in each class, and another in every other class. A copy of the
    id rises or falls strictly with the number in the id or its place in the alphabet. A copy of the
    row number changes by equal steps.

    Parameters
    ----------
    table : data frame
        The features table.
    columns : sequence of str
        Columns of numbers to look at.

    Returns
    -------
    dict
        Columns that copy "the label", "the patient's id" and "the row number".
    """
    values = table[list(columns)].to_numpy(float)
    if not values.size:
        return {"the label": [], "the patient's id": [], "the row number": []}
    ids = id_keys(table["patient"])
    copies = {
        "the label": _label_copies(values, table),
        "the patient's id": np.any([_ordered(values, key) for key in ids], axis=0),
        "the row number": _ordered(values, np.arange(len(table)), equal_steps=True),
    }
    names = np.asarray(columns, dtype=object)
    return {source: list(names[copied]) for source, copied in copies.items()}


def duplicated_lesions(
    table: pd.DataFrame, features: Sequence[str]
) -> list[list[tuple[str, LesionName]]]:
    """Lesions of different patients that are equal in all features, many-valued ones among them.

    Parameters
    ----------
    table : data frame
        The features table.
    features : sequence of str
        Columns to compare. A lesion without `FEATURES_OF_A_LESION` values in many-valued features
        is left out: yes-or-no features are equal in many patients.

    Returns
    -------
    list of list of (str, int or str)
        Groups of (patient, lesion by `lesion_names`), one lesion of each patient.
    """
    measured = table[_comparable(table, features)]
    same = measured[measured.duplicated(list(features), keep=False)]
    if same.empty:
        return []
    groups = []
    for _, group in same.groupby(list(features), dropna=False, sort=False):
        first = group.drop_duplicates("patient")
        groups.append(list(zip(first["patient"], lesion_names(first), strict=True)))
    return [group for group in groups if len(group) > 1]


def comparable_lesions(table: pd.DataFrame, features: Sequence[str]) -> int:
    """Count the lesions with values enough to be told from others, see `duplicated_lesions`."""
    return int(np.count_nonzero(_comparable(table, features)))


def _comparable(table: pd.DataFrame, features: Sequence[str]) -> np.ndarray:
    """Mask of the lesions with values in enough many-valued features."""
    values = table[list(features)].to_numpy(float)
    known: np.ndarray = np.isfinite(values[:, many_valued(values)]).sum(axis=1)
    return known >= FEATURES_OF_A_LESION


def _label_copies(values: np.ndarray, table: pd.DataFrame) -> np.ndarray:
    """Mask of columns that have one value in each class, and another in every other class."""
    patients = table.groupby("label")["patient"].nunique()
    if len(patients) < 2 or patients.min() < PATIENTS_PER_CLASS:
        return np.zeros(values.shape[1], bool)
    of_class = [values[(table["label"] == label).to_numpy()] for label in patients.index]
    constant = np.all([(part == part[0]).all(axis=0) for part in of_class], axis=0)
    firsts = np.sort([part[0] for part in of_class], axis=0)
    return constant & (np.diff(firsts, axis=0) != 0).all(axis=0)


def id_keys(patients: pd.Series) -> list[np.ndarray]:
    """Numbers of the patients: their place in the alphabet, and the number in the id."""
    keys = [np.unique(patients.to_numpy(str), return_inverse=True)[1]]
    number = pd.to_numeric(patients.str.extract(r"(\d+)\D*$")[0])
    if number.notna().all() and number.nunique() == patients.nunique():
        keys.append(number.to_numpy(float))
    return keys


def _ordered(values: np.ndarray, key: np.ndarray, equal_steps: bool = False) -> np.ndarray:
    """Mask of columns that rise or fall strictly with `key`, and stay equal where it does."""
    order = np.argsort(key, kind="stable")
    steps, changes = np.diff(key[order]), np.diff(values[order], axis=0)
    if np.count_nonzero(steps) + 1 < PATIENTS_IN_ORDER:
        return np.zeros(values.shape[1], bool)
    moving = changes[steps != 0]
    ordered = (moving > 0).all(axis=0) | (moving < 0).all(axis=0)
    ordered &= (changes[steps == 0] == 0).all(axis=0)
    if equal_steps:
        slopes = moving / steps[steps != 0][:, None]
        ordered &= np.ptp(slopes, axis=0) <= 1e-6 * np.abs(slopes).max(axis=0)
    return ordered
