"""Metrics of one arm on many choices of its patients at once.

A draw says how often each patient counts (`jackknife.delete_one_counts`). A row (a lesion, or a
patient) then weighs its own weight times its patient's count, so every metric is a function of the
counts:

- sums over rows (confusion table, Brier score) are `counts @ per-patient sums`;
- the AUC is `counts @ wins @ counts` over `counts @ pairs @ counts`, where `wins[i, j]` is how
  often the positive rows of patient i have higher scores than the negative rows of patient j;
- average precision is computed from the counts and per-patient cumulative sums;
- calibration is a Newton iteration over all draws together.

AUC and average precision rank rows, so only rows of the same fold are compared. Calls at a
threshold, errors of probabilities and calibration compare each row with its own truth; their rows
are pooled over the folds. Of one fold, all of them equal scikit-learn's with `sample_weight` up to
rounding (see the tests). A metric that does not exist on a draw is NaN there.
"""

from dataclasses import replace

import numpy as np

from livermets.evaluation.calibration import calibration_slope_and_intercept
from livermets.evaluation.scored_rows import ScoredRows, draw_blocks, ratio

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


def measure(rows: ScoredRows, counts: np.ndarray, threshold: float = 0.5) -> dict[str, np.ndarray]:
    """Compute every metric of `METRICS` on every draw.

    Parameters
    ----------
    rows : ScoredRows
        The scored rows.
    counts : ndarray, shape (draws, patients)
        How often each patient counts.
    threshold : float
        Risk threshold of net benefit. A row is called positive where its score is at least this,
        unless `rows.called` is given.

    Returns
    -------
    dict of str to ndarray, shape (draws,)
        Metric -> its values, NaN where the metric does not exist.
    """
    counts = np.ascontiguousarray(counts, dtype=float)
    area = auc(rows, counts)
    separated = np.abs(area - 0.5) > 0.5 - 1e-9
    slope, intercept = calibration_slope_and_intercept(rows, counts, separated)
    return {
        "auc": area,
        "average_precision": average_precision(rows, counts),
        **threshold_metrics(rows, counts, threshold),
        "brier": brier(rows, counts),
        "calibration_slope": slope,
        "calibration_intercept": intercept,
    }


def auc(rows: ScoredRows, counts: np.ndarray) -> np.ndarray:
    """Compute the area under the ROC curve on every draw; equal scores count one half.

    Only pairs of rows that were tested in the same fold count: wins of all folds over pairs of all
    folds (Parker 2007, doi:10.1186/1471-2105-8-326; LeDell 2015, doi:10.1214/15-EJS1035). Scores of
    different folds come from different models. Ranked together, a model without information has an
    AUC below 0.5: it returns the share of positives that trained it, which is higher where fewer
    were left to be tested.
    """
    wins, pairs = pair_wins(rows, counts.shape[1])
    area = ratio(_bilinear(counts, wins), _bilinear(counts, pairs))
    return np.minimum(area, 1)  # only rounding makes it larger


def pair_wins(rows: ScoredRows, patients: int) -> tuple[np.ndarray, np.ndarray]:
    """Count how often the positive rows of each patient score higher than the negative of another.

    Parameters
    ----------
    rows : ScoredRows
        The scored rows.
    patients : int
        Number of patients.

    Returns
    -------
    wins : ndarray of float, shape (patients, patients)
        Weight of the pairs within a fold that the positive row wins; its patient is in the row.
    pairs : ndarray of float, shape (patients, patients)
        Weight of all pairs within a fold.
    """
    wins, pairs = np.zeros((2, patients, patients))
    for fold in np.unique(rows.folds):
        part = rows.of_fold(fold)
        tested, patient = np.unique(part.patient, return_inverse=True)
        scores, score_index = np.unique(part.score, return_inverse=True)
        # weights of negative and positive rows of each patient at each score
        weights = np.zeros((2, len(scores), len(tested)))
        np.add.at(weights, (part.positive.astype(int), score_index, patient), part.weight)
        negative, positive = weights
        below = np.cumsum(negative, axis=0) - negative / 2
        block = np.ix_(tested, tested)
        wins[block] += positive.T @ below
        pairs[block] += np.outer(positive.sum(0), negative.sum(0))
    return wins, pairs


def _bilinear(counts: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Compute counts' matrix counts of every draw, shape (draws,)."""
    return np.einsum("dp,dp->d", counts @ matrix, counts)


def average_precision(rows: ScoredRows, counts: np.ndarray) -> np.ndarray:
    """Compute the mean precision over the positive rows on every draw, as scikit-learn does.

    The precision at a positive row counts the rows of its own fold alone.
    """
    precision, positives = np.zeros((2, len(counts)))
    for fold in np.unique(rows.folds):
        part = rows.of_fold(fold)
        precision += _summed_precision(part, counts)
        positive = (part.weight * part.positive)[:, None]
        positives += counts @ part.patient_sums(positive, counts.shape[1])[:, 0]
    return np.minimum(ratio(precision, positives), 1)


def _summed_precision(rows: ScoredRows, counts: np.ndarray) -> np.ndarray:
    """Sum of the precisions at the positive rows of one fold on every draw."""
    tested, patient = np.unique(rows.patient, return_inverse=True)
    scores, score_index = np.unique(-rows.score, return_inverse=True)
    weights = np.zeros((2, len(tested), len(scores)))
    np.add.at(weights, (rows.positive.astype(int), patient, score_index), rows.weight)
    counts = counts[:, tested]
    useful = weights[1].any(0)  # only scores of positive rows add to the sum
    positive = weights[1][:, useful]
    called = np.cumsum(weights.sum(0), axis=1)[:, useful]
    true_positive = np.cumsum(weights[1], axis=1)[:, useful]
    result = np.empty(len(counts))
    for block in draw_blocks(len(counts), max(useful.sum(), 1)):
        drawn = counts[block]
        precision = ratio(drawn @ true_positive, drawn @ called, undefined=0.0)
        result[block] = np.einsum("du,du->d", drawn @ positive, precision)
    return result


def threshold_metrics(
    rows: ScoredRows, counts: np.ndarray, threshold: float
) -> dict[str, np.ndarray]:
    """Compute the metrics of the calls, and net benefit, on every draw.

    F1 does not exist where there are no positive rows and no positive calls. The Matthews
    coefficient of a confusion table with an empty margin is 0, as in scikit-learn. Net benefit
    (Vickers & Elkin 2006, doi:10.1177/0272989X06295361) is that of acting on scores of at least
    `threshold`, whether or not `rows.called` is given.
    """
    tp, fp, fn, tn = confusion_cells(rows, counts, threshold)
    total = tp + fp + fn + tn
    sensitivity, specificity = ratio(tp, tp + fn), ratio(tn, tn + fp)
    margins = np.sqrt(tp + fp) * np.sqrt(tp + fn) * np.sqrt(tn + fp) * np.sqrt(tn + fn)
    mcc = ratio(tp * tn - fp * fn, margins, undefined=0.0)
    acted_tp, acted_fp, _, _ = confusion_cells(replace(rows, called=None), counts, threshold)
    odds = threshold / (1 - threshold)
    return {
        "accuracy": ratio(tp + tn, total),
        "balanced_accuracy": (sensitivity + specificity) / 2,
        "sensitivity": sensitivity,
        "specificity": specificity,
        "f1": ratio(2 * tp, 2 * tp + fp + fn),
        "mcc": np.where(total > 0, np.clip(mcc, -1, 1), np.nan),
        "net_benefit": ratio(acted_tp - odds * acted_fp, total),
    }


def confusion_cells(rows: ScoredRows, counts: np.ndarray, threshold: float) -> np.ndarray:
    """Sum the weights of true and false positives, false and true negatives: (4, draws)."""
    called = rows.score >= threshold if rows.called is None else rows.called
    cells = [
        called & rows.positive,
        called & ~rows.positive,
        ~called & rows.positive,
        ~called & ~rows.positive,
    ]
    sums = rows.patient_sums(np.stack(cells, 1) * rows.weight[:, None], counts.shape[1])
    return (counts @ sums).T


def brier(rows: ScoredRows, counts: np.ndarray) -> np.ndarray:
    """Compute the Brier score on every draw: the mean squared error of the probabilities."""
    error = (rows.score - rows.positive) ** 2 * rows.weight
    sums = rows.patient_sums(np.stack([error, rows.weight], 1), counts.shape[1])
    return ratio(*(counts @ sums).T)
