"""Panels of curves: one panel for each model, one line for each resampling.

No arm stands out: the best arm of the test set need not be the best. Every panel also has the
curve of lesion volume alone as a dotted line, to compare the arms with size.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from livermets.evaluation.evaluate import REFERENCE
from livermets.evaluation.scored_arms import ScoredArm
from livermets.report.figures.bands import no_band_reason
from livermets.report.figures.style import (
    CYCLE,
    MUTED,
    RESAMPLING_COLOURS,
    figure_style,
    panel_grid,
    save,
)
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
BASELINES = "Baselines"
COLUMNS, HEIGHT = 3, 3.15  # panels in a row; inches of a panel with its legend


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


def class_targets(classes: list[str], positive: str) -> list[Target]:
    """List the classes that have curves: the positive one of two, or each of three or more."""
    if len(classes) == 2:
        return [Target(positive, "")]
    return [Target(name, name) for name in classes]


def panels(arms: list[str]) -> list[tuple[str, list[str]]]:
    """Divide the arms into panels with a title: by model, by choice of feature sets, baselines."""
    arms_by_title: dict[str, list[str]] = {}
    for name in sorted(arms, key=Arm.parse):
        arm = Arm.parse(name)
        if arm.family == "baseline":
            title = BASELINES
        elif arm.family == "sets":
            title = f"{arm.plain.model_title}, sets"
        else:
            title = PANEL_TITLES.get(str(arm.by_mean), arm.by_mean.model_title)
        arms_by_title.setdefault(title, []).append(name)
    return list(arms_by_title.items())


@dataclass(frozen=True)
class Line:
    """One arm's line in a panel.

    Parameters
    ----------
    axis : Axes
        The panel.
    scored : ScoredArm
        What the arm scored.
    target : Target
        The class that counts as positive.
    style : dict
        Colour and width of the line, as matplotlib takes them.
    with_band : bool
        Whether the line has a band: the first arm of a panel that has enough patients.
    """

    axis: Axes
    scored: ScoredArm
    target: Target
    style: dict[str, Any]
    with_band: bool

    @property
    def label(self) -> str:
        """The name of the line within its panel."""
        arm = Arm.parse(self.scored.arm)
        if arm.family == "sets":
            return arm.feature_sets
        if arm.pooling:
            return arm.pooling_title
        if not arm.resampling:
            return MODEL_LABELS.get(self.scored.arm, arm.model_title)
        return RESAMPLING_LABELS.get(arm.resampling) or arm.title.rsplit(", ", 1)[-1]

    @property
    def is_reference(self) -> bool:
        """Whether this is the dotted line of lesion volume alone."""
        return self.style.get("ls") == ":"

    def note(self, text: str) -> None:
        """Add a line of text to the legend of the panel."""
        self.axis.plot([], [], ls="", label=text)

    def shade(self, x: Any, low: Any, high: Any) -> None:
        """Shade the band of the line."""
        self.axis.fill_between(x, low, high, color=self.style["color"], alpha=0.13, lw=0)


@dataclass(frozen=True)
class Axis:
    """How the panels of a figure look without their lines.

    Parameters
    ----------
    frame : callable
        Draws the axes of a panel and what does not depend on an arm.
    xlabel : str
        Label below each panel.
    ylabel : str
        Label beside the first panel of each row.
    """

    frame: Callable[[Axes, Target], None]
    xlabel: str
    ylabel: str


def draw_panels(
    scored: Mapping[str, ScoredArm],
    targets: list[Target],
    draw: Callable[[Line], None],
    look: Axis,
    path: Path,
    caption: str,
) -> Path:
    """Draw a block of panels for each target.

    Parameters
    ----------
    scored : mapping of str to ScoredArm
        Arm -> what it scored, in one scheme at one level.
    targets : list of Target
        The classes.
    draw : callable
        Draws one line.
    look : Axis
        The panels without their lines.
    path : Path
        The file.
    caption : str
        The caption.

    Returns
    -------
    Path
        The file.
    """
    groups = panels(list(scored))
    with figure_style():
        figure, axes = panel_grid(
            {target.heading: len(groups) for target in targets}, COLUMNS, HEIGHT
        )
        next_axes = iter(axes)
        for target in targets:
            for i, (title, arms) in enumerate(groups):
                axis = next(next_axes)
                look.frame(axis, target)
                _draw_lines(axis, scored, target, title, arms, draw)
                ylabel = "" if i % COLUMNS else look.ylabel
                axis.set(title=title, xlabel=look.xlabel, ylabel=ylabel)
                _add_legend(axis)
        return save(figure, path, caption)


def _draw_lines(
    axis: Axes,
    scored: Mapping[str, ScoredArm],
    target: Target,
    title: str,
    arms: list[str],
    draw: Callable[[Line], None],
) -> None:
    """Draw lesion volume alone, then the arms of a panel, the first one with its band."""
    if REFERENCE in scored and title != BASELINES:
        dotted = {"color": MUTED, "lw": 1, "ls": ":", "zorder": 1}
        draw(Line(axis, scored[REFERENCE], target, dotted, with_band=False))
    for j, name in enumerate(arms):
        arm = Arm.parse(name)
        resampling = "" if arm.family == "sets" or arm.pooling else arm.resampling
        style = {"color": RESAMPLING_COLOURS.get(resampling, CYCLE[j % len(CYCLE)]), "lw": 1.3}
        asked = j == 0 and title != BASELINES
        reason = no_band_reason(scored[name], target.name) if asked else ""
        line = Line(axis, scored[name], target, style, with_band=asked and not reason)
        draw(line)
        if reason:
            line.note(reason)


def _add_legend(axis: Axes) -> None:
    axis.legend(
        loc="upper left",
        bbox_to_anchor=(-0.04, -0.22),
        borderaxespad=0,
        handlelength=1.3,
        labelspacing=0.25,
    )
