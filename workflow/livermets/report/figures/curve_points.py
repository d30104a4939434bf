"""Points of ROC, calibration and decision curves, computed from the rows of one arm."""

import numpy as np
import pandas as pd

from livermets.evaluation.bootstrap import draw_patients
from livermets.evaluation.scored_arms import scheme_patients

FPR_GRID = np.linspace(0, 1, 201)  # false positive rates at which curves are averaged


def mean_roc_curve(rows: pd.DataFrame, positive: str) -> np.ndarray:
    """Compute the sensitivity at each false positive rate of `FPR_GRID`, averaged over repeats.

    Parameters
    ----------
    rows : DataFrame
        The predictions of one arm, with `repeat`.
    positive : str
        The class that `score` is the probability of.

    Returns
    -------
    ndarray of float, shape (len(FPR_GRID),)
        The sensitivities.
    """
    curves = []
    for _, part in rows.groupby("repeat"):
        truth = (part["label"] == positive).to_numpy(float)
        score, weights = part["score"].to_numpy(), np.ones((1, len(part)))
        curves.append(_weighted_roc_curves(score, truth, weights)[0])
    return np.mean(curves, axis=0)


def roc_band(
    rows: pd.DataFrame, positive: str, draws: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the pointwise 95 % band of the mean ROC curve, from bootstrap draws of patients.

    Parameters
    ----------
    rows : DataFrame
        The predictions of one arm, with `repeat`.
    positive : str
        The class that `score` is the probability of.
    draws : int
        Number of draws.
    seed : int
        The seed of the draws.

    Returns
    -------
    tuple of ndarray of float, shape (len(FPR_GRID),)
        The lower and the upper bound; NaN where a class has a single patient.
    """
    tested = scheme_patients(rows)
    if min(np.unique(tested.labels, return_counts=True)[1]) < 2:
        return np.full_like(FPR_GRID, np.nan), np.full_like(FPR_GRID, np.nan)
    counts = draw_patients(tested.labels, draws, seed)
    curves = []
    for _, part in rows.groupby("repeat"):
        patient = pd.Index(tested.patients).get_indexer(pd.Index(part["patient"]))
        truth = (part["label"] == positive).to_numpy(float)
        curves.append(_weighted_roc_curves(part["score"].to_numpy(), truth, counts[:, patient]))
    low, high = np.nanquantile(np.mean(curves, axis=0), (0.025, 0.975), axis=0)
    return low, high


def _weighted_roc_curves(score: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """ROC curves for several weightings of the rows; tied scores make a slanted segment.

    Parameters
    ----------
    score, truth : ndarray of float, shape (rows,)
        Score, and 1 for the positive class.
    weights : ndarray of float, shape (draws, rows)
        The weights of the rows.

    Returns
    -------
    ndarray of float, shape (draws, len(FPR_GRID))
        Sensitivity at each false positive rate; NaN for a draw with one class.
    """
    order = np.argsort(-score, kind="stable")
    last = np.flatnonzero(np.r_[np.diff(score[order]) != 0, True])
    true_positives = np.cumsum(weights[:, order] * truth[order], axis=1)[:, last]
    false_positives = np.cumsum(weights[:, order] * (1 - truth[order]), axis=1)[:, last]
    curves = np.full((len(weights), len(FPR_GRID)), np.nan)
    for draw, (tp, fp) in enumerate(zip(true_positives, false_positives, strict=True)):
        if tp[-1] > 0 and fp[-1] > 0:
            curves[draw] = np.interp(FPR_GRID, np.r_[0, fp / fp[-1]], np.r_[0, tp / tp[-1]])
    return curves


def calibration_points(score: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute mean score and share of positives in ten groups of equal size.

    Equal scores are in the same group, so that ties can make fewer groups.

    Parameters
    ----------
    score : ndarray of float, shape (rows,)
        The scores.
    truth : ndarray of bool, shape (rows,)
        Whether the class is the positive one.

    Returns
    -------
    tuple of ndarray of float, shape (groups,)
        Mean score and share of each group.
    """
    edges = np.unique(np.quantile(score, np.linspace(0, 1, 11)))
    group = np.clip(np.searchsorted(edges, score, "right") - 1, 0, max(len(edges) - 2, 0))
    groups = [group == g for g in np.unique(group)]
    return np.array([score[g].mean() for g in groups]), np.array([truth[g].mean() for g in groups])


def net_benefit_curve(score: np.ndarray, truth: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Compute the net benefit at each threshold.

    It is the share of true positives minus the share of false positives times the odds of the
    threshold (Vickers & Elkin 2006, doi:10.1177/0272989X06295361).

    Parameters
    ----------
    score : ndarray of float, shape (rows,)
        The scores.
    truth : ndarray of bool, shape (rows,)
        Whether the class is the positive one.
    thresholds : ndarray of float, shape (thresholds,)
        The thresholds, between 0 and 1.

    Returns
    -------
    ndarray of float, shape (thresholds,)
        The net benefits.
    """
    called = score[None] >= thresholds[:, None]
    odds = thresholds / (1 - thresholds)
    return (called & truth).mean(1) - odds * (called & ~truth).mean(1)
