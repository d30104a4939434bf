"""Forest plot: the AUC of every arm with its interval, by patient and by lesion."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from livermets.evaluation.evaluate import REFERENCE
from livermets.report.figures.style import (
    DOUBLE_COLUMN,
    FAINT,
    INK,
    MUTED,
    RESAMPLING_COLOURS,
    figure_style,
    save,
)
from livermets.report.formatting import intervals_by_arm, with_interval
from livermets.study.arms import Arm

CAPTION = "AUC with its 95 % interval. Dashed: chance. Grey band: interval of lesion volume alone."
NUMBERS = 7  # points, of the numbers beside a row
LEVELS = {"patient": "By patient", "lesion": "By lesion"}  # from the left


def draw_forest(metrics: pd.DataFrame, path: Path) -> Path:
    """Draw the AUC and interval of each arm; the grey band is the interval of lesion volume.

    Parameters
    ----------
    metrics : DataFrame
        The metrics of one scheme at all levels.
    path : Path
        The file.

    Returns
    -------
    Path
        The file.
    """
    auc = metrics[(metrics["metric"] == "auc") & (metrics["class"] == "")]
    arms = sorted(auc["arm"].unique(), key=Arm.parse)
    positions, separators = arm_positions(arms)
    multiclass = (metrics["class"] != "").any()
    xlabel = "AUC, mean over the classes against the rest" if multiclass else "AUC"
    with figure_style():
        height = 0.21 * (max(positions.values()) + 1) + 0.8
        figure = Figure(figsize=(DOUBLE_COLUMN, height), layout="constrained")
        levels = {name: title for name, title in LEVELS.items() if (auc["level"] == name).any()}
        axes = figure.subplots(1, len(levels), sharey=True, squeeze=False)[0]
        for axis, (level, title) in zip(axes, levels.items(), strict=True):
            _draw_level(axis, auc[auc["level"] == level], positions, xlabel)
            axis.set_title(title)
            for y in separators:
                axis.axhline(y, color=FAINT, lw=0.7)
        axes[0].set_yticks(
            list(positions.values()), [Arm.parse(arm).title for arm in positions], fontsize=7
        )
        axes[0].set_ylim(max(positions.values()) + 0.7, -0.7)
        return save(figure, path, CAPTION)


def _draw_level(axis: Axes, rows: pd.DataFrame, positions: dict[str, float], xlabel: str) -> None:
    """Draw the AUCs of one level; `rows` has one row for each arm."""
    aucs = intervals_by_arm(rows)
    _, low, high = aucs.get(REFERENCE, (np.nan,) * 3)
    if np.isfinite(low):
        axis.axvspan(low, high, color=FAINT, alpha=0.4, lw=0)
    axis.axvline(0.5, color=MUTED, lw=0.8, ls="--")
    for arm, (auc, low, high) in aucs.items():
        y, colour = positions[arm], RESAMPLING_COLOURS.get(Arm.parse(arm).resampling, INK)
        draw_interval(axis, y, (auc, low, high), colour)
        draw_text(axis, y, with_interval(auc, low, high))
    set_auc_axis(axis, xlabel, width=1.75)


def draw_interval(axis: Axes, y: float, interval: tuple[float, float, float], colour: str) -> None:
    """Draw a value as a dot and, where it has an interval, this as a line."""
    value, low, high = interval
    if np.isfinite(low):
        axis.plot([low, high], [y, y], color=colour, lw=1.4)
    axis.plot(value, y, "o", ms=4, color=colour)


def draw_text(axis: Axes, y: float, text: str) -> None:
    """Write the numbers of a row to the right of its dot."""
    axis.text(1.06, y, text, va="center", fontsize=NUMBERS)


def set_auc_axis(axis: Axes, xlabel: str, width: float) -> None:
    """Draw the x axis of an AUC from 0 to 1; `width` leaves room for the numbers beside it."""
    axis.set(xlim=(0, width))
    axis.set_xlabel(xlabel, x=0.5 / width)
    axis.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", ".25", ".5", ".75", "1"])
    axis.spines["bottom"].set_bounds(0, 1)
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)


def arm_positions(arms: list[str]) -> tuple[dict[str, float], list[float]]:
    """The y position of each arm, with a gap between models, and of a line between families."""
    positions: dict[str, float] = {}
    separators: list[float] = []
    y, previous = 0.0, None
    for name in arms:
        arm = Arm.parse(name)
        if previous is not None and arm.family != previous.family:
            separators.append(y + 0.1 - 0.5)
            y += 0.2
        elif previous is not None and arm.family == "radiomics" and arm.model != previous.model:
            y += 0.45
        positions[name], previous = y, arm
        y += 1
    return positions, separators
