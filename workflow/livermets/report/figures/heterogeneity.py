"""Heterogeneity of lesions: how unlike the lesions of each patient are, by class and feature."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from livermets.report.figures.style import (
    DOUBLE_COLUMN,
    FAINT,
    INK,
    class_colours,
    draw_message,
    figure_style,
    save,
)
from livermets.report.formatting import p_value

CAPTION = (
    "A dot is a patient. The features with the smallest p-values are shown, which may all be "
    "findings of chance: see the corrected p-value."
)
FEATURES = 20  # with the smallest p-values


def draw_heterogeneity(
    variation: pd.DataFrame,
    comparison: pd.DataFrame,
    classes: list[str],
    positive: str,
    reason: str,
    path: Path,
) -> Path:
    """Draw the variation over each patient's lesions as a dot, in a row for each feature and class.

    A bar is the mean of a class. Beside the row stands the corrected p-value; with three or more
    classes the smallest of those of the classes, each against the others.

    Parameters
    ----------
    variation : DataFrame
        As `livermets.heterogeneity.variation.lesion_variation` returns it.
    comparison : DataFrame
        As `livermets.heterogeneity.class_comparison.compare_classes` returns it.
    classes : list of str
        Class names.
    positive : str
        The positive class.
    reason : str
        Why the classes were not compared; then the figure says so.
    path : Path
        The file.

    Returns
    -------
    Path
        The file.
    """
    if comparison.empty:
        return draw_message(path, f"The classes were not compared. {reason or 'No feature.'}")
    best = comparison.sort_values(["p_adjusted", "p"], kind="stable").drop_duplicates("feature")
    best = best.head(FEATURES)
    colours = class_colours(classes, positive)
    height = 0.8 / len(classes)  # of a class's row; features are 1 apart
    with figure_style():
        figure = Figure(figsize=(DOUBLE_COLUMN, 0.34 * len(best) + 1.1), layout="constrained")
        axis = figure.subplots()
        for row, feature in enumerate(best["feature"]):
            values = variation[variation["feature"] == feature]
            for place, name in enumerate(classes):
                y = row + (place - (len(classes) - 1) / 2) * height
                of_class = values.loc[values["label"] == name, "pair_cv"].dropna().to_numpy(float)
                axis.scatter(of_class, np.full(len(of_class), y), s=9, color=colours[name],
                             alpha=0.45, linewidth=0)  # fmt: skip
                mean = of_class.mean()
                axis.plot([mean] * 2, [y - 0.45 * height, y + 0.45 * height], color=INK, lw=1.6)
            axis.axhline(row + 0.5, color=FAINT, lw=0.5)
        axis.set_yticks(range(len(best)), list(best["feature"]), fontsize=7)
        axis.set(ylim=(len(best) - 0.5, -0.5), xlabel="CV of two lesions, mean over all pairs")
        axis.set_xlim(left=0)
        beside = axis.secondary_yaxis("right")
        beside.set_yticks(range(len(best)), [p_value(p) for p in best["p_adjusted"]], fontsize=7)
        beside.set_ylabel("p, corrected")
        beside.tick_params(length=0)
        handles = [
            Line2D([], [], color=colours[name], marker="o", ls="", ms=4, label=name)
            for name in classes
        ]
        handles.append(Line2D([], [], color=INK, lw=1.6, label="mean"))
        figure.legend(handles=handles, loc="outside upper left", ncols=len(handles))
        return save(figure, path, CAPTION)
