"""Metrics of three or more classes: each class against the rest, and their macro averages.

The class with the highest score is called. With two classes every macro average equals the plain
metric.
"""

from collections.abc import Sequence

import numpy as np

from livermets.evaluation.metrics import METRICS, confusion_cells, measure
from livermets.evaluation.scored_rows import ScoredRows


def measure_classes(
    rows: Sequence[ScoredRows], counts: np.ndarray, threshold: float = 0.5
) -> tuple[list[dict[str, np.ndarray]], dict[str, np.ndarray]]:
    """Compute every metric of each class against the rest, and of all classes together.

    Parameters
    ----------
    rows : sequence of ScoredRows
        One for each class, with the same lesions in the same order and with `called`.
    counts : ndarray, shape (draws, patients)
        How often each patient was drawn.
    threshold : float
        Risk threshold of net benefit.

    Returns
    -------
    per_class : list of dict of str to ndarray
        Metric -> draws of each class against the rest.
    macro : dict of str to ndarray
        Metric -> draws of all classes together. Accuracy is the share of correct calls, balanced
        accuracy the mean sensitivity, the Matthews coefficient that of Gorodkin 2004
        (doi:10.1016/j.compbiolchem.2004.09.006). The Brier score is half the sum over the classes,
        so that it lies in [0, 1] and is the usual one with two classes. All other metrics are means
        over the classes.
    """
    per_class = [measure(class_rows, counts, threshold) for class_rows in rows]
    macro = {name: np.mean([values[name] for values in per_class], axis=0) for name in METRICS}
    cells = np.stack([confusion_cells(class_rows, counts, threshold) for class_rows in rows])
    tp, fp, fn = cells[:, 0], cells[:, 1], cells[:, 2]  # each of shape (classes, draws)
    correct, total = tp.sum(0), cells[0].sum(0)
    truth, called = tp + fn, tp + fp
    with np.errstate(invalid="ignore", divide="ignore"):
        macro["accuracy"] = correct / total
        spread = np.sqrt(total**2 - (called**2).sum(0)) * np.sqrt(total**2 - (truth**2).sum(0))
        mcc = np.clip((correct * total - (truth * called).sum(0)) / spread, -1, 1)
    macro["mcc"] = np.where(spread > 0, mcc, np.where(total > 0, 0.0, np.nan))
    macro["balanced_accuracy"] = macro["sensitivity"]
    macro["brier"] = len(rows) * macro["brier"] / 2
    return per_class, macro
