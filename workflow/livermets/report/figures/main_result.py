"""The figure on the first page of the report: the main arm beside the arms it is compared with."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from livermets.report.figures.forest import draw_interval, draw_text, set_auc_axis
from livermets.report.figures.style import (
    INK,
    MUTED,
    POSITIVE,
    SINGLE_COLUMN,
    draw_message,
    figure_style,
    save,
)
from livermets.report.formatting import with_interval
from livermets.report.main_result import CHANCE, main_result
from livermets.study.arms import Arm

CAPTION = "AUC by {level} with its 95 % interval. Dashed: chance."
ROW = 0.33  # inches
LABEL_WIDTH = 20  # characters in a line


def draw_main_result(
    metrics: pd.DataFrame, primary: Sequence[str] | None, classes: list[str], path: Path
) -> Path:
    """Draw the AUC of the main arm, DenseNet and each baseline with its interval.

    Parameters
    ----------
    metrics : DataFrame
        As `livermets.evaluation.evaluate.evaluate` returns it.
    primary : sequence of two str or None
        Arm and reference of the primary comparison.
    classes : list of str
        Class names.
    path : Path
        The file.

    Returns
    -------
    Path
        The file.
    """
    result = main_result(metrics, primary)
    if result is None:
        return draw_message(path, "No arm was named before the study.")
    with figure_style():
        figure = Figure(figsize=(SINGLE_COLUMN, ROW * len(result.aucs) + 0.5), layout="constrained")
        axis = figure.subplots()
        axis.axvline(CHANCE, color=MUTED, lw=0.8, ls="--")
        labels = []
        for y, (arm, interval) in enumerate(result.aucs.items()):
            draw_interval(axis, y, interval, POSITIVE if arm == result.arm else INK)
            has_value = np.isfinite(interval[0])
            draw_text(axis, y, with_interval(*interval) if has_value else "not defined")
            labels.append(fill(Arm.parse(arm).title, LABEL_WIDTH))
        axis.set_yticks(range(len(labels)), labels)
        axis.get_yticklabels()[0].set_fontweight("bold")
        axis.set_ylim(len(labels) - 0.5, -0.6)
        area = "AUC" if len(classes) == 2 else "Mean AUC"
        set_auc_axis(axis, f"{area} by {result.level}", 1.8)
        axis.text(CHANCE, -0.6, "chance", ha="center", va="bottom", fontsize=6, color=MUTED)
        return save(figure, path, CAPTION.format(level=result.level))
