"""How steady the features are under perturbation: ICC by feature class and lesion size."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from livermets.figures_style import FAINT, INK, MUTED, POSITIVE, blank, save, styled

ORDER = ("firstorder", "shape", "shape2D", "glcm", "glrlm", "glszm", "gldm", "ngtdm")


def draw_robustness(by_size: pd.DataFrame, min_icc: float, path: Path) -> Path:
    """A column of panels for each third of the lesion sizes, a row for all lesions and each class.

    by_size : as `livermets.robustness.icc_by_size`; a dot a feature, a bar at the median, the share
        of features at or above `min_icc` in figures
    """
    if by_size["icc"].notna().sum() == 0:
        return blank(path, "No ICC: fewer than two lesions were measured under every perturbation.")
    table = by_size.assign(kind=by_size["feature"].str.extract(r"^[^_]+_([^_]+)_")[0])
    kinds = [kind for kind in ORDER if (table["kind"] == kind).any()]
    labels, sizes = list(dict.fromkeys(table["label"])), sorted(table["size"].unique())
    with styled():
        figure = Figure(figsize=(2.3 * len(sizes) + 0.6, 1.75 * len(labels) + 0.5))
        axes = figure.subplots(len(labels), len(sizes), sharex=True, sharey=True, squeeze=False)
        for label, row in zip(labels, axes, strict=True):
            for size, axis in zip(sizes, row, strict=True):
                part = table[(table["label"] == label) & (table["size"] == size)]
                _panel(axis, part, kinds, min_icc)
                axis.set_title(_title(label, part), fontsize=7)
            row[0].set_ylabel("ICC(3,1)")
        figure.tight_layout()
        return save(figure, path)


def _title(label: str, part: pd.DataFrame) -> str:
    low, high = part["low_ml"].iloc[0], part["high_ml"].iloc[0]
    size = "all sizes" if part["size"].iloc[0] == 0 else f"{low:.2g}–{high:.2g} ml"
    return f"{'all lesions' if label == 'all' else label}, {size} (n={part['lesions'].max()})"


def _panel(axis, part: pd.DataFrame, kinds: list[str], min_icc: float) -> None:
    axis.axhline(min_icc, color=MUTED, linewidth=0.7, linestyle=(0, (3, 2)))
    for at, kind in enumerate(kinds):
        icc = part.loc[part["kind"] == kind, "icc"].dropna().to_numpy()
        if not len(icc):
            continue
        spread = (np.arange(len(icc)) % 7 - 3) * 0.09
        axis.scatter(at + spread, icc.clip(-0.1, 1), s=5, color=POSITIVE, alpha=0.5, linewidth=0)
        middle = np.median(icc).clip(-0.1, 1)
        axis.plot([at - 0.35, at + 0.35], [middle] * 2, color=INK, linewidth=1.4)
        axis.text(
            at, -0.2, f"{(icc >= min_icc).mean():.0%}", ha="center", fontsize=5.5, color=MUTED
        )
    axis.set(ylim=(-0.26, 1.05), yticks=[0, 0.5, 1])
    axis.set_xticks(range(len(kinds)), kinds, rotation=60, ha="right", fontsize=6.5)
    axis.grid(axis="y", color=FAINT, linewidth=0.5)
    axis.set_axisbelow(True)
