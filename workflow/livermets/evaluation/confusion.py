"""Confusion matrices: how often each class is called each class, with intervals over patients."""

import numpy as np
import pandas as pd

from livermets.evaluation.levels import levels_of
from livermets.evaluation.metric_intervals import bounds_or_reason
from livermets.evaluation.metrics import auc
from livermets.evaluation.scored_arms import (
    DEFAULT_THRESHOLD,
    ScoredArm,
    ScoredRepeat,
    arm_tables,
    scored_arms,
)

COLUMNS = ("arm", "scheme", "level", "truth", "called", "count", "share", "low", "high")


def confusion(
    predictions: pd.DataFrame,
    classes: list[str],
    positive: str,
    threshold: float | str = DEFAULT_THRESHOLD,
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
    threshold : float or str
        As in `livermets.evaluation.evaluate.evaluate`.

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
    levels = levels_of(predictions)
    for scored in scored_arms(tables, classes, positive, threshold, levels):
        names = {"arm": scored.arm, "scheme": scored.scheme, "level": scored.level}
        cells = _cell_weights(scored, len(classes))
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = cells / cells.sum(axis=1, keepdims=True)
        areas = _aucs(scored, classes, positive)
        for i, truth in enumerate(classes):
            sample = scored.sample(truth)
            for j, called in enumerate(classes):
                # the share of a class that is called another behaves like its sensitivity
                interval = sample.interval("sensitivity", shares[i, j], areas[truth])
                bounds, _ = bounds_or_reason(sample, "sensitivity", interval)
                rows.append(
                    names
                    | {"truth": truth, "called": called, "count": cells[i, j, 0]}
                    | {"share": shares[i, j, 0], "low": bounds.low, "high": bounds.high}
                )
    return pd.DataFrame(rows)[list(COLUMNS)]


def _aucs(scored: ScoredArm, classes: list[str], positive: str) -> dict[str, float]:
    """The AUC of each class against the rest, as in the metrics table; 0.5 where there is none."""
    everyone = scored.tested.counts[:1]
    repeats = [
        {name: auc(rows, everyone)[0] for name, rows in repeat.rows.items()}
        for repeat in scored.repeats
    ]
    areas = {name: np.mean([of_repeat[name] for of_repeat in repeats]) for name in repeats[0]}
    of_class = areas if len(classes) > 2 else dict.fromkeys(classes, areas[positive])
    return {name: float(np.nan_to_num(area, nan=0.5)) for name, area in of_class.items()}


def _cell_weights(scored: ScoredArm, classes: int) -> np.ndarray:
    """Mean weight over the repeats of each cell without each patient: (truth, called, draw)."""
    counts = scored.tested.counts
    return np.mean(
        [_repeat_cell_weights(repeat, counts, classes) for repeat in scored.repeats], axis=0
    )


def _repeat_cell_weights(repeat: ScoredRepeat, counts: np.ndarray, classes: int) -> np.ndarray:
    """Weight of each cell without each patient, in one repeat: (truth, called, draw)."""
    rows = next(iter(repeat.rows.values()))
    weights = np.zeros((len(rows.score), classes**2))
    weights[np.arange(len(weights)), repeat.truth * classes + repeat.called] = rows.weight
    sums = rows.patient_sums(weights, counts.shape[1])
    return (counts @ sums).T.reshape(classes, classes, -1)
