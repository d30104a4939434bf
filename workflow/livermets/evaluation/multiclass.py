"""Metrics of three or more classes: each against the rest, and their macro averages.

The class with the highest score is called. With two classes every average here is the plain metric.
"""

from collections.abc import Sequence

import numpy as np

from livermets.evaluation.metrics import METRICS, Rows, cells, measure


def measure_classes(
    rows: Sequence[Rows], counts: np.ndarray, threshold: float = 0.5
) -> tuple[list[dict[str, np.ndarray]], dict[str, np.ndarray]]:
    """Every metric of `METRICS` of each class against the rest, and of all classes together.

    Parameters
    ----------
    rows : of each class, the same lesions in the same order, saying what they are called
    counts : (draws, patients)
    threshold : of net benefit

    Returns
    -------
    of each class, and together. Together: accuracy is the share called rightly, balanced accuracy
    the mean sensitivity, the Matthews coefficient that of Gorodkin 2004
    (doi:10.1016/j.compbiolchem.2004.09.006), Brier's score half the sum over the classes (so that
    it lies in [0, 1] and is the usual one with two); all others are means over the classes.
    """
    single = [measure(one, counts, threshold) for one in rows]
    macro = {name: np.mean([values[name] for values in single], axis=0) for name in METRICS}
    table = np.stack([cells(one, counts, threshold) for one in rows])  # class, cell, draw
    tp, fp, fn = table[:, 0], table[:, 1], table[:, 2]
    right, total = tp.sum(0), table[0].sum(0)
    truly, called = tp + fn, tp + fp
    with np.errstate(invalid="ignore", divide="ignore"):
        macro["accuracy"] = right / total
        spread = np.sqrt(total**2 - (called**2).sum(0)) * np.sqrt(total**2 - (truly**2).sum(0))
        mcc = np.clip((right * total - (truly * called).sum(0)) / spread, -1, 1)
    macro["mcc"] = np.where(spread > 0, mcc, np.where(total > 0, 0.0, np.nan))
    macro["balanced_accuracy"] = macro["sensitivity"]
    macro["brier"] = len(rows) * macro["brier"] / 2
    return single, macro
