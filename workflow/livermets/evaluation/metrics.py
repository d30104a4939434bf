"""Metrics of one arm on many patient-bootstrap draws at once, in numpy.

A draw says how often each patient was drawn. A row (a lesion, or a patient) then weighs its own
weight times its patient's count, so every metric is a function of the counts:

- sums over rows (confusion table, Brier score) are `counts @ per-patient sums`;
- the AUC is a bilinear form, `counts_positive @ wins @ counts_negative`, where `wins[i, j]` is
  how often the positives of patient i outrank the negatives of patient j;
- average precision takes the counts times per-patient cumulative sums;
- calibration is a Newton iteration over all draws together.

With one row a patient, or with integer weights, all of them equal scikit-learn's with
`sample_weight` to rounding (tests). A metric that does not exist on a draw is NaN there.
"""

from dataclasses import dataclass, replace

import numpy as np

METRICS = (
    "auc",
    "average_precision",
    "accuracy",
    "balanced_accuracy",
    "sensitivity",
    "specificity",
    "f1",
    "mcc",
    "brier",
    "calibration_slope",
    "calibration_intercept",
    "net_benefit",
)
# of metrics that count errors: where none was made, or nothing else, intervals need care
SPAN = dict.fromkeys(METRICS[:7], (0.0, 1.0)) | {"mcc": (-1.0, 1.0)}
LOGIT_CLIP = 1e-4  # scores of exactly 0 or 1 (trees, neighbours) have no logit
ELEMENTS = 1 << 17  # of one draws x rows block: what fits a core's cache


@dataclass(frozen=True)
class Rows:
    """What is scored: one entry a lesion (or a patient), all arrays of shape (rows,)."""

    positive: np.ndarray  # bool
    score: np.ndarray  # probability of the positive class
    patient: np.ndarray  # int, column of the counts
    weight: np.ndarray  # weight within its patient
    called: np.ndarray | None = None  # bool: called positive; None: by the threshold of `measure`

    def of_patients(self, values: np.ndarray, patients: int) -> np.ndarray:
        """Sums of `values` (rows, k) over each patient's rows: (patients, k)."""
        sums = np.zeros((patients, values.shape[1]))
        np.add.at(sums, self.patient, values)
        return sums


def measure(rows: Rows, counts: np.ndarray, threshold: float = 0.5) -> dict[str, np.ndarray]:
    """Every metric of `METRICS` on every draw.

    Parameters
    ----------
    rows : the scored rows
    counts : (draws, patients), how often each patient was drawn
    threshold : of net benefit; a row is called positive where its score is at least this, unless
        the rows say themselves what they are called

    Returns
    -------
    name -> (draws,) values, NaN where the metric does not exist
    """
    counts = np.ascontiguousarray(counts, dtype=float)
    slope, intercept = calibration(rows, counts)
    return {
        "auc": auc(rows, counts),
        "average_precision": average_precision(rows, counts),
        **at_threshold(rows, counts, threshold),
        "brier": brier(rows, counts),
        "calibration_slope": slope,
        "calibration_intercept": intercept,
    }


def auc(rows: Rows, counts: np.ndarray) -> np.ndarray:
    """Area under the ROC curve on every draw, a tie counting one half."""
    patients = counts.shape[1]
    levels, level = np.unique(rows.score, return_inverse=True)
    mass = np.zeros((2, len(levels), patients))  # of negatives and positives at each score
    np.add.at(mass, (rows.positive.astype(int), level, rows.patient), rows.weight)
    negative, positive = mass
    below = np.cumsum(negative, axis=0) - negative / 2
    wins = positive.T @ below
    pairs = (counts @ positive.sum(0)) * (counts @ negative.sum(0))
    area = _ratio(np.einsum("dp,dp->d", counts @ wins, counts), pairs)
    return np.minimum(area, 1)  # rounding alone takes it beyond


def average_precision(rows: Rows, counts: np.ndarray) -> np.ndarray:
    """Mean precision over the positives (the step-wise sum of scikit-learn), on every draw."""
    patients = counts.shape[1]
    levels, level = np.unique(-rows.score, return_inverse=True)
    mass = np.zeros((2, patients, len(levels)))
    np.add.at(mass, (rows.positive.astype(int), rows.patient, level), rows.weight)
    useful = mass[1].any(0)  # only scores that some positive has add to the sum
    found = mass[1][:, useful]
    called = np.cumsum(mass.sum(0), axis=1)[:, useful]
    true = np.cumsum(mass[1], axis=1)[:, useful]
    result = np.empty(len(counts))
    for block in _blocks(len(counts), max(useful.sum(), 1)):
        drawn = counts[block]
        precision = _ratio(drawn @ true, drawn @ called, nothing=0.0)
        result[block] = np.einsum("du,du->d", drawn @ found, precision)
    return np.minimum(_ratio(result, counts @ mass[1].sum(1)), 1)


def at_threshold(rows: Rows, counts: np.ndarray, threshold: float) -> dict[str, np.ndarray]:
    """What follows from the confusion table on every draw.

    F1 does not exist without positives and positive calls; the Matthews coefficient of a table
    with an empty margin is 0, as in scikit-learn. Net benefit: Vickers & Elkin 2006,
    doi:10.1177/0272989X06295361; it is that of acting on scores of at least `threshold`, whatever
    the rows are called.
    """
    tp, fp, fn, tn = cells(rows, counts, threshold)
    total = tp + fp + fn + tn
    sensitivity, specificity = _ratio(tp, tp + fn), _ratio(tn, tn + fp)
    margins = np.sqrt(tp + fp) * np.sqrt(tp + fn) * np.sqrt(tn + fp) * np.sqrt(tn + fn)
    mcc = _ratio(tp * tn - fp * fn, margins, nothing=0.0)
    acted = cells(replace(rows, called=None), counts, threshold)
    odds = threshold / (1 - threshold)
    return {
        "accuracy": _ratio(tp + tn, total),
        "balanced_accuracy": (sensitivity + specificity) / 2,
        "sensitivity": sensitivity,
        "specificity": specificity,
        "f1": _ratio(2 * tp, 2 * tp + fp + fn),
        "mcc": np.where(total > 0, np.clip(mcc, -1, 1), np.nan),
        "net_benefit": _ratio(acted[0] - odds * acted[1], total),
    }


def cells(rows: Rows, counts: np.ndarray, threshold: float) -> np.ndarray:
    """Weights of true positives, false positives, false negatives, true negatives: (4, draws)."""
    called = rows.score >= threshold if rows.called is None else rows.called
    kinds = [called & rows.positive, called & ~rows.positive]
    kinds += [~called & rows.positive, ~called & ~rows.positive]
    sums = rows.of_patients(np.stack(kinds, 1) * rows.weight[:, None], counts.shape[1])
    return (counts @ sums).T


def brier(rows: Rows, counts: np.ndarray) -> np.ndarray:
    """Mean squared error of the probabilities, on every draw."""
    error = (rows.score - rows.positive) ** 2 * rows.weight
    sums = rows.of_patients(np.stack([error, rows.weight], 1), counts.shape[1])
    return _ratio(*(counts @ sums).T)


def calibration(rows: Rows, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Calibration slope and intercept on every draw (1 and 0 for an honest probability).

    The slope is that of a logistic regression of the outcome on the score's logit; the intercept
    is calibration in the large, with the slope held at 1 (Van Calster et al. 2019,
    doi:10.1186/s12916-019-1466-7). Scores are clipped to [1e-4, 1 - 1e-4]. The slope is NaN
    where the classes are separated (it would be infinite) or the score is constant.
    """
    clipped = np.clip(rows.score, LOGIT_CLIP, 1 - LOGIT_CLIP)
    logit = np.log(clipped / (1 - clipped))
    centre, spread = logit.mean(), logit.std()
    apart = np.abs(auc(rows, counts) - 0.5) > 0.5 - 1e-9
    slope = np.full(len(counts), np.nan)
    if spread > 1e-9 and not apart.all():
        z = (logit - centre) / spread
        design = np.stack([np.ones_like(z), z], 1)
        slope[~apart] = _newton(rows, counts[~apart], design, 0.0)[:, 1] / spread
    return slope, _newton(rows, counts, np.ones((len(logit), 1)), logit)[:, 0]


def _newton(
    rows: Rows, counts: np.ndarray, design: np.ndarray, offset: np.ndarray | float
) -> np.ndarray:
    """Coefficients (draws, k), k = 1 or 2, of weighted logistic regressions, NaN if there is none.

    Steps are limited, so that the concave likelihood is climbed from anywhere; where it has no
    maximum (separated or single-class draws) the iteration does not end, and says NaN.
    """
    k, patients = design.shape[1], counts.shape[1]
    whole = np.ones((1, patients))
    start = _climb(rows, whole, design, offset, np.zeros((1, k)))
    start = np.where(np.isfinite(start), start, 0.0)
    # All draws start there, with the same probabilities: their first step is a sum over patients.
    chance = 1 / (1 + np.exp(-(start[0] @ design.T + offset)))
    first = (rows.weight * (rows.positive - chance))[:, None] * design
    second = (rows.weight * chance * (1 - chance))[:, None] * _products(design)
    step = _solve(
        counts @ rows.of_patients(second, patients), counts @ rows.of_patients(first, patients)
    )
    start = start + _limited(np.nan_to_num(step))
    result = np.full((len(counts), k), np.nan)
    classes = np.stack([rows.positive, ~rows.positive], 1) * rows.weight[:, None]
    both = np.flatnonzero((counts @ rows.of_patients(classes, patients) > 0).all(1))
    for block in _blocks(len(both), len(rows.score)):
        draws = both[block]
        result[draws] = _climb(rows, counts[draws], design, offset, start[draws])
    return result


def _climb(
    rows: Rows,
    counts: np.ndarray,
    design: np.ndarray,
    offset: np.ndarray | float,
    start: np.ndarray,
    iterations: int = 25,
) -> np.ndarray:
    weights = counts[:, rows.patient] * rows.weight
    goal = (weights * rows.positive) @ design  # what the fitted probabilities must sum to
    products = _products(design)
    beta, result, todo = start, np.full_like(start, np.nan), np.arange(len(counts))
    for _ in range(iterations):
        chance = beta @ -design.T
        chance -= offset
        with np.errstate(over="ignore"):
            np.exp(chance, out=chance)
        chance += 1
        np.reciprocal(chance, out=chance)
        fitted = weights * chance
        gradient = goal - fitted @ design
        np.subtract(1, chance, out=chance)
        fitted *= chance
        step = _solve(fitted @ products, gradient)
        beta = beta + _limited(step)
        size = np.abs(step).max(1)
        done = size < 1e-6  # convergence is quadratic: the next step would be near 1e-12
        result[todo[done]] = beta[done]
        keep = ~done & np.isfinite(size)
        if not keep.any():
            break
        if not keep.all():
            todo, beta, weights, goal = todo[keep], beta[keep], weights[keep], goal[keep]
    return result


def _products(design: np.ndarray) -> np.ndarray:
    """Products of the design's columns (rows, 1 or 3), which sum to a packed Hessian."""
    k = design.shape[1]
    return np.stack([design[:, i] * design[:, j] for i in range(k) for j in range(i, k)], 1)


def _limited(step: np.ndarray) -> np.ndarray:
    """Steps no longer than 2 in any coefficient."""
    return step * np.minimum(1, 2 / np.maximum(np.abs(step).max(1), 1e-300))[:, None]


def _solve(hessian: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Newton steps from the packed upper triangles (draws, 1 or 3); NaN where singular."""
    if gradient.shape[1] == 1:
        return _ratio(gradient, np.where(hessian > 1e-10, hessian, 0))
    a, b, c = hessian.T
    determinant = a * c - b * b
    determinant = np.where(determinant > 1e-10 * a * c, determinant, 0)
    first = _ratio(c * gradient[:, 0] - b * gradient[:, 1], determinant)
    return np.stack([first, _ratio(a * gradient[:, 1] - b * gradient[:, 0], determinant)], 1)


def _ratio(over: np.ndarray, under: np.ndarray, nothing: float = np.nan) -> np.ndarray:
    """Over / under, and `nothing` where `under` is 0."""
    over, under = np.asarray(over, float), np.asarray(under, float)
    return np.divide(over, under, out=np.full(np.shape(under), nothing), where=under > 0)


def _blocks(draws: int, rows: int) -> list[slice]:
    step = max(1, ELEMENTS // rows)
    return [slice(first, first + step) for first in range(0, draws, step)]
