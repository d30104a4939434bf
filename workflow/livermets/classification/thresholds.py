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
    tables = []
    for number, (train, test) in enumerate(folds):
        model = fit(X.iloc[train], y[train], patients[train])
        column = list(model.classes_).index(task.positive_number)
        scores = model.predict_proba(X.iloc[test])[:, column]
        table = pd.DataFrame({"patient": patients[test], "score": scores, "fold": number})
        tables.append(table.assign(positive=y[test] == task.positive_number))
    rows = pd.concat(tables, ignore_index=True)
    weights = scoring_weights(rows["patient"].to_numpy(), weigh)
    if level == "patient":
        rows = rows.groupby(["fold", "patient"], as_index=False).agg(
            score=("score", "mean"), positive=("positive", "first")
        )
        weights = None
    score, positive, fold = (rows[name].to_numpy() for name in ("score", "positive", "fold"))
    return {"threshold": youden_threshold(score, positive, fold, weights)}


def youden_threshold(
    score: np.ndarray,
    positive: np.ndarray,
    fold: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> float:
    """Find the threshold with the largest sum of sensitivity and specificity (Youden 1950).

    With several folds it is the sum within a fold, averaged over the folds: each has a model of its
    own, and a model without information scores by the share of the classes that it was trained on,
    which runs against the share in its fold. The threshold lies half way between two scores; of
    equally good ones the nearest to one half is taken.
    scikit-learn's `roc_curve` gives scores as thresholds, not the middle between two of them.

    Parameters
    ----------
    score : ndarray of float, shape (rows,)
        Probability of the positive class.
    positive : ndarray of bool, shape (rows,)
        Rows of the positive class.
    fold : ndarray, shape (rows,), optional
        Fold of each row, with rows of both classes in each; by default one fold.
    weights : ndarray of float, shape (rows,), optional
        Weight of each row; by default all weigh the same.

    Returns
    -------
    float
        The threshold; scores of at least this are called positive.
    """
    weights = np.ones(len(score)) if weights is None else weights
    fold = np.zeros(len(score)) if fold is None else fold
    levels = np.unique(score)
    limits = np.r_[0.0, (levels[1:] + levels[:-1]) / 2, 1.0]
    gains = []
    for number in np.unique(fold):
        of_class, others = (fold == number) & positive, (fold == number) & ~positive
        sensitivity = 1 - _share_below(limits, score[of_class], weights[of_class])
        specificity = _share_below(limits, score[others], weights[others])
        gains.append(sensitivity + specificity)
    gain = np.mean(gains, axis=0)
    best = limits[gain >= gain.max() - 1e-12]
    return float(best[np.argmin(np.abs(best - 0.5))])


def _share_below(limits: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The share of the weight that has a score below each limit, shape (limits,)."""
    order = np.argsort(score, kind="stable")
    below = np.r_[0.0, np.cumsum(weights[order])]
    return below[np.searchsorted(score[order], limits)] / below[-1]
