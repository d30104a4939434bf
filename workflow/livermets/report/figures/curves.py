"""ROC, calibration and decision curves: one panel for each model, one line for each resampling.

No arm stands out: the best arm of the test set need not be the best. Every panel also has the
curve of lesion volume alone as a dotted line, to compare the arms with size.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from livermets.core.seeds import derive_seed
from livermets.evaluation.evaluate import REFERENCE
from livermets.report.figures.curve_points import (
    FPR_GRID,
    calibration_points,
    mean_roc_curve,
    net_benefit_curve,
    roc_band,
)
from livermets.report.figures.style import (
    CYCLE,
    FAINT,
    INK,
    MUTED,
    RESAMPLING_COLOURS,
    figure_style,
    panel_grid,
    save,
    set_unit_axes,
)
from livermets.report.formatting import intervals_by_arm, number, with_interval
from livermets.study.arms import SELECTED, Arm

PANEL_TITLES = {SELECTED: "Selected inside"}  # as wide as a panel
RESAMPLING_LABELS = {"none": "as is", "undersample": "undersampled", "weights": "weighted"}
MODEL_LABELS = {
    SELECTED: "selected",
    "baseline_majority": "majority",
    "baseline_volume": "volume alone",
    "baseline_burden": "burden + count",
    "baseline_clinical": "clinical",
    "baseline_radiomics_clinical": "radiomics + clinical",
}


def panels(arms: list[str]) -> list[tuple[str, list[str]]]:
    """Divide the arms into panels with a title: by model, by choice of feature sets, baselines."""
    arms_by_title: dict[str, list[str]] = {}
    for name in sorted(arms, key=Arm.parse):
        arm = Arm.parse(name)
        if arm.family == "baseline":
            title = "Baselines"
        elif arm.family == "sets":
            title = f"{arm.plain.model_title}, sets"
        else:
            title = PANEL_TITLES.get(name, arm.model_title)
        arms_by_title.setdefault(title, []).append(name)
    return list(arms_by_title.items())


@dataclass(frozen=True)
class Target:
    """A class whose curves are drawn against the rest, and its key in the metrics table.

    Parameters
    ----------
    name : str
        The class.
    key : str
        Its name in the column `class` of the metrics; "" for the positive one of two classes.
    """

    name: str
    key: str

    @property
    def heading(self) -> str:
        """The heading of the class's panels; "" for two classes."""
        return f"{self.key} against the rest" if self.key else ""

    def scores(self, table: pd.DataFrame) -> pd.DataFrame:
        """The predictions with this class's probability as `score`."""
        return table.assign(score=table[f"score_{self.key}"]) if self.key else table


def class_targets(classes: list[str], positive: str) -> list[Target]:
    """List the classes that have curves: the positive one of two, or each of three or more."""
    if len(classes) == 2:
        return [Target(positive, "")]
    return [Target(name, name) for name in classes]


def draw_roc(
    table: pd.DataFrame,
    metrics: pd.DataFrame,
    targets: list[Target],
    draws: int,
    seed: int,
    path: Path,
) -> Path:
    """Draw ROC curves by lesion, with the 95 % band of the first arm of each panel.

    Parameters
    ----------
    table : DataFrame
        The predictions of one scheme, with `repeat`; curves of repeats are averaged vertically.
    metrics : DataFrame
        The metrics of the scheme by lesion, for the legend.
    targets : list of Target
        The classes, each with a block of panels.
    draws : int
        Number of bootstrap draws of patients for a band.
    seed : int
        The study's seed.
    path : Path
        The file.

    Returns
    -------
    Path
        The file.
    """
    aucs = metrics[metrics["metric"] == "auc"]
    texts = {target.key: interval_texts(aucs[aucs["class"] == target.key]) for target in targets}

    def draw(
        axis: Axes, rows: pd.DataFrame, arm: str, target: Target, style: dict, with_band: bool
    ) -> None:
        label = f"{_line_label(arm)}  {texts[target.key].get(arm, '')}"
        axis.plot(FPR_GRID, mean_roc_curve(rows, target.name), label=label, **style)
        if with_band:
            low, high = roc_band(rows, target.name, draws, derive_seed(seed, "roc band"))
            axis.fill_between(FPR_GRID, low, high, color=style["color"], alpha=0.13, lw=0)

    def frame(axis: Axes, target: Target) -> None:
        axis.plot([0, 1], [0, 1], color=FAINT, lw=0.8, zorder=0)
        set_unit_axes(axis)

    labels = ("1 − specificity", "Sensitivity")
    return _draw_panels(table, targets, draw, frame, labels, path)


def draw_calibration(
    table: pd.DataFrame, metrics: pd.DataFrame, targets: list[Target], path: Path
) -> Path:
    """Draw calibration curves: the observed share of a class against its score, in ten groups.

    Parameters
    ----------
    table : DataFrame
        The predictions of one scheme, with `repeat`.
    metrics : DataFrame
        The metrics of the scheme by lesion, for the slope in the legend.
    targets : list of Target
        The classes, each with a block of panels.
    path : Path
        The file.

    Returns
    -------
    Path
        The file.
    """
    slopes = metrics[metrics["metric"] == "calibration_slope"].set_index(["class", "arm"])["value"]

    def draw(
        axis: Axes, rows: pd.DataFrame, arm: str, target: Target, style: dict, with_band: bool
    ) -> None:
        truth = (rows["label"] == target.name).to_numpy()
        mean_scores, shares = calibration_points(rows["score"].to_numpy(), truth)
        slope = number(slopes.get((target.key, arm), np.nan))
        label = _line_label(arm) + (f"  slope {slope}" if slope != "–" else "")
        axis.plot(mean_scores, shares, marker="o", ms=2.5, label=label, **style)

    def frame(axis: Axes, target: Target) -> None:
        axis.plot([0, 1], [0, 1], color=FAINT, lw=0.8, zorder=0)
        set_unit_axes(axis)

    share = f"Share that is {targets[0].name}" if len(targets) == 1 else "Share of the class"
    labels = ("Score (predicted probability)", share)
    return _draw_panels(table, targets, draw, frame, labels, path)


def draw_decision(table: pd.DataFrame, targets: list[Target], path: Path) -> Path:
    """Draw decision curves: the net benefit of each arm at each threshold.

    Parameters
    ----------
    table : DataFrame
        The predictions of one scheme, with `repeat`.
    targets : list of Target
        The classes, each with a block of panels.
    path : Path
        The file.

    Returns
    -------
    Path
        The file.
    """
    thresholds = np.linspace(0.01, 0.99, 99)

    def draw(
        axis: Axes, rows: pd.DataFrame, arm: str, target: Target, style: dict, with_band: bool
    ) -> None:
        truth = (rows["label"] == target.name).to_numpy()
        net_benefits = net_benefit_curve(rows["score"].to_numpy(), truth, thresholds)
        axis.plot(thresholds, net_benefits, label=_line_label(arm), **style)

    def frame(axis: Axes, target: Target) -> None:
        truth = (table["label"] == target.name).to_numpy()
        prevalence = truth.mean()
        all_positive = net_benefit_curve(np.ones(len(truth)), truth, thresholds)
        axis.plot(thresholds, all_positive, color=MUTED, lw=0.8, label="call all positive")
        axis.axhline(0, color=INK, lw=0.8)
        axis.set(xlim=(0, 1), ylim=(-0.25 * prevalence, 1.1 * prevalence))
        axis.set_xticks([0, 0.5, 1], ["0", ".5", "1"])
        axis.locator_params(axis="y", nbins=4)
        axis.yaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("0.", "."))

    return _draw_panels(table, targets, draw, frame, ("Threshold", "Net benefit"), path)


def _draw_panels(
    table: pd.DataFrame,
    targets: list[Target],
    draw: Callable[[Axes, pd.DataFrame, str, Target, dict[str, Any], bool], None],
    frame: Callable[[Axes, Target], None],
    labels: tuple[str, str],
    path: Path,
) -> Path:
    """Draw a block of panels for each target.

    Parameters
    ----------
    table : DataFrame
        The predictions of one scheme.
    targets : list of Target
        The classes.
    draw : callable
        Draws the line of an arm from its rows, the arm, the target, the style of the line and
        whether it has a band.
    frame : callable
        Draws the axes of a panel.
    labels : tuple of str
        The labels of the x and the y axis.
    path : Path
        The file.

    Returns
    -------
    Path
        The file.
    """
    groups = panels(list(table["arm"].unique()))
    with figure_style():
        figure, axes = panel_grid({target.heading: len(groups) for target in targets})
        next_axes = iter(axes)
        for target in targets:
            tables = dict(list(target.scores(table).groupby("arm")))
            for i, (title, arms) in enumerate(groups):
                axis = next(next_axes)
                frame(axis, target)
                if REFERENCE in tables and title != "Baselines":
                    dotted = {"color": MUTED, "lw": 1, "ls": ":", "zorder": 1}
                    draw(axis, tables[REFERENCE], REFERENCE, target, dotted, False)
                for j, name in enumerate(arms):
                    arm = Arm.parse(name)
                    resampling = "" if arm.family == "sets" else arm.resampling
                    colour = RESAMPLING_COLOURS.get(resampling, CYCLE[j % len(CYCLE)])
                    with_band = j == 0 and title != "Baselines"
                    draw(axis, tables[name], name, target, {"color": colour, "lw": 1.3}, with_band)
                axis.set(title=title, xlabel=labels[0], ylabel="" if i % 4 else labels[1])
                axis.legend(
                    loc="upper left",
                    bbox_to_anchor=(-0.04, -0.22),
                    borderaxespad=0,
                    handlelength=1.3,
                    labelspacing=0.25,
                )
        return save(figure, path)


def interval_texts(rows: pd.DataFrame) -> dict[str, str]:
    """Write each arm's AUC as "0.87 (0.60–1.00)", from metrics with one row for each arm."""
    return {arm: with_interval(*interval) for arm, interval in intervals_by_arm(rows).items()}


def _line_label(name: str) -> str:
    """The name of an arm's line within its panel."""
    arm = Arm.parse(name)
    if arm.family == "sets":
        return arm.feature_sets
    if not arm.resampling:
        return MODEL_LABELS.get(name, arm.model_title)
    return RESAMPLING_LABELS.get(arm.resampling) or arm.title.rsplit(", ", 1)[-1]
