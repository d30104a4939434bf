"""Forest plot of the AUC in subgroups: a column for each arm, a row for each group."""

from pathlib import Path
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from livermets.evaluation.subgroup_members import ALL
from livermets.report.figures.forest import draw_interval, draw_text, set_auc_axis
from livermets.report.figures.style import (
    CYCLE,
    DOUBLE_COLUMN,
    FAINT,
    MUTED,
    draw_message,
    figure_style,
    save,
)
from livermets.report.formatting import with_interval
from livermets.study.arms import Arm

CAPTION = (
    "AUC with its 95 % interval over the patients of the group. Dashed: chance. Dotted: the AUC "
    "of all patients. Patients are ranked within their split, as everywhere."
)
ROW, HEADING_GAP = 0.24, 0.5  # inches a row, rows before each heading

TITLE_WIDTH = 28  # characters that a column is wide


def draw_subgroups(table: pd.DataFrame, positive: str, path: Path) -> Path:
    """Draw the AUC and interval of each arm in each subgroup of one scheme.

    The numbers beside a group are those of the arm that tested most of its patients.

    Parameters
    ----------
    table : DataFrame
        The rows of one scheme, as `livermets.evaluation.subgroups.measure_subgroups` returns them.
    positive : str
        The positive class.
    path : Path
        The file.

    Returns
    -------
    Path
        The file.
    """
    if not np.isfinite(table["low"]).any():
        return draw_message(path, "Too few patients in every subgroup for an interval.")
    arms = list(dict.fromkeys(table["arm"]))
    places, headings = _places(table)
    last = max(places.values())
    with figure_style():
        size = (DOUBLE_COLUMN, ROW * (last + 1) + 0.9)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(1, len(arms), sharey=True, squeeze=False)[0]
        for i, (axis, arm) in enumerate(zip(axes, arms, strict=True)):
            rows = table[table["arm"] == arm]
            _draw_arm(axis, rows, places, CYCLE[i % len(CYCLE)])
            axis.set_title(fill(Arm.parse(arm).title, TITLE_WIDTH))
        largest = table.sort_values("n_patients", ascending=False, kind="stable")
        largest = largest.drop_duplicates(["variable", "group"])
        names = [_group_text(row, positive) for row in largest.to_dict("records")]
        ticks = [*headings.values(), *(places[key] for key in _keys(largest))]
        axes[0].set_yticks(ticks, [*headings, *names], fontsize=7)
        for tick in axes[0].get_yticklabels()[: len(headings)]:
            tick.set_fontweight("bold")
        axes[0].set_ylim(last + 0.7, -0.7)
        return save(figure, path, CAPTION)


def _keys(table: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(table["variable"], table["group"], strict=True))


def _places(
    table: pd.DataFrame,
) -> tuple[dict[tuple[str, str], float], dict[str, float]]:
    """The y position of each (variable, group), and of the heading of each variable."""
    places: dict[tuple[str, str], float] = {}
    headings: dict[str, float] = {}
    y = 0.0
    previous = table["variable"].iloc[0]
    for variable, group in dict.fromkeys(_keys(table)):
        if variable != previous:
            y += HEADING_GAP
            if variable not in headings and variable != ALL:
                headings[variable] = y
                y += 1
            previous = variable
        places[variable, group] = y
        y += 1
    return places, headings


def _group_text(row: dict, positive: str) -> str:
    """The group with its number of patients: "F: 12 patients, 5 pancreatic"."""
    patients = f"{row['n_patients']} patient{'s' if row['n_patients'] != 1 else ''}"
    lesions = f"{row['n_lesions']} lesions of " if row["level"] == "lesion" else ""
    return f"{row['group']}: {lesions}{patients}, {row['n_positive']} {positive}"


def _draw_arm(
    axis: Axes, rows: pd.DataFrame, places: dict[tuple[str, str], float], colour: str
) -> None:
    """Draw one arm; `rows` has one row for each group."""
    axis.axvline(0.5, color=MUTED, lw=0.8, ls="--")
    overall = rows[rows["variable"] == ALL].set_index("level")["value"]
    for row in rows.to_dict("records"):
        y = places[row["variable"], row["group"]]
        axis.axhline(y, color=FAINT, lw=0.4, zorder=0)
        if np.isfinite(row["low"]):
            interval = (row["value"], row["low"], row["high"])
            draw_interval(axis, y, interval, colour)
            text = with_interval(*interval)
        else:
            text = "too few patients" if row["n_patients"] else "none tested"
        draw_text(axis, y, text)
    for level, whole in overall.items():
        of_level = rows[rows["level"] == level]
        ends = [places[key] for key in _keys(of_level)]
        axis.plot([whole] * 2, [min(ends), max(ends)], color=colour, lw=0.7, ls=":", zorder=0)
    set_auc_axis(axis, "AUC", width=1.75)
