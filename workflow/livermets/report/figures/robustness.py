"""Robustness of the features: ICC under perturbation, by feature class and lesion size."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from livermets.report.figures.style import (
    CYCLE,
    DOUBLE_COLUMN,
    FAINT,
    INK,
    MUTED,
    draw_message,
    figure_style,
    save,
)

CAPTION = (
    "One dot for each feature, a bar at the median, the minimum dashed. With a single feature "
    "set, the share of its features that reach the minimum is printed below. Rows: all lesions, "
    "then each class; columns: all sizes, then the thirds of the lesion volumes. This figure is "
    "of all patients; the selection is of training patients only."
)
FEATURE_CLASSES = ("firstorder", "shape", "shape2D", "glcm", "glrlm", "glszm", "gldm", "ngtdm")


def draw_robustness(by_size: pd.DataFrame, min_icc: float, path: Path) -> Path:
    """Draw the ICC of each feature as a dot, and their median as a bar.

    There is a column of panels for all lesions and for each third of their sizes, and a row for all
    lesions and for each class. Several feature sets have a colour each; of a single one, the share
    of features with an ICC of at least `min_icc` stands below.

    Parameters
    ----------
    by_size : DataFrame
        As `livermets.radiomics.icc.icc_by_size` returns it.
    min_icc : float
        The minimum ICC, a dashed line.
    path : Path
        The file.

    Returns
    -------
    Path
        The file.
    """
    if by_size["icc"].notna().sum() == 0:
        return draw_message(
            path, "No ICC: fewer than two lesions were measured under every perturbation."
        )
    parts = by_size["feature"].str.extract(r"^([^_-]+)[^_]*_([^_]+)_")
    table = by_size.assign(set=parts[0], kind=parts[1])
    feature_classes = [kind for kind in FEATURE_CLASSES if (table["kind"] == kind).any()]
    sets = list(dict.fromkeys(table["set"].dropna()))
    labels, sizes = list(dict.fromkeys(table["label"])), sorted(table["size"].unique())
    with figure_style():
        figure = Figure(figsize=(DOUBLE_COLUMN, 1.75 * len(labels) + 0.7))
        axes = figure.subplots(len(labels), len(sizes), sharex=True, sharey=True, squeeze=False)
        for label, row in zip(labels, axes, strict=True):
            for size, axis in zip(sizes, row, strict=True):
                part = table[(table["label"] == label) & (table["size"] == size)]
                _draw_panel(axis, part, feature_classes, sets, min_icc)
                axis.set_title(_title(label, part[part["set"] == sets[0]]), fontsize=7)
            row[0].set_ylabel("ICC(3,1)", fontsize=8)
        legend_height = 0.25 * (len(sets) > 1)  # inches
        if legend_height:
            dots = [
                Line2D([], [], color=_colour(sets, name), marker="o", ls="", ms=4) for name in sets
            ]
            figure.legend(dots, sets, loc="upper right", ncols=len(sets))
        figure.tight_layout(rect=(0, 0, 1, 1 - legend_height / figure.get_figheight()))
        return save(figure, path, CAPTION)


def _colour(sets: list[str], name: str) -> str:
    return CYCLE[sets.index(name) % len(CYCLE)]


def _title(label: str, part: pd.DataFrame) -> str:
    low, high = part["low_ml"].iloc[0], part["high_ml"].iloc[0]
    size = "all sizes" if part["size"].iloc[0] == 0 else f"{low:.2g}–{high:.2g} ml"
    return f"{'all lesions' if label == 'all' else label}, {size} (n={part['lesions'].max()})"


def _draw_panel(
    axis: Axes, part: pd.DataFrame, feature_classes: list[str], sets: list[str], min_icc: float
) -> None:
    axis.axhline(min_icc, color=MUTED, linewidth=0.7, linestyle=(0, (3, 2)))
    if part["icc"].isna().all():
        axis.text(0.5, 0.5, "not measurable in every way", transform=axis.transAxes, ha="center",
                  fontsize=6.5, color=MUTED)  # fmt: skip
    width = 0.9 / len(sets)  # of the dots of one set; classes are 1 apart
    for kind, name in product(feature_classes, sets):
        features = part[(part["kind"] == kind) & (part["set"] == name)]
        icc = features["icc"].dropna().to_numpy()
        if not len(icc):
            continue
        x = feature_classes.index(kind) + (sets.index(name) - (len(sets) - 1) / 2) * width
        jitter = (np.arange(len(icc)) % 7 - 3) * 0.1 * width
        colour = _colour(sets, name)
        axis.scatter(x + jitter, icc.clip(-0.1, 1), s=5, color=colour, alpha=0.5, linewidth=0)
        median = np.median(icc).clip(-0.1, 1)
        axis.plot([x - 0.4 * width, x + 0.4 * width], [median] * 2, color=INK, linewidth=1.4)
        if len(sets) == 1:
            share = f"{(icc >= min_icc).mean():.0%}"
            axis.text(x, -0.2, share, ha="center", fontsize=5.5, color=MUTED)
    axis.set(ylim=(-0.26, 1.05), yticks=[0, 0.5, 1])
    axis.tick_params(axis="y", labelsize=7)
    axis.set_xticks(
        range(len(feature_classes)), feature_classes, rotation=60, ha="right", fontsize=6.5
    )
    axis.grid(axis="y", color=FAINT, linewidth=0.5)
    axis.set_axisbelow(True)
