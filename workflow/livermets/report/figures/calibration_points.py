"""Points of smooth calibration curves: the share of positives as a function of the score.

The curve is a local linear regression of the outcome on the score (Cleveland 1979,
doi:10.1080/01621459.1979.10481038), as Austin & Steyerberg recommend (2014, doi:10.1002/sim.5941),
with the span of Harrell's `val.prob`. Calibration compares each score with its own outcome, so the
rows of all folds and repeats are taken together.
"""

from collections.abc import Sequence

import numpy as np

from livermets.evaluation.scored_arms import ScoredArm
from livermets.evaluation.scored_rows import ScoredRows, ratio
from livermets.report.figures.bands import (
    Band,
    band_counts,
    cross_validation_widening,
    share_band,
)

SPAN = 2 / 3  # share of the rows that each point of the curve depends on
POINTS = 101
LEAST_PATIENTS = 10  # effective patients of each class; fewer make a curve of accidents
LEAST_WIDTH = 0.02  # half-width of the neighbourhood where most scores are equal


def calibration_curve(scored: ScoredArm, target: str) -> tuple[np.ndarray, np.ndarray]:
    """Compute the smooth share of positives over the range of scores that occurs.

    Parameters
    ----------
    scored : ScoredArm
        The arm, in one scheme at one level.
    target : str
        The class that counts as positive.

    Returns
    -------
    scores : ndarray of float, shape (points,)
        From the lowest to the highest; a single one where all are equal.
    shares : ndarray of float, shape (points,)
        The share of positives at each; NaN in a gap between scores, where it depends on nobody.
    """
    rows = [repeat.rows[target] for repeat in scored.repeats]
    scores = score_grid(rows)
    return scores, smooth_shares(rows, scores, scored.tested.everyone)[0]


def calibration_band(scored: ScoredArm, target: str, seed: int) -> Band:
    """Compute the pointwise 95 % band of `calibration_curve`, from draws of patients."""
    rows = [repeat.rows[target] for repeat in scored.repeats]
    scores, share = calibration_curve(scored, target)
    drawn = smooth_shares(rows, scores, band_counts(scored, seed))
    near = near_patients(rows, scores, len(scored.tested.patients))
    return share_band(share, drawn, near, cross_validation_widening(scored, target))


def near_patients(repeats: Sequence[ScoredRows], scores: np.ndarray, patients: int) -> np.ndarray:
    """Effective number of patients (Kish 1965) that each point depends on; NaN where on nobody."""
    width = _width(repeats, scores)
    weight = np.sum(
        [rows.patient_sums(_kernel(rows, scores, width)[0], patients) for rows in repeats], axis=0
    )
    return ratio(weight.sum(axis=0) ** 2, (weight**2).sum(axis=0))


def score_grid(repeats: Sequence[ScoredRows]) -> np.ndarray:
    """Scores from the lowest to the highest that occurs; one where all are equal."""
    scores = np.concatenate([rows.score for rows in repeats])
    return np.unique(np.linspace(scores.min(), scores.max(), POINTS))


def smooth_shares(
    repeats: Sequence[ScoredRows], scores: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """Compute the local linear regression of the outcome on the score in every draw.

    Each point is the weighted least-squares line of the nearest `SPAN` of the rows, with tricube
    weights. The neighbourhoods are those of all tested patients, in every draw.

    Parameters
    ----------
    repeats : sequence of ScoredRows
        The scored rows of each repeat.
    scores : ndarray of float, shape (points,)
        Where the curve is computed.
    counts : ndarray of float, shape (draws, patients)
        How often each patient counts.

    Returns
    -------
    ndarray of float, shape (draws, points)
        Between 0 and 1; NaN where no row of the draw is near.
    """
    width = _width(repeats, scores)
    sums = np.zeros((5, counts.shape[1], len(scores)))
    for rows in repeats:
        kernel, offset = _kernel(rows, scores, width)
        positive = rows.positive[:, None]
        parts = (kernel, kernel * offset, kernel * offset**2)
        for total, part in zip(
            sums, [*parts, parts[0] * positive, parts[1] * positive], strict=True
        ):
            total += rows.patient_sums(part, counts.shape[1])
    weight, first, second, outcome, first_outcome = counts @ sums
    spread = weight * second - first**2
    line = ratio(second * outcome - first * first_outcome, spread)
    mean = ratio(outcome, weight)  # of equal scores, through which there is no line
    return np.clip(np.where(spread > 1e-9 * weight**2, line, mean), 0, 1)


def _width(repeats: Sequence[ScoredRows], scores: np.ndarray) -> np.ndarray:
    """Half-width of the neighbourhood of each point, which holds `SPAN` of the rows."""
    distances = np.concatenate([np.abs(rows.score[:, None] - scores) for rows in repeats])
    near = max(1, int(SPAN * len(distances) + 1e-9))
    return np.maximum(np.partition(distances, near - 1, axis=0)[near - 1], LEAST_WIDTH)


def _kernel(
    rows: ScoredRows, scores: np.ndarray, width: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Tricube weight and distance in half-widths of each row from each point: (rows, points)."""
    offset = (rows.score[:, None] - scores) / width
    return rows.weight[:, None] * (1 - np.minimum(np.abs(offset), 1) ** 3) ** 3, offset
