"""Thresholds: Youden's threshold, chosen on held-out training patients, never on test patients."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from livermets.classification.pipeline import Folds
from livermets.classification.row_weights import scoring_weights
from livermets.predictions.task import Task

# (rows, class number of each, patient of each) -> fitted model with `predict_proba`
Fit = Callable[[pd.DataFrame, np.ndarray, np.ndarray], Any]


def choose_threshold(
    task: Task,
    fit: Fit,
    X: pd.DataFrame,
    y: np.ndarray,
    patients: np.ndarray,
    folds: Folds,
    level: str = "lesion",
    weigh: str = "lesions",
) -> dict[str, float]:
    """Choose Youden's threshold from scores of training patients who were held out.

    The mean score of a patient's lesions varies less than the score of a lesion, so the best
    threshold for patients is another than that for lesions.

    Parameters
    ----------
    task : Task
        The classes; with three or more there is no threshold.
    fit : callable
        Fits the arm again with the settings it has.
    X : data frame of shape (rows, features)
        Training rows of one split.
    y : ndarray of int, shape (rows,)
        Class number of each row.
    patients : ndarray, shape (rows,)
        Patient of each row.
    folds : list of (train, test)
        Inner folds, with each patient on one side.
    level : {"lesion", "patient"}
        What the threshold is for: single lesions, or patients by the mean score of their lesions.
    weigh : {"lesions", "patients"}
        What counts alike in the threshold for lesions.

    Returns
    -------
    dict
        `threshold`, NaN where there are no folds; empty with three or more classes.
    """
    if not task.binary:
        return {}
    if not folds:
        return {"threshold": np.nan}
    positive = task.positive_number
    score = np.full(len(y), np.nan)
    for train, test in folds:
        model = fit(X.iloc[train], y[train], patients[train])
        column = list(model.classes_).index(positive)
        score[test] = model.predict_proba(X.iloc[test])[:, column]
    rows = pd.DataFrame({"patient": patients, "score": score, "positive": y == positive})
    rows = rows[np.isfinite(score)]
    weights = scoring_weights(rows["patient"].to_numpy(), weigh)
    if level == "patient":
        rows = rows.groupby("patient").agg({"score": "mean", "positive": "first"})
        weights = None
    chosen = youden_threshold(rows["score"].to_numpy(), rows["positive"].to_numpy(), weights)
    return {"threshold": chosen}


def youden_threshold(
    score: np.ndarray, positive: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """Find the threshold with the largest sum of sensitivity and specificity (Youden 1950).

    It lies half way between two scores; of equally good ones the nearest to one half is taken.
    scikit-learn's `roc_curve` gives scores as thresholds, not the middle between two of them.

    Parameters
    ----------
    score : ndarray of float, shape (rows,)
        Probability of the positive class.
    positive : ndarray of bool, shape (rows,)
        Rows of the positive class.
    weights : ndarray of float, shape (rows,), optional
        Weight of each row; by default all weigh the same.

    Returns
    -------
    float
        The threshold; scores of at least this are called positive.
    """
    if weights is None:
        weights = np.ones(len(score))
    levels = np.unique(score)
    limits = np.r_[0.0, (levels[1:] + levels[:-1]) / 2, 1.0]
    sensitivity = 1 - _share_below(limits, score[positive], weights[positive])
    specificity = _share_below(limits, score[~positive], weights[~positive])
    gain = sensitivity + specificity
    best = limits[gain >= gain.max() - 1e-12]
    return float(best[np.argmin(np.abs(best - 0.5))])


def _share_below(limits: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The share of the weight that has a score below each limit, shape (limits,)."""
    order = np.argsort(score, kind="stable")
    below = np.r_[0.0, np.cumsum(weights[order])]
    return below[np.searchsorted(score[order], limits)] / below[-1]
