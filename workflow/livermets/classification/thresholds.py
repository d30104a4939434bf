"""A threshold that the test patients had no say in: Youden's, on held-out training rows."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

# (rows, class number of each, patient of each) -> fitted model with `predict_proba`
Fit = Callable[[pd.DataFrame, np.ndarray, np.ndarray], Any]


def held_out_threshold(
    fit: Fit,
    X: pd.DataFrame,
    y: np.ndarray,
    patients: np.ndarray,
    folds: list[tuple[np.ndarray, np.ndarray]],
    positive: int,
) -> float:
    """Youden's threshold for the scores of training rows whose patients a model had not seen.

    Parameters
    ----------
    fit : fits the arm anew, with the settings it has
    X, y, patients : the training rows of one split; `positive` is a number in y
    folds : row numbers (train, test), patients kept together; without any there is no threshold
        (NaN)
    """
    if not folds:
        return np.nan
    score = np.full(len(y), np.nan)
    for train, test in folds:
        model = fit(X.iloc[train], y[train], patients[train])
        column = list(model.classes_).index(positive)
        score[test] = model.predict_proba(X.iloc[test])[:, column]
    scored = np.isfinite(score)
    return youden(score[scored], y[scored] == positive)


def youden(score: np.ndarray, positive: np.ndarray) -> float:
    """The threshold with the largest sum of sensitivity and specificity (Youden 1950).

    It lies half way between two scores; of equally good ones the nearest to one half is taken.
    """
    levels = np.unique(score)
    limits = np.r_[0.0, (levels[1:] + levels[:-1]) / 2, 1.0]
    sensitivity = 1 - np.searchsorted(np.sort(score[positive]), limits) / positive.sum()
    specificity = np.searchsorted(np.sort(score[~positive]), limits) / (~positive).sum()
    gain = sensitivity + specificity
    best = limits[gain >= gain.max() - 1e-12]
    return float(best[np.argmin(np.abs(best - 0.5))])
