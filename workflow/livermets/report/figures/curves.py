"""ROC, calibration and decision curves of every arm of a scheme."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from livermets.evaluation.scored_arms import ScoredArm
from livermets.report.figures.bands import class_sizes
from livermets.report.figures.calibration_points import (
    LEAST_PATIENTS,
    calibration_band,
    calibration_curve,
)
from livermets.report.figures.decision_points import (
    THRESHOLDS,
    decision_band,
    decision_curve,
    net_benefit,
)
from livermets.report.figures.panels import Axis, Line, Target, draw_panels
from livermets.report.figures.roc_points import FPR_GRID, roc_band, roc_curve
from livermets.report.figures.style import FAINT, INK, MUTED, set_unit_axes
from livermets.report.formatting import intervals_by_arm, number, with_interval

ROC_CAPTION = (
    "ROC curves by {level}. A scheme with several splits has the mean of the curves of its "
    "splits, weighted by their pairs, so that its area is the AUC of the table. The band is the "
    "95 % interval of each point of the first curve. Dotted: lesion volume alone."
)
CALIBRATION_CAPTION = (
    "Observed share against score by {level}: a local linear regression with its 95 % interval at "
    "each point for the first arm, over the scores that occur. Bars: number of {level}s with this "
    "score, upwards of the class, downwards of the others. Calibrated probabilities lie on the "
    "diagonal and have slope 1. Resampling changes the probabilities by design. Fewer than 10 "
    "patients of a class have no curve."
)
DECISION_CAPTION = (
    "Net benefit, by {level}, of treating predictions as positive at each threshold, compared "
    "with calling every {level} positive (grey) or none (zero); the band is that of the first "
    "arm. "
)
MANY_LESIONS = " Patients with many lesions decide the form of these curves."
HISTOGRAM_BINS = np.linspace(0, 1, 41)
HISTOGRAM_HEIGHT = 0.09  # of the tallest bar, in shares of the panel's y axis


def draw_roc(
    scored: Mapping[str, ScoredArm],
    metrics: pd.DataFrame,
    targets: list[Target],
    seed: int,
    path: Path,
) -> Path:
    """Draw ROC curves with the 95 % band of the first arm of each panel.

    Parameters
    ----------
    scored : mapping of str to ScoredArm
        Arm -> what it scored, in one scheme at one level.
    metrics : DataFrame
        The metrics of the same scheme and level, for the legend.
    targets : list of Target
        The classes, each with a block of panels.
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

    def draw(line: Line) -> None:
        text = texts[line.target.key].get(line.scored.arm, "")
        curve = roc_curve(line.scored, line.target.name)
        if curve is None:
            line.axis.plot([], [], label=f"{line.label}  not defined", **line.style)
            return
        points = (curve.false_positive_rate, curve.sensitivity)
        line.axis.plot(*points, label=f"{line.label}  {text}", **line.style)
        if line.with_band:
            band = roc_band(line.scored, line.target.name, seed)
            line.shade(FPR_GRID, band.low, band.high)

    look = Axis(_frame_with_diagonal, "1 − specificity", "Sensitivity")
    caption = _by_level(ROC_CAPTION, scored)
    caption += MANY_LESIONS if "by lesion" in caption else ""
    return draw_panels(scored, targets, draw, look, path, caption)


def draw_calibration(
    scored: Mapping[str, ScoredArm],
    metrics: pd.DataFrame,
    targets: list[Target],
    seed: int,
    path: Path,
) -> Path:
    """Draw smooth calibration curves: the share of a class against its score.

    There is no curve with fewer than `LEAST_PATIENTS` effective patients of a class. The first arm
    of each panel has a 95 % band and, at the bottom, a histogram of its scores: of
    the class upwards, of all others downwards.

    Parameters
    ----------
    scored : mapping of str to ScoredArm
        Arm -> what it scored, in one scheme at one level.
    metrics : DataFrame
        The metrics of the same scheme and level, for the slope in the legend.
    targets : list of Target
        The classes, each with a block of panels.
    seed : int
        The study's seed.
    path : Path
        The file.

    Returns
    -------
    Path
        The file.
    """
    slopes = metrics[metrics["metric"] == "calibration_slope"].set_index(["class", "arm"])["value"]
    with_histogram: set[Axes] = set()

    def draw(line: Line) -> None:
        few = min(class_sizes(line.scored, line.target.name)) < LEAST_PATIENTS
        if not line.is_reference and line.axis not in with_histogram:
            with_histogram.add(line.axis)
            _draw_histogram(line)
            if few:
                line.note("no curve: too few patients")
        if few:
            return
        slope = number(slopes.get((line.target.key, line.scored.arm), np.nan))
        label = line.label + (f"  slope {slope}" if slope != "–" else "")
        scores, share = calibration_curve(line.scored, line.target.name)
        marker: dict[str, Any] = {"marker": "o", "ms": 3} if len(scores) == 1 else {}
        line.axis.plot(scores, share, label=label, **line.style, **marker)
        if line.with_band:
            band = calibration_band(line.scored, line.target.name, seed)
            line.shade(scores, band.low, band.high)

    def frame(axis: Axes, target: Target) -> None:
        _frame_with_diagonal(axis, target)
        axis.set_ylim(-2.4 * HISTOGRAM_HEIGHT, 1.02)

    share = f"Share that is {targets[0].name}" if len(targets) == 1 else "Share of the class"
    look = Axis(frame, "Score (predicted probability)", share)
    return draw_panels(scored, targets, draw, look, path, _by_level(CALIBRATION_CAPTION, scored))


def draw_decision(
    scored: Mapping[str, ScoredArm],
    targets: list[Target],
    prevalences: Mapping[str, float],
    seed: int,
    path: Path,
    prevalence_note: str,
) -> Path:
    """Draw decision curves: the net benefit of each arm at each threshold.

    Parameters
    ----------
    scored : mapping of str to ScoredArm
        Arm -> what it scored, in one scheme at one level.
    targets : list of Target
        The classes, each with a block of panels.
    prevalences : mapping of str to float
        Class -> share of its patients at which net benefit is computed.
    seed : int
        The study's seed.
    path : Path
        The file.
    prevalence_note : str
        What the caption says about these shares.

    Returns
    -------
    Path
        The file.
    """

    def draw(line: Line) -> None:
        prevalence = prevalences[line.target.name]
        benefits = decision_curve(line.scored, line.target.name, prevalence)
        line.axis.plot(THRESHOLDS, benefits, label=line.label, **line.style)
        if line.with_band:
            band = decision_band(line.scored, line.target.name, prevalence, seed)
            line.shade(THRESHOLDS, band.low, band.high)

    def frame(axis: Axes, target: Target) -> None:
        prevalence = prevalences[target.name]
        everyone = np.ones_like(THRESHOLDS)
        all_positive = net_benefit(everyone, 0 * everyone, prevalence)
        axis.plot(THRESHOLDS, all_positive, color=MUTED, lw=0.8, label="call all positive")
        axis.axhline(0, color=INK, lw=0.8)
        axis.set(xlim=(0, 1), ylim=(-0.25 * prevalence, 1.1 * prevalence))
        axis.set_xticks([0, 0.5, 1], ["0", ".5", "1"])
        axis.locator_params(axis="y", nbins=4)
        axis.yaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("0.", "."))

    at = f" at {prevalences[targets[0].name]:.0%} prevalence" if len(targets) == 1 else ""
    look = Axis(frame, "Threshold", f"Net benefit{at}")
    caption = _by_level(DECISION_CAPTION, scored) + prevalence_note
    return draw_panels(scored, targets, draw, look, path, caption)


def _by_level(caption: str, scored: Mapping[str, ScoredArm]) -> str:
    """A caption with the level of the scored arms in its place."""
    return caption.format(level=next(iter(scored.values())).level)


def interval_texts(rows: pd.DataFrame) -> dict[str, str]:
    """Write each arm's AUC as "0.87 (0.60–1.00)", from metrics with one row for each arm."""
    return {arm: with_interval(*interval) for arm, interval in intervals_by_arm(rows).items()}


def _frame_with_diagonal(axis: Axes, target: Target) -> None:
    axis.plot([0, 1], [0, 1], color=FAINT, lw=0.8, zorder=0)
    set_unit_axes(axis)


def _draw_histogram(line: Line) -> None:
    """Draw the scores of the class upwards and those of all others downwards from one line."""
    rows = [repeat.rows[line.target.name] for repeat in line.scored.repeats]
    score = np.concatenate([part.score for part in rows])
    positive = np.concatenate([part.positive for part in rows])
    numbers = [np.histogram(score[truth], HISTOGRAM_BINS)[0] for truth in (positive, ~positive)]
    scale = HISTOGRAM_HEIGHT / max(1, *(number.max() for number in numbers))
    base = -1.25 * HISTOGRAM_HEIGHT
    line.axis.axhline(base, color=FAINT, lw=0.5)
    for sign, heights, colour in zip((1, -1), numbers, (line.style["color"], MUTED), strict=True):
        line.axis.bar(
            HISTOGRAM_BINS[:-1], sign * heights * scale, np.diff(HISTOGRAM_BINS), bottom=base,
            align="edge", color=colour, lw=0, alpha=0.6,
        )  # fmt: skip
