"""Confusion matrices: how often each class is called each class, with intervals over patients."""

import numpy as np
import pandas as pd

from livermets.evaluation import bootstrap
from livermets.evaluation.resamples import (
    DEFAULT_THRESHOLD,
    Resample,
    ScoredRepeat,
    arm_tables,
    resamples,
)

COLUMNS = ("arm", "scheme", "level", "truth", "called", "count", "share", "low", "high")


def confusion(
    predictions: pd.DataFrame,
    classes: list[str],
    positive: str,
    draws: int = 2000,
    threshold: float | str = DEFAULT_THRESHOLD,
    seed: int = 2023,
) -> pd.DataFrame:
    """Compute the confusion matrix of every arm, scheme and level, one row for each cell.

    Parameters
    ----------
    predictions : DataFrame
        As in `livermets.evaluation.evaluate.evaluate`.
    classes : list of str
        Class names.
    positive : str
        The class that `score` is the probability of.
    draws : int
        Number of bootstrap draws of patients.
    threshold : float or str
        As in `livermets.evaluation.evaluate.evaluate`.
    seed : int
        The study's seed.

    Returns
    -------
    DataFrame
        The columns `COLUMNS`. `count` is the number of lesions (at the level `lesion_weighted` each
        counts 1 / the patient's lesions) or of patients, as the mean over repeats. `share` is the
        count's share of the lesions that are truly of the class, with its 95 % interval; NaN where
        there are none.
    """
    rows = []
    tables = arm_tables(predictions, classes, positive)
    for resample in resamples(tables, classes, positive, draws, seed, threshold):
        names = {"arm": resample.arm, "scheme": resample.scheme, "level": resample.level}
        cells = _cell_weights(resample, len(classes))
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = cells / cells.sum(axis=1, keepdims=True)
        for i, truth in enumerate(classes):
            sample_size = resample.draws.sample_size(resample.level, "sensitivity", truth)
            for j, called in enumerate(classes):
                low, high, _ = bootstrap.interval(
                    shares[i, j, 1:], sample_size, value_range=(0.0, 1.0)
                )
                rows.append(
                    names
                    | {"truth": truth, "called": called, "count": cells[i, j, 0]}
                    | {"share": shares[i, j, 0], "low": low, "high": high}
                )
    return pd.DataFrame(rows)[list(COLUMNS)]


def _cell_weights(resample: Resample, classes: int) -> np.ndarray:
    """Mean weight over the repeats of each cell on every draw: (truth, called, draw)."""
    counts = resample.draws.counts
    return np.mean(
        [_repeat_cell_weights(repeat, counts, classes) for repeat in resample.repeats], axis=0
    )


def _repeat_cell_weights(repeat: ScoredRepeat, counts: np.ndarray, classes: int) -> np.ndarray:
    """Weight of each cell on every draw, in one repeat: (truth, called, draw)."""
    rows = next(iter(repeat.rows.values()))
    weights = np.zeros((len(rows.score), classes**2))
    weights[np.arange(len(weights)), repeat.truth * classes + repeat.called] = rows.weight
    sums = rows.patient_sums(weights, counts.shape[1])
    return (counts @ sums).T.reshape(classes, classes, -1)
