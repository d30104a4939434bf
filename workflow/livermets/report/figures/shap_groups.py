"""SHAP values by group of features: the share of each group, and how steady it is."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from livermets.report.figures.style import (
    DOUBLE_COLUMN,
    FAINT,
    INK,
    POSITIVE,
    draw_message,
    figure_style,
    save,
)
from livermets.study.arms import Arm

CAPTION = (
    "Grey bar and black line: mean over the splits. A dot is a split: where dots lie far apart, "
    "the choice of the training patients decides which features count. In brackets: how many "
    "other features the group has."
)
GROUPS = 10  # of each arm
MOST = 6  # arms; the table has all
LINE = 0.27  # inches: of a group


def draw_shap_groups(summary: pd.DataFrame, shares: pd.DataFrame, path: Path) -> Path:
    """Draw the share of each group of features, a dot for each split and a bar for their mean.

    Parameters
    ----------
    summary, shares : DataFrame
        As `livermets.explanation.shap_summary.summarise_shap` returns them.
    path : Path
        The file.

    Returns
    -------
    Path
        The file.
    """
    shown = {
        str(arm): rows[rows["share"] > 0].head(GROUPS)
        for arm, rows in summary.groupby("arm", sort=False)
    }
    shown = {arm: rows for arm, rows in list(shown.items())[:MOST] if len(rows)}
    if not shown:
        return draw_message(path, "No feature changes the score of any arm.")
    heights = [LINE * len(rows) + 0.35 for rows in shown.values()]
    with figure_style():
        figure = Figure(figsize=(DOUBLE_COLUMN, sum(heights) + 0.6), layout="constrained")
        axes = figure.subplots(len(shown), squeeze=False, height_ratios=heights, sharex=True)
        for axis, (arm, rows) in zip(axes[:, 0], shown.items(), strict=True):
            _draw_arm(axis, rows, shares[shares["arm"] == arm])
            axis.set_title(Arm.parse(arm).title)
        axes[-1, 0].set_xlabel("share of the absolute SHAP values in a split, %")
        axes[-1, 0].set_xlim(left=0)
        return save(figure, path, CAPTION)


def _draw_arm(axis: Axes, rows: pd.DataFrame, shares: pd.DataFrame) -> None:
    """The groups of one arm, the largest above."""
    for y, row in enumerate(rows.to_dict("records")):
        values = 100 * shares.loc[shares["group"] == row["group"], "share"].to_numpy(float)
        axis.barh(y, 100 * row["share"], height=0.62, color=FAINT)
        spread = np.linspace(-0.2, 0.2, len(values)) if len(values) > 1 else np.zeros(1)
        axis.scatter(values, y + spread, s=8, color=POSITIVE, alpha=0.6, linewidth=0, zorder=3)
        axis.plot([100 * row["share"]] * 2, [y - 0.31, y + 0.31], color=INK, lw=1.4)
    axis.set_yticks(range(len(rows)), [_name(row) for row in rows.to_dict("records")], fontsize=7)
    axis.set_ylim(len(rows) - 0.5, -0.5)


def _name(row: dict) -> str:
    others = row["features"] - 1
    return f"{row['group']} (+ {others})" if others else str(row["group"])
