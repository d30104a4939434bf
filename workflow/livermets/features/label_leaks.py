"""Features that give the answer away: copies of the label, of the patient's id, of a lesion."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from livermets.core.errors import BadInput

# Below these a feature may agree with labels or ids by chance: of a thousand features none is
# expected to order 12 patients alike, and a yes-or-no one may well tell 3 from 3.
PATIENTS_PER_CLASS, PATIENTS_IN_ORDER = 4, 12
FEATURES_OF_A_LESION = 10


def refuse_leaks(table: pd.DataFrame, features: Sequence[str], name: str) -> None:
    """Raise BadInput if a feature is the label, the patient's id or the row number in disguise."""
    for what, columns in copies(table, features).items():
        if columns:
            raise BadInput(
                f"{name}: the feature {columns[0]} is a copy of {what} and would give it away. "
                "Remove the column"
            )


def copies(table: pd.DataFrame, columns: Sequence[str]) -> dict[str, list[str]]:
    """Which of these columns of numbers are a copy of what.

    The label: one value per class and another for each. The id: it rises or falls strictly with
    the number in the id or its place in the alphabet. The row number: it changes by equal steps.
    """
    values = table[list(columns)].to_numpy(float)
    ids = _id_keys(table["patient"])
    found = {
        "the label": _label_copies(values, table),
        "the patient's id": np.any([_ordered(values, key) for key in ids], axis=0),
        "the row number": _ordered(values, np.arange(len(table)), equal_steps=True),
    }
    return {what: [c for c, is_copy in zip(columns, of, strict=True) if is_copy]
            for what, of in found.items()}  # fmt: skip


def refuse_twins(table: pd.DataFrame, features: Sequence[str]) -> None:
    """Raise BadInput if two patients share a lesion: the same values in all of many features.

    Such a lesion could be learned from in one patient and tested in the other.
    """
    for group in twins(table, features):
        pair = " and ".join(f"{patient} (lesion {lesion})" for patient, lesion in group[:2])
        raise BadInput(
            f"patients {pair} have the same values in all {len(features)} features, as one "
            "lesion under two names would. Remove one of the two patients"
        )


def twins(table: pd.DataFrame, features: Sequence[str]) -> list[list[tuple[str, int]]]:
    """Groups of (patient, lesion), one of each patient, that are equal in all of many features."""
    known = table[table[list(features)].notna().any(axis=1)]
    same = known[known.duplicated(list(features), keep=False)]
    if len(features) < FEATURES_OF_A_LESION or same.empty:
        return []
    groups = [
        list(group.drop_duplicates("patient")[["patient", "lesion"]].itertuples(index=False))
        for _, group in same.groupby(list(features), dropna=False, sort=False)
    ]
    return [[tuple(owner) for owner in group] for group in groups if len(group) > 1]


def _label_copies(values: np.ndarray, table: pd.DataFrame) -> np.ndarray:
    """Which columns have one value in each class, and another in every other class."""
    patients = table.groupby("label")["patient"].nunique()
    if len(patients) < 2 or patients.min() < PATIENTS_PER_CLASS:
        return np.zeros(values.shape[1], bool)
    of_class = [values[(table["label"] == label).to_numpy()] for label in patients.index]
    constant = np.all([(part == part[0]).all(axis=0) for part in of_class], axis=0)
    firsts = np.sort([part[0] for part in of_class], axis=0)
    return constant & (np.diff(firsts, axis=0) != 0).all(axis=0)


def _id_keys(patients: pd.Series) -> list[np.ndarray]:
    """Numbers that stand for the patients: the one in the id, and its place in the alphabet."""
    keys = [np.unique(patients.to_numpy(str), return_inverse=True)[1]]
    number = pd.to_numeric(patients.str.extract(r"(\d+)\D*$")[0])
    if number.notna().all() and number.nunique() == patients.nunique():
        keys.append(number.to_numpy(float))
    return keys


def _ordered(values: np.ndarray, key: np.ndarray, equal_steps: bool = False) -> np.ndarray:
    """Which columns rise or fall strictly with `key`, and stay where it stays."""
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
