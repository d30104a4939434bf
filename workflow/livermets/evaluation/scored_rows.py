"""Scored rows: the labels, scores and weights of one arm, from which every metric is computed.

A row of counts says how often each patient counts: once, or not at all where a patient is left out
(`jackknife`). All functions take many rows of counts at once, as an array of shape
(draws, patients).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

BLOCK_ELEMENTS = 1 << 17  # elements of one block of draws x rows: as many as fit a core's cache


@dataclass(frozen=True)
class ScoredRows:
    """What one arm scored: an entry for each lesion (or patient), in arrays of shape (rows,).

    Parameters
    ----------
    positive : ndarray of bool
        Whether the row is truly of the positive class.
    score : ndarray of float
        Probability of the positive class.
    patient : ndarray of int
        The patient's column in the counts.
    weight : ndarray of float
        Weight of the row within its patient.
    called : ndarray of bool, optional
        Whether the row is called positive; None where the threshold of the metric decides.
    fold : ndarray of int, optional
        The split in which the row was tested. Scores of different folds come from different models
        and are not ranked against each other. None: all rows are of one split.
    """

    positive: np.ndarray
    score: np.ndarray
    patient: np.ndarray
    weight: np.ndarray
    called: np.ndarray | None = None
    fold: np.ndarray | None = None

    @property
    def folds(self) -> np.ndarray:
        """Fold of each row, shape (rows,)."""
        return np.zeros(len(self.score), int) if self.fold is None else self.fold

    def of_fold(self, fold: int) -> "ScoredRows":
        """The rows of one fold."""
        rows = self.folds == fold
        called = None if self.called is None else self.called[rows]
        parts = (self.positive[rows], self.score[rows], self.patient[rows], self.weight[rows])
        return ScoredRows(*parts, called, self.folds[rows])

    def patient_sums(self, values: np.ndarray, patients: int) -> np.ndarray:
        """Sums of `values`, shape (rows, k), over the rows of each patient: (patients, k)."""
        sums = np.zeros((patients, values.shape[1]))
        np.add.at(sums, self.patient, values)
        return sums


def ratio(numerator: ArrayLike, denominator: ArrayLike, undefined: float = np.nan) -> np.ndarray:
    """Divide numerator by denominator; `undefined` where the denominator is 0."""
    numerator, denominator = np.asarray(numerator, float), np.asarray(denominator, float)
    result = np.full(np.shape(denominator), undefined)
    return np.divide(numerator, denominator, out=result, where=denominator > 0)


def draw_blocks(draws: int, rows: int) -> list[slice]:
    """Divide the draws into slices, so that draws x rows fit the cache."""
    step = max(1, BLOCK_ELEMENTS // rows)
    return [slice(first, first + step) for first in range(0, draws, step)]
