"""Points of decision curves: the net benefit at a prevalence, from sensitivity and specificity."""

import numpy as np
import pandas as pd

from livermets.evaluation.scored_arms import ScoredArm
from livermets.evaluation.scored_rows import ScoredRows, ratio
from livermets.report.figures.bands import (
    Band,
    band_counts,
    class_sizes,
    cross_validation_widening,
    share_band,
)

THRESHOLDS = np.arange(1, 100) / 100


def class_prevalences(
    labels: pd.Series, classes: list[str], positive: str, target: float | None
) -> dict[str, float]:
    """Share of the patients of each class at which net benefit is computed.

    Parameters
    ----------
    labels : Series of str
        Class of each patient of the cohort; of each lesion where lesions carry the label.
    classes : list of str
        Class names.
    positive : str
        The positive class.
    target : float or None
        Share of the positive class where the model would be used; the other classes keep their
        proportions. None: the shares in the cohort.
    """
    shares = {name: float((labels == name).mean()) for name in classes}
    if target is None:
        return shares
    others = 1 - shares[positive]
    return {
        name: target if name == positive else (1 - target) * share / others if others else 0.0
        for name, share in shares.items()
    }


def prevalence_caption(
    labels: pd.Series, classes: list[str], positive: str, target: float | None, level: str
) -> str:
    """Say at which share of positive patients the decision curves are drawn, and what it means.

    The arguments are those of `class_prevalences`, with a label for each patient or lesion, and the
    level: patient or lesion.
    """
    if target is not None:
        return (
            f"Net benefit where {target:.0%} of the {level}s are {positive} "
            "(`evaluation.target_prevalence`), from sensitivity and specificity."
        )
    share = class_prevalences(labels, classes, positive, None)[positive]
    return (
        f"Net benefit at the share of {positive} {level}s in this cohort, {share:.0%}. A cohort "
        "that was put together from patients of each class has no prevalence of its own: set "
        "`evaluation.target_prevalence` to the share where the model would be used."
    )


def net_benefit(sensitivity: np.ndarray, specificity: np.ndarray, prevalence: float) -> np.ndarray:
    """Compute the net benefit at each of `THRESHOLDS`.

    It is the share of true positives minus the share of false positives times the odds of the
    threshold (Vickers & Elkin 2006, doi:10.1177/0272989X06295361), in patients of whom `prevalence`
    are positive.

    Parameters
    ----------
    sensitivity, specificity : ndarray of float, shape (..., len(THRESHOLDS))
        At each threshold.
    prevalence : float
        Share of positive patients.
    """
    odds = THRESHOLDS / (1 - THRESHOLDS)
    return prevalence * sensitivity - (1 - prevalence) * (1 - specificity) * odds


def decision_curve(scored: ScoredArm, target: str, prevalence: float) -> np.ndarray:
    """Compute the net benefit of an arm at each of `THRESHOLDS`.

    The calls of all folds are pooled, and the repeats are averaged.

    Parameters
    ----------
    scored : ScoredArm
        The arm, in one scheme at one level.
    target : str
        The class that counts as positive.
    prevalence : float
        Share of positive patients.
    """
    (sensitivity,), (false_positive_rate,) = _mean_called_shares(
        scored, target, scored.tested.everyone
    )
    return net_benefit(sensitivity, 1 - false_positive_rate, prevalence)


def decision_band(scored: ScoredArm, target: str, prevalence: float, seed: int) -> Band:
    """Compute the pointwise 95 % band of `decision_curve`.

    Sensitivity and specificity are of different patients, so the distances from both to their
    bounds are added as squares (MOVER; Zou 2007, doi:10.1037/1082-989X.12.4.399).
    """
    curves = [part[0] for part in _mean_called_shares(scored, target, scored.tested.everyone)]
    drawn = _mean_called_shares(scored, target, band_counts(scored, seed))
    widening = cross_validation_widening(scored, target)
    bands = map(share_band, curves, drawn, class_sizes(scored, target), (widening, widening))
    (sensitivity, false_positive_rate), (true, false) = curves, bands
    curve = net_benefit(sensitivity, 1 - false_positive_rate, prevalence)
    gain, odds = prevalence, THRESHOLDS / (1 - THRESHOLDS)
    loss = (1 - prevalence) * odds
    below = np.hypot(gain * (sensitivity - true.low), loss * (false.high - false_positive_rate))
    above = np.hypot(gain * (true.high - sensitivity), loss * (false_positive_rate - false.low))
    return Band(curve - below, curve + above)


def _mean_called_shares(
    scored: ScoredArm, target: str, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Sensitivity and false positive rate of each draw, averaged over the repeats."""
    rates = [_called_shares(repeat.rows[target], counts) for repeat in scored.repeats]
    sensitivity, false_positive_rate = np.mean(rates, axis=0)
    return sensitivity, false_positive_rate


def _called_shares(rows: ScoredRows, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of the positive and of the negative rows with a score of at least each threshold."""
    called = (rows.score[:, None] >= THRESHOLDS) * rows.weight[:, None]
    shares = []
    for truth in (rows.positive, ~rows.positive):
        weight = counts @ rows.patient_sums((rows.weight * truth)[:, None], counts.shape[1])
        called_weight = counts @ rows.patient_sums(called * truth[:, None], counts.shape[1])
        shares.append(ratio(called_weight, np.broadcast_to(weight, called_weight.shape)))
    return shares[0], shares[1]
