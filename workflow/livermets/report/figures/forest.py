"""The AUC of every arm with its interval, by lesion and by patient, in one picture."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from livermets.evaluation.evaluate import REFERENCE
from livermets.report.figures.style import FAINT, INK, MUTED, WAY_COLOURS, save, styled
from livermets.report.formatting import with_interval
from livermets.study.arms import Arm

LEVELS = {"lesion": "By lesion", "patient": "By patient"}


def draw_forest(metrics: pd.DataFrame, path: Path) -> Path:
    """A line for each arm; the grey band is the interval of lesion volume alone.

    metrics : of one scheme, all levels
    """
    auc = metrics[(metrics["metric"] == "auc") & (metrics["class"] == "")]
    arms = sorted(auc["arm"].unique(), key=Arm.parse)
    place, groups = _places(arms)
    several = (metrics["class"] != "").any()
    xlabel = "AUC, mean over the classes against the rest" if several else "AUC"
    with styled():
        height = 0.21 * (max(place.values()) + 1) + 0.8
        figure = Figure(figsize=(10.4, height), layout="constrained")
        axes = figure.subplots(1, 2, sharey=True)
        for axis, (level, title) in zip(axes, LEVELS.items(), strict=True):
            _draw_level(axis, auc[auc["level"] == level].set_index("arm"), place, xlabel)
            axis.set_title(title)
            for between in groups:
                axis.axhline(between, color=FAINT, lw=0.7)
        axes[0].set_yticks(list(place.values()), [Arm.parse(arm).title for arm in place])
        axes[0].set_ylim(max(place.values()) + 0.7, -0.7)
        return save(figure, path)


def _draw_level(axis: Axes, rows: pd.DataFrame, place: dict[str, float], xlabel: str) -> None:
    if REFERENCE in rows.index and np.isfinite(rows.loc[REFERENCE, "low"]):
        axis.axvspan(*rows.loc[REFERENCE, ["low", "high"]], color=FAINT, alpha=0.4, lw=0)
    axis.axvline(0.5, color=MUTED, lw=0.8, ls="--")
    for arm, row in rows.iterrows():
        y, colour = place[arm], WAY_COLOURS.get(Arm.parse(arm).resampling, INK)
        if np.isfinite(row["low"]):
            axis.plot([row["low"], row["high"]], [y, y], color=colour, lw=1.4)
        axis.plot(row["value"], y, "o", ms=4, color=colour)
        axis.text(1.03, y, with_interval(*row[["value", "low", "high"]]), va="center", fontsize=7.5)
    axis.set(xlim=(0, 1.32))
    axis.set_xlabel(xlabel, x=0.38)
    axis.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", ".25", ".5", ".75", "1"])
    axis.spines["bottom"].set_bounds(0, 1)
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)


def _places(arms: list[str]) -> tuple[dict[str, float], list[float]]:
    """Where each arm stands, a gap between models, and a line between families."""
    place, lines, y, before = {}, [], 0.0, None
    for arm in arms:
        if before is not None:
            same_family = Arm.parse(arm).family == Arm.parse(before).family
            if not same_family:
                lines.append(y + 0.1)
            same_model = Arm.parse(arm).model == Arm.parse(before).model
            y += (
                0.2
                if not same_family
                else 0
                if same_model or Arm.parse(arm).family != "radiomics"
                else 0.45
            )
        place[arm], before = y, arm
        y += 1
    return place, [line - 0.5 for line in lines]
