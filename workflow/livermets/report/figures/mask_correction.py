"""Dumbbell plot: the AUC of every arm from uncorrected and from final masks."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from livermets.report.figures.style import (
    DOUBLE_COLUMN,
    FAINT,
    INK,
    MUTED,
    POSITIVE,
    draw_message,
    figure_style,
    save,
)
from livermets.report.formatting import with_interval
from livermets.study.arms import Arm
from livermets.study.schemes import scheme_title

CAPTION = (
    "AUC by lesion, trained and tested on uncorrected masks (hollow) and on final masks (filled). "
    "The difference has its 95 % interval over patients."
)


def draw_mask_effect(aucs: pd.DataFrame, path: Path) -> Path:
    """Draw the AUCs by lesion of each arm and scheme: hollow before correction, filled after.

    Parameters
    ----------
    aucs : DataFrame
        As `livermets.sensitivity.correction_effect.auc_differences` returns it.
    path : Path
        The file.

    Returns
    -------
    Path
        The file.
    """
    by_lesion = aucs[aucs["level"] == "lesion"]
    if not np.isfinite(by_lesion["difference"]).any():
        message = "No AUC could be compared: too few patients with lesions in both masks."
        return draw_message(path, message)
    schemes = list(dict.fromkeys(by_lesion["scheme"]))
    arms = sorted(by_lesion["arm"].unique(), key=Arm.parse)
    positions = {arm: y for y, arm in enumerate(arms)}
    with figure_style():
        size = (DOUBLE_COLUMN, 0.21 * len(arms) + 1.1)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(1, len(schemes), sharey=True, squeeze=False)[0]
        for axis, scheme in zip(axes, schemes, strict=True):
            axis.axvline(0.5, color=MUTED, lw=0.8, ls="--")
            rows = by_lesion[by_lesion["scheme"] == scheme].set_index("arm")
            for arm, row in rows.iterrows():
                y = positions[arm]
                axis.axhline(y, color=FAINT, lw=0.5, zorder=0)
                axis.plot(row[["uncorrected", "final"]], [y, y], color=POSITIVE, lw=1.6, zorder=1)
                axis.plot(row["uncorrected"], y, "o", ms=4.5, mfc="white", mec=INK, mew=0.9)
                axis.plot(row["final"], y, "o", ms=4.5, color=POSITIVE)
                text = with_interval(*row[["difference", "low", "high"]])
                axis.text(1.06, y, text, va="center", fontsize=7)
            axis.set(xlim=(0, 1.75), title=scheme_title(scheme))
            axis.text(1.06, -1, "difference", fontsize=7.5, color=MUTED, va="center")
            axis.set_xlabel("AUC by lesion", x=0.29)
            axis.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", ".25", ".5", ".75", "1"])
            axis.spines["bottom"].set_bounds(0, 1)
            axis.spines["left"].set_visible(False)
            axis.tick_params(axis="y", length=0)
        axes[0].set_yticks(range(len(arms)), [Arm.parse(arm).title for arm in arms], fontsize=7)
        axes[0].set_ylim(len(arms) - 0.3, -1.5)
        (hollow,) = axes[0].plot([], [], "o", ms=4.5, mfc="white", mec=INK, mew=0.9)
        (filled,) = axes[0].plot([], [], "o", ms=4.5, color=POSITIVE)
        figure.legend(
            [hollow, filled],
            ["uncorrected masks", "final masks"],
            loc="outside lower left",
            ncols=2,
        )
        return save(figure, path, CAPTION)
