"""From a prediction table to rows that metrics take: levels, thresholds, one class or several."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from livermets.evaluation.metrics import Rows
from livermets.predictions.predictions_table import score_columns

FIXED = 0.5  # where a threshold from training patients was asked for and an arm has none


@dataclass(frozen=True)
class Scored:
    """One arm's scores of one repeat at one level."""

    rows: dict[str, Rows]  # of the positive class; of every class where there are three or more
    truth: np.ndarray  # number of each row's class
    called: np.ndarray  # number of the class it was called
    threshold: float  # the mean one of the calls; NaN where the highest of several scores decides
    risk: float  # the threshold at which net benefit is measured


def scored(
    table: pd.DataFrame,
    level: str,
    classes: list[str],
    positive: str,
    patients: list[str],
    threshold: float | str = FIXED,
) -> Scored:
    """The rows that count at a level, from one arm and repeat.

    Parameters
    ----------
    table : split, patient, lesion, label, score; score_CLASS for three or more classes; threshold
        where "youden" asks for it
    level : lesion, lesion_weighted or patient (scored by the mean of the lesions)
    patients : their order is that of the bootstrap's counts
    """
    several = score_columns(classes)
    if level == "patient":
        means = [name for name in ("score", "threshold", *several) if name in table]
        table = table.groupby(["split", "patient"], as_index=False, sort=False).agg(
            {"label": "first"} | dict.fromkeys(means, "mean")
        )
        # the mean of three equal scores differs from that of four in its last bit: no order in that
        table[means] = table[means].round(12)
    patient = pd.Index(patients).get_indexer(table["patient"])
    weight = np.ones(len(table))
    if level == "lesion_weighted":
        weight = 1 / np.bincount(patient, minlength=len(patients))[patient]
    truth = pd.Index(classes).get_indexer(table["label"])
    numbers, limit = calls(table, classes, positive, threshold)
    targets = table[several or ["score"]].to_numpy(float).T
    names = classes if several else [positive]
    rows = {}
    for name, score in zip(names, targets, strict=True):
        number = classes.index(name)
        rows[name] = Rows(truth == number, score, patient, weight, numbers == number)
    risk = FIXED if isinstance(threshold, str) else threshold
    return Scored(rows, truth, numbers, float(limit.mean()), risk)


def calls(
    table: pd.DataFrame, classes: list[str], positive: str, threshold: float | str
) -> tuple[np.ndarray, np.ndarray]:
    """The number of the class that each row is called, and the thresholds that decided.

    Of three or more classes the one with the highest score is called (thresholds NaN); of two the
    positive one where `score` is at least the threshold: a number, or with "youden" the arm's own.
    """
    if several := score_columns(classes):
        return table[several].to_numpy(float).argmax(axis=1), np.full(len(table), np.nan)
    limit = np.full(len(table), FIXED if isinstance(threshold, str) else threshold)
    if isinstance(threshold, str) and "threshold" in table:
        limit = table["threshold"].fillna(FIXED).to_numpy(float)
    number = classes.index(positive)
    return np.where(table["score"].to_numpy(float) >= limit, number, 1 - number), limit
