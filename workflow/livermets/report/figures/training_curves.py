"""Training curves of DenseNet-121: the loss by epoch in every split, a panel for each scheme."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from livermets.predictions.predictions_table import with_scheme
from livermets.report.figures.style import (
    DOUBLE_COLUMN,
    FAINT,
    INK,
    MUTED,
    NEGATIVES,
    POSITIVE,
    figure_style,
    save,
)
from livermets.study.schemes import scheme_title

CAPTION = (
    "A line is a split, a dot the epoch whose weights were kept. If the loss of training patients "
    "falls and that of validation patients rises, the network learns its patients by heart."
)
COLOURS = {"train_loss": NEGATIVES[0], "valid_loss": POSITIVE}
TITLES = {"train_loss": "training patients", "valid_loss": "validation patients"}
MANY = 6  # splits of a scheme, from which on the lines are faint


def draw_training_curves(history: pd.DataFrame, classes: int, path: Path) -> Path:
    """Draw the loss of training and validation patients by epoch, a line for each split.

    A dot is the epoch whose weights were kept. The dashed line is the loss of a network that gives
    every class the same probability.

    Parameters
    ----------
    history : DataFrame
        split, epoch, train_loss, valid_loss (NaN without validation patients) and best.
    classes : int
        Number of classes.
    path : Path
        The file.

    Returns
    -------
    Path
        The file.
    """
    schemes = list(with_scheme(history).groupby("scheme", sort=False))
    with figure_style():
        figure = Figure(figsize=(DOUBLE_COLUMN, 3.2), layout="constrained")
        axes = figure.subplots(1, len(schemes), sharey=True, squeeze=False)[0]
        for axis, (scheme, rows) in zip(axes, schemes, strict=True):
            _draw_scheme(axis, rows, np.log(classes))
            splits = rows["split"].nunique()
            title = scheme_title(str(scheme)) + (f", {splits} splits" if splits > 1 else "")
            axis.set(title=title, xlabel="epoch")
        axes[0].set(ylabel="loss (cross-entropy)", ylim=(0, None))
        handles = [
            Line2D([], [], color=COLOURS[name], label=TITLES[name])
            for name in COLOURS
            if history[name].notna().any()
        ]
        handles += [
            Line2D([], [], color=INK, marker="o", ls="", ms=4, label="epoch kept"),
            Line2D([], [], color=MUTED, ls="--", lw=0.8, label="no knowledge"),
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
        return save(figure, path, CAPTION)


def kept_epochs(history: pd.DataFrame) -> pd.DataFrame:
    """Choose the row of each split whose weights were kept: the last one that was the best."""
    best = history[history["best"]]
    return best.drop_duplicates("split", keep="last")


def _draw_scheme(axis: Axes, rows: pd.DataFrame, chance: float) -> None:
    """Draw the splits of one scheme."""
    faint = 0.45 if rows["split"].nunique() >= MANY else 0.9
    for _, split in rows.groupby("split", sort=False):
        kept = kept_epochs(split)
        for name, colour in COLOURS.items():
            if split[name].isna().all():
                continue
            axis.plot(split["epoch"], split[name], color=colour, lw=1, alpha=faint)
            axis.plot(kept["epoch"], kept[name], color=colour, marker="o", ms=4, ls="")
    axis.axhline(chance, color=MUTED, lw=0.8, ls="--")
    axis.grid(axis="y", color=FAINT, lw=0.5)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
