"""Levels of evaluation: by patient only where every patient has lesions of one class."""

from collections.abc import Iterable

import pandas as pd

from livermets.study.outputs import LEVELS

BY_PATIENT = "patient"
OF_LESION_LABELS = "lesion"  # the level of the main result where lesions carry the label


def levels_of(predictions: pd.DataFrame) -> tuple[str, ...]:
    """List the levels at which predictions can be evaluated, the headline first.

    A patient with lesions of two classes has no class, so there are no results by patient.

    Parameters
    ----------
    predictions : DataFrame
        patient and label of each lesion.
    """
    distinct = predictions[["patient", "label"]].drop_duplicates()
    several = distinct["patient"].duplicated().any()
    return tuple(level for level in LEVELS if not (several and level == BY_PATIENT))


def headline_level(levels: Iterable[str]) -> str:
    """Choose the level of the main result: by patient, or by lesion where lesions have labels."""
    return BY_PATIENT if BY_PATIENT in set(levels) else OF_LESION_LABELS
