"""Thresholds: Youden's threshold, chosen on held-out training patients, never on test patients."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from livermets.classification.pipeline import Folds
from livermets.predictions.task import Task

# (rows, class number of each, patient of each) -> fitted model with `predict_proba`
Fit = Callable[[pd.DataFrame, np.ndarray, np.ndarray], Any]


def choose_threshold(
    task: Task, fit: Fit, X: pd.DataFrame, y: np.ndarray, patients: np.ndarray, folds: Folds
) -> dict[str, float]:
    """Choose Youden's threshold from scores of training patients who were held out.

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
    scored = np.isfinite(score)
    return {"threshold": youden_threshold(score[scored], y[scored] == positive)}


def youden_threshold(score: np.ndarray, positive: np.ndarray) -> float:
    """Find the threshold with the largest sum of sensitivity and specificity (Youden 1950).

    It lies half way between two scores; of equally good ones the nearest to one half is taken.
    scikit-learn's `roc_curve` gives scores as thresholds, not the middle between two of them.

    Parameters
    ----------
    score : ndarray of float, shape (rows,)
        Probability of the positive class.
    positive : ndarray of bool, shape (rows,)
        Rows of the positive class.

    Returns
    -------
    float
        The threshold; scores of at least this are called positive.
    """
    levels = np.unique(score)
    limits = np.r_[0.0, (levels[1:] + levels[:-1]) / 2, 1.0]
    sensitivity = 1 - np.searchsorted(np.sort(score[positive]), limits) / positive.sum()
    specificity = np.searchsorted(np.sort(score[~positive]), limits) / (~positive).sum()
    gain = sensitivity + specificity
    best = limits[gain >= gain.max() - 1e-12]
    return float(best[np.argmin(np.abs(best - 0.5))])
