"""Bands around curves: pointwise 95 % intervals, of the same kind as those of the metrics tables.

A point of a ROC, calibration or decision curve is a share of patients. Its interval holds values
that the data do not refute (a score interval, Wilson 1927, doi:10.1080/01621459.1927.10502953), in
proportion to the variance of the curve over bootstrap draws of the tested patients. So a band lies
between 0 and 1, and has a width also where the tested patients show no error. "Pointwise" means
that each point has its interval; the whole true curve leaves the band more often than in 5 %.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from livermets.core.seeds import derive_seed
from livermets.evaluation.bootstrap import draw_patients
from livermets.evaluation.expected_variance import noise_share
from livermets.evaluation.intervals import CONFIDENCE, MIN_EFFECTIVE_PATIENTS, PRIOR_FREEDOM
from livermets.evaluation.metrics import auc
from livermets.evaluation.scored_arms import ScoredArm

BAND_DRAWS = 500


@dataclass(frozen=True)
class Band:
    """The pointwise bounds of a curve, in arrays of shape (points,).

    Parameters
    ----------
    low, high : ndarray of float
        Lower and upper bound at each point of the curve.
    """

    low: np.ndarray
    high: np.ndarray


def band_counts(scored: ScoredArm, seed: int) -> np.ndarray:
    """Draw the tested patients for a band: counts of shape (BAND_DRAWS, patients)."""
    return draw_patients(scored.tested.labels, BAND_DRAWS, derive_seed(seed, "band"))


def class_sizes(scored: ScoredArm, target: str) -> tuple[float, float]:
    """Effective number of tested patients of the class, and of all others."""
    numbers = scored.tested.at_level(scored.level).effective_numbers()
    positive = numbers.get(target, 0.0)
    return positive, sum(numbers.values()) - positive


def no_band_reason(scored: ScoredArm, target: str) -> str:
    """Why a curve has no band, in the few words that fit a legend; empty where it has one."""
    enough = min(class_sizes(scored, target)) >= MIN_EFFECTIVE_PATIENTS
    return "" if enough else "no band: too few patients"


def share_band(
    share: np.ndarray, drawn: np.ndarray, number: float | np.ndarray, widening: float = 1.0
) -> Band:
    """Compute the score interval of a share at each point of a curve.

    Parameters
    ----------
    share : ndarray of float, shape (points,)
        The curve of all tested patients.
    drawn : ndarray of float, shape (draws, points)
        The curve of each draw; NaN where it is not defined.
    number : float or ndarray of float, shape (points,)
        Effective number of patients that the share depends on, at least 1.
    widening : float
        Factor of the standard error that the draws do not show.

    Returns
    -------
    Band
        Between 0 and 1; NaN where the curve is not defined.
    """
    number = np.broadcast_to(np.maximum(number, 1.0), share.shape)
    freedom = number - 1
    defined = np.isfinite(drawn).sum(axis=0) > 1
    variance = np.zeros(share.shape)
    # draws of n patients vary by (n - 1) / n of what n patients vary
    variance[defined] = np.nanvar(drawn[:, defined], axis=0)
    variance *= number / np.maximum(freedom, 1)
    # half a patient's share keeps the quotient of two variances near 0 from exploding
    half_patient = 0.5 / number * (1 - 0.5 / number) / number
    ratio = (variance + half_patient) / (share * (1 - share) / number + half_patient)
    scale = (PRIOR_FREEDOM + freedom * ratio) / (PRIOR_FREEDOM + freedom)
    quantile = student.ppf((1 + CONFIDENCE) / 2, np.maximum(freedom, 1))
    spread = (quantile * widening) ** 2 * scale / number
    centre = (share + spread / 2) / (1 + spread)
    half = np.sqrt(spread * share * (1 - share) + spread**2 / 4) / (1 + spread)
    return Band(np.minimum(centre - half, share), np.maximum(centre + half, share))


def mean_auc(scored: ScoredArm, target: str) -> float:
    """Compute the AUC of a class against the rest, averaged over the repeats."""
    everyone = scored.tested.everyone
    return float(np.mean([auc(repeat.rows[target], everyone)[0] for repeat in scored.repeats]))


def cross_validation_widening(scored: ScoredArm, target: str) -> float:
    """Factor of the standard error of a curve in a scheme with several splits; else 1.

    The patients tested in one split have trained the models of the others, which a bootstrap of the
    tested patients does not see (`expected_variance.noise_share`).

    Parameters
    ----------
    scored : ScoredArm
        The arm, at the level of the curve.
    target : str
        The class that counts as positive.
    """
    area = mean_auc(scored, target)
    if len(scored.table["split"].unique()) < 2 or not math.isfinite(area):
        return 1.0
    return math.sqrt(1 + noise_share(area, *class_sizes(scored, target)))
