"""How steady the features are under perturbation: ICC by feature class and lesion size."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from livermets.report.figures.style import CYCLE, FAINT, INK, MUTED, blank, save, styled

ORDER = ("firstorder", "shape", "shape2D", "glcm", "glrlm", "glszm", "gldm", "ngtdm")


def draw_robustness(by_size: pd.DataFrame, min_icc: float, path: Path) -> Path:
    """A column of panels for each third of the lesion sizes, a row for all lesions and each class.

    by_size : as `livermets.radiomics.icc.icc_by_size`; a dot a feature, a bar at the median; of one
        feature set also the share at or above `min_icc`, of several each in its colour
    """
    if by_size["icc"].notna().sum() == 0:
        return blank(path, "No ICC: fewer than two lesions were measured under every perturbation.")
    parts = by_size["feature"].str.extract(r"^([^_-]+)[^_]*_([^_]+)_")
    table = by_size.assign(set=parts[0], kind=parts[1])
    kinds = [kind for kind in ORDER if (table["kind"] == kind).any()]
    sets = list(dict.fromkeys(table["set"].dropna()))
    labels, sizes = list(dict.fromkeys(table["label"])), sorted(table["size"].unique())
    with styled():
        figure = Figure(figsize=(2.5 * len(sizes) + 0.6, 1.75 * len(labels) + 0.7))
        axes = figure.subplots(len(labels), len(sizes), sharex=True, sharey=True, squeeze=False)
        for label, row in zip(labels, axes, strict=True):
            for size, axis in zip(sizes, row, strict=True):
                part = table[(table["label"] == label) & (table["size"] == size)]
                _panel(axis, part, kinds, sets, min_icc)
                axis.set_title(_title(label, part[part["set"] == sets[0]]), fontsize=7)
            row[0].set_ylabel("ICC(3,1)", fontsize=8)
        head = 0.25 * (len(sets) > 1)  # inches, for the legend
        if head:
            dots = [
                Line2D([], [], color=_colour(sets, name), marker="o", ls="", ms=4) for name in sets
            ]
            figure.legend(dots, sets, loc="upper right", ncols=len(sets))
        figure.tight_layout(rect=(0, 0, 1, 1 - head / figure.get_figheight()))
        return save(figure, path)


def _colour(sets: list[str], name: str) -> str:
    return CYCLE[sets.index(name) % len(CYCLE)]


def _title(label: str, part: pd.DataFrame) -> str:
    low, high = part["low_ml"].iloc[0], part["high_ml"].iloc[0]
    size = "all sizes" if part["size"].iloc[0] == 0 else f"{low:.2g}–{high:.2g} ml"
    return f"{'all lesions' if label == 'all' else label}, {size} (n={part['lesions'].max()})"


def _panel(
    axis: Axes, part: pd.DataFrame, kinds: list[str], sets: list[str], min_icc: float
) -> None:
    axis.axhline(min_icc, color=MUTED, linewidth=0.7, linestyle=(0, (3, 2)))
    if part["icc"].isna().all():
        axis.text(0.5, 0.5, "not measurable in every way", transform=axis.transAxes, ha="center",
                  fontsize=6.5, color=MUTED)  # fmt: skip
    wide = 0.9 / len(sets)  # of a class's place
    for kind, name in product(kinds, sets):
        mine = part[(part["kind"] == kind) & (part["set"] == name)]
        icc = mine["icc"].dropna().to_numpy()
        if not len(icc):
            continue
        at = kinds.index(kind) + (sets.index(name) - (len(sets) - 1) / 2) * wide
        spread = (np.arange(len(icc)) % 7 - 3) * 0.1 * wide
        look = {"s": 5, "color": _colour(sets, name), "alpha": 0.5, "linewidth": 0}
        axis.scatter(at + spread, icc.clip(-0.1, 1), **look)
        middle = np.median(icc).clip(-0.1, 1)
        axis.plot([at - 0.4 * wide, at + 0.4 * wide], [middle] * 2, color=INK, linewidth=1.4)
        if len(sets) == 1:
            share = f"{(icc >= min_icc).mean():.0%}"
            axis.text(at, -0.2, share, ha="center", fontsize=5.5, color=MUTED)
    axis.set(ylim=(-0.26, 1.05), yticks=[0, 0.5, 1])
    axis.tick_params(axis="y", labelsize=7)
    axis.set_xticks(range(len(kinds)), kinds, rotation=60, ha="right", fontsize=6.5)
    axis.grid(axis="y", color=FAINT, linewidth=0.5)
    axis.set_axisbelow(True)
