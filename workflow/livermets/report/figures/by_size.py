"""Forest plot of the AUC by size of lesion: a panel for each stratum, a row for each arm."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from livermets.evaluation.evaluate import REFERENCE
from livermets.evaluation.subgroup_members import ALL
from livermets.report.figures.forest import arm_positions, draw_interval, draw_text, set_auc_axis
from livermets.report.figures.style import (
    DOUBLE_COLUMN,
    FAINT,
    INK,
    MUTED,
    RESAMPLING_COLOURS,
    draw_message,
    figure_style,
    save,
)
from livermets.report.formatting import with_interval
from livermets.study.arms import Arm

CAPTION = (
    "AUC by lesion with its 95 % interval over the patients who have lesions of this size. "
    "Dashed: chance. Grey band: interval of lesion volume alone in the same stratum. Too few: the "
    "table says why."
)
ROW, TITLES = 0.2, 1.1  # inches of a row, and of title and axis of a panel


def draw_by_size(measured: pd.DataFrame, path: Path) -> Path:
    """Draw the AUC by lesion of every arm in each stratum of size.

    The grey band of a panel is the interval of lesion volume alone in this stratum.

    Parameters
    ----------
    measured : DataFrame
        The rows of one scheme, as `livermets.evaluation.by_size.measure_by_size` returns them.
    path : Path
        The file.

    Returns
    -------
    Path
        The file.
    """
    auc = measured[(measured["metric"] == "auc") & (measured["variable"] != ALL)]
    if not np.isfinite(auc["low"]).any():
        return draw_message(path, "Too few patients with lesions of each size for an interval.")
    positions, separators = arm_positions(sorted(auc["arm"].unique(), key=Arm.parse))
    divisions = [rows for _, rows in auc.groupby("variable", sort=False)]
    columns = max(rows["group"].nunique() for rows in divisions)
    height = len(divisions) * (ROW * (max(positions.values()) + 1) + TITLES)
    with figure_style():
        figure = Figure(figsize=(DOUBLE_COLUMN, height), layout="constrained")
        axes = figure.subplots(len(divisions), columns, sharey=True, squeeze=False)
        for panels, rows in zip(axes, divisions, strict=True):
            groups = [group for _, group in rows.groupby("group", sort=False)]
            for axis in panels[len(groups) :]:
                axis.set_visible(False)
            for axis, group in zip(panels, groups, strict=False):
                _draw_stratum(axis, group, positions)
                for y in separators:
                    axis.axhline(y, color=FAINT, lw=0.7)
        axes[0, 0].set_yticks(
            list(positions.values()), [Arm.parse(arm).title for arm in positions], fontsize=6.5
        )
        for axis in axes[:, 0]:
            axis.tick_params(axis="y", labelsize=6.5)
        axes[0, 0].set_ylim(max(positions.values()) + 0.7, -0.7)
        return save(figure, path, CAPTION)


def _draw_stratum(axis: Axes, rows: pd.DataFrame, positions: dict[str, float]) -> None:
    """Draw the arms in one stratum; `rows` has one row for each."""
    largest = max(rows.to_dict("records"), key=lambda row: row["n_lesions"])
    axis.set_title(
        f"{largest['group']}\n{largest['n_lesions']} lesions,\n{largest['n_patients']} patients",
        fontsize=7.5,
    )
    volume = rows[rows["arm"] == REFERENCE]
    if np.isfinite(volume["low"]).any():
        axis.axvspan(volume["low"].item(), volume["high"].item(), color=FAINT, alpha=0.4, lw=0)
    axis.axvline(0.5, color=MUTED, lw=0.8, ls="--")
    for row in rows.to_dict("records"):
        y = positions[row["arm"]]
        if np.isfinite(row["low"]):
            interval = (row["value"], row["low"], row["high"])
            colour = RESAMPLING_COLOURS.get(Arm.parse(row["arm"]).resampling, INK)
            draw_interval(axis, y, interval, colour)
            draw_text(axis, y, with_interval(*interval))
        else:
            draw_text(axis, y, _without_interval(row))
    set_auc_axis(axis, "AUC by lesion", width=2.25)


def _without_interval(row: dict) -> str:
    """Why a row has no interval, in two words; the whole reason stands in the table."""
    if row["n_lesions"] == 0:
        return "none tested"
    return "constant score" if row["value"] == 0.5 else "too few"
