"""Points of ROC curves: averages of the curves of folds and repeats, whose area is the AUC.

Scores of different folds come from different models, so each fold has a curve of its own. Their
average at each false positive rate, weighted by the number of (positive, negative) pairs of the
fold, has the area that the metrics table gives as the AUC (`metrics.auc`).
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression

from livermets.evaluation.scored_arms import ScoredArm
from livermets.evaluation.scored_rows import ScoredRows, ratio
from livermets.report.figures.bands import (
    Band,
    band_counts,
    class_sizes,
    cross_validation_widening,
    share_band,
)

FPR_GRID = np.linspace(0, 1, 201)  # false positive rates at which bands are computed
JUST_ABOVE = 1e-9  # a band at a step of the curve is that at its upper end


@dataclass(frozen=True)
class RocCurve:
    """A ROC curve as a line through points, in arrays of shape (points,).

    Parameters
    ----------
    false_positive_rate : ndarray of float
        Rising from 0 to 1; two equal values are the ends of a vertical step.
    sensitivity : ndarray of float
        Rising from 0 to 1.
    """

    false_positive_rate: np.ndarray
    sensitivity: np.ndarray

    @property
    def area(self) -> float:
        """The area under the line."""
        return float(np.trapezoid(self.sensitivity, self.false_positive_rate))

    def steps(self, rates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest sensitivity at each of some false positive rates."""
        x, y = self.false_positive_rate, self.sensitivity
        between = np.interp(rates, x, y)
        first = np.searchsorted(x, rates, "left")
        last = np.searchsorted(x, rates, "right") - 1
        at_point = first <= last
        lowest = np.where(at_point, y[np.minimum(first, len(y) - 1)], between)
        return lowest, np.where(at_point, y[last], between)


def roc_curve(scored: ScoredArm, target: str) -> RocCurve | None:
    """Average the ROC curves of all folds and repeats of an arm.

    Parameters
    ----------
    scored : ScoredArm
        The arm, in one scheme at one level.
    target : str
        The class that counts as positive.

    Returns
    -------
    RocCurve or None
        None where no fold tests patients of both classes.
    """
    curves: list[RocCurve] = []
    weights: list[float] = []
    for repeat in scored.repeats:
        rows = repeat.rows[target]
        parts = [part for part in map(rows.of_fold, np.unique(rows.folds)) if _pairs(part)]
        pairs = sum(map(_pairs, parts))
        curves += map(_fold_curve, parts)
        weights += [_pairs(part) / pairs / len(scored.repeats) for part in parts]
    if not curves:
        return None
    rates = np.unique(np.concatenate([curve.false_positive_rate for curve in curves]))
    steps = [curve.steps(rates) for curve in curves]
    lowest, highest = np.tensordot(np.divide(weights, sum(weights)), np.array(steps), axes=1)
    return RocCurve(np.repeat(rates, 2), np.stack([lowest, highest], axis=1).ravel())


def roc_band(scored: ScoredArm, target: str, seed: int) -> Band:
    """Compute the pointwise 95 % band of `roc_curve` at `FPR_GRID`, from draws of patients.

    In a scheme with several splits the band is wider by `cross_validation_widening`.

    Parameters
    ----------
    scored : ScoredArm
        The arm, with a curve and enough patients (`bands.no_band_reason`).
    target : str
        The class that counts as positive.
    seed : int
        The study's seed.
    """
    curve = roc_curve(scored, target)
    assert curve is not None
    counts = band_counts(scored, seed)
    drawn = np.mean(
        [_drawn_curves(repeat.rows[target], counts) for repeat in scored.repeats], axis=0
    )
    widening = cross_validation_widening(scored, target)
    height = curve.steps(FPR_GRID)[1]
    band = share_band(height, drawn, min(class_sizes(scored, target)), widening)
    # bounds rise as the curve does; those of neighbouring points wobble with the draws
    low, high = (isotonic_regression(bound).x for bound in (band.low, band.high))
    return Band(np.minimum(low, height), np.maximum(high, height))


def _pairs(rows: ScoredRows) -> float:
    """Weight of all pairs of a positive and a negative row."""
    return float(rows.weight[rows.positive].sum() * rows.weight[~rows.positive].sum())


def _cumulative(rows: ScoredRows, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False and true positives of each weighting, from the highest score: (draws, scores + 1)."""
    scores, score_index = np.unique(-rows.score, return_inverse=True)
    sums = np.zeros((2, len(scores) + 1, len(weights)))
    np.add.at(sums, (rows.positive.astype(int), score_index + 1), weights.T)
    false_positives, true_positives = np.cumsum(sums, axis=1)
    return false_positives.T, true_positives.T


def _fold_curve(rows: ScoredRows) -> RocCurve:
    """The ROC curve of one fold; equal scores make a slanted line."""
    (fp,), (tp,) = _cumulative(rows, rows.weight[None])
    return RocCurve(fp / fp[-1], tp / tp[-1])


def _drawn_curves(rows: ScoredRows, counts: np.ndarray) -> np.ndarray:
    """The averaged curve of one repeat in each draw, at `FPR_GRID`: (draws, rates)."""
    total, pairs = np.zeros((len(counts), len(FPR_GRID))), np.zeros(len(counts))
    for fold in np.unique(rows.folds):
        part = rows.of_fold(fold)
        fp, tp = _cumulative(part, counts[:, part.patient] * part.weight)
        drawn_pairs = fp[:, -1] * tp[:, -1]
        # one interpolation for all draws: draw d lies between 2 d and 2 d + 1
        shift = 2 * np.arange(len(counts))[:, None]
        x = ratio(fp, np.broadcast_to(fp[:, -1:], fp.shape), undefined=0.0) + shift
        y = ratio(tp, np.broadcast_to(tp[:, -1:], tp.shape), undefined=0.0)
        at = np.minimum(FPR_GRID + JUST_ABOVE, 1) + shift
        total += drawn_pairs[:, None] * np.interp(at.ravel(), x.ravel(), y.ravel()).reshape(
            at.shape
        )
        pairs += drawn_pairs
    return ratio(total, np.broadcast_to(pairs[:, None], total.shape))
