"""Confusion matrices: how often each class was called each class, with intervals over patients."""

import numpy as np
import pandas as pd

from livermets.evaluation import bootstrap
from livermets.evaluation.evaluate import by_scheme, checked, redraw, repeats_of
from livermets.evaluation.resamples import Scored
from livermets.study.outputs import LEVELS

COLUMNS = ("arm", "scheme", "level", "truth", "called", "count", "share", "low", "high")


def confusion(
    predictions: pd.DataFrame,
    classes: list[str],
    positive: str,
    draws: int = 2000,
    threshold: float | str = 0.5,
    seed: int = 2023,
) -> pd.DataFrame:
    """The confusion matrix of every arm, scheme and level, one row a cell.

    Arguments are those of `livermets.evaluation.evaluate.evaluate`.

    Returns
    -------
    arm, scheme, level, truth, called, count (of lesions, each of the weight 1 / the patient's
    lesions where patients count alike, or of patients; the mean over repeats), share (of that
    truth) with its 95 % interval: NaN where no lesion is truly of the class
    """
    predictions = checked(predictions, classes, positive, None)
    rows = []
    for (arm, scheme), table in by_scheme(predictions):
        drawn = redraw(table, draws, seed, scheme)
        for level in LEVELS:
            repeats = repeats_of(table, level, classes, positive, drawn.patients, threshold)
            cells = np.mean([_cells(one, drawn.counts, len(classes)) for one in repeats], axis=0)
            with np.errstate(invalid="ignore", divide="ignore"):
                shares = cells / cells.sum(axis=1, keepdims=True)
            for i, truth in enumerate(classes):
                units = drawn.units(level, "sensitivity", truth)
                for j, called in enumerate(classes):
                    low, high, _ = bootstrap.interval(shares[i, j, 1:], units, span=(0.0, 1.0))
                    found = {"arm": arm, "scheme": scheme, "level": level, "truth": truth}
                    found |= {"called": called, "count": cells[i, j, 0], "share": shares[i, j, 0]}
                    rows.append(found | {"low": low, "high": high})
    return pd.DataFrame(rows)[list(COLUMNS)]


def _cells(one: Scored, counts: np.ndarray, classes: int) -> np.ndarray:
    """Weights of each truth and call on every draw: (truth, called, draw)."""
    rows = next(iter(one.rows.values()))
    here = np.zeros((len(rows.score), classes**2))
    here[np.arange(len(here)), one.truth * classes + one.called] = rows.weight
    sums = rows.of_patients(here, counts.shape[1])
    return (counts @ sums).T.reshape(classes, classes, -1)
