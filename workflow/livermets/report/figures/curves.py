"""ROC, calibration and decision curves: one panel a model, one line a way of resampling.

No arm is singled out: the best on the test set is not known to be the best. Every panel shows
lesion volume alone as a dotted line, so that what goes beyond size can be seen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from livermets.core.seeds import derive_seed
from livermets.evaluation import bootstrap
from livermets.evaluation.evaluate import REFERENCE
from livermets.evaluation.resamples import patient_draws
from livermets.report.figures.style import (
    CYCLE,
    FAINT,
    INK,
    MUTED,
    WAY_COLOURS,
    grid,
    save,
    styled,
    unit_axes,
)
from livermets.report.formatting import number, with_interval
from livermets.study.arms import SELECTED, Arm

GRID = np.linspace(0, 1, 201)
TITLES = {SELECTED: "Selected inside"}  # as wide as a panel


def panels(arms: list[str]) -> list[tuple[str, list[str]]]:
    """Title and arms of each panel: a model's arms; its choices of feature sets; the baselines."""
    found: dict[str, list[str]] = {}
    for arm in sorted(arms, key=Arm.parse):
        title = (
            "Baselines"
            if Arm.parse(arm).family == "baseline"
            else TITLES.get(arm, Arm.parse(arm).model_title)
        )
        if Arm.parse(arm).family == "sets":
            title = f"{Arm.parse(arm).plain.model_title}, sets"
        found.setdefault(title, []).append(arm)
    return list(found.items())


@dataclass(frozen=True)
class Target:
    """A class whose curves are drawn against the rest, and its key in the metrics table."""

    name: str
    key: str  # "" for the positive one of two classes

    @property
    def heading(self) -> str:
        """The heading of the class's panels; "" for two classes."""
        return f"{self.key} against the rest" if self.key else ""

    def scores(self, table: pd.DataFrame) -> pd.DataFrame:
        """The predictions with this class's probability as `score`."""
        return table.assign(score=table[f"score_{self.key}"]) if self.key else table


def targets(classes: list[str], positive: str) -> list[Target]:
    """The positive class of two; each of three or more."""
    if len(classes) == 2:
        return [Target(positive, "")]
    return [Target(name, name) for name in classes]


def draw_roc(
    table: pd.DataFrame,
    metrics: pd.DataFrame,
    wanted: list[Target],
    draws: int,
    seed: int,
    path: Path,
) -> Path:
    """ROC curves over lesions with the 95 % band (patients drawn) of each panel's first arm.

    table : predictions of one scheme, with `repeat`; curves of repeats are averaged vertically
    metrics : the scheme's metrics at the lesion level, for the legend
    wanted : the classes, each with a block of panels
    """
    text = {one.key: interval_texts(metrics[metrics["class"] == one.key], "auc") for one in wanted}

    def draw(
        axis: Axes, rows: pd.DataFrame, arm: str, one: Target, style: dict, first: bool
    ) -> None:
        label = f"{_line(arm)}  {text[one.key].get(arm, '')}"
        axis.plot(GRID, roc(rows, one.name), label=label, **style)
        if first:
            low, high = roc_band(rows, one.name, draws, derive_seed(seed, "roc band"))
            axis.fill_between(GRID, low, high, color=style["color"], alpha=0.13, lw=0)

    def frame(axis: Axes, one: Target) -> None:
        axis.plot([0, 1], [0, 1], color=FAINT, lw=0.8, zorder=0)
        unit_axes(axis)

    labels = ("1 − specificity", "Sensitivity")
    return _draw_panels(table, wanted, draw, frame, labels, path)


def draw_calibration(
    table: pd.DataFrame, metrics: pd.DataFrame, wanted: list[Target], path: Path
) -> Path:
    """Observed share of a class against its score, in ten equally filled groups."""
    slopes = metrics[metrics["metric"] == "calibration_slope"].set_index(["class", "arm"])["value"]

    def draw(
        axis: Axes, rows: pd.DataFrame, arm: str, one: Target, style: dict, first: bool
    ) -> None:
        x, y = calibration(rows["score"].to_numpy(), (rows["label"] == one.name).to_numpy())
        slope = number(slopes.get((one.key, arm), np.nan))
        label = _line(arm) + (f"  slope {slope}" if slope != "–" else "")
        axis.plot(x, y, marker="o", ms=2.5, label=label, **style)

    def frame(axis: Axes, one: Target) -> None:
        axis.plot([0, 1], [0, 1], color=FAINT, lw=0.8, zorder=0)
        unit_axes(axis)

    share = f"Share that is {wanted[0].name}" if len(wanted) == 1 else "Share of the class"
    return _draw_panels(table, wanted, draw, frame, ("Score (predicted probability)", share), path)


def draw_decision(table: pd.DataFrame, wanted: list[Target], path: Path) -> Path:
    """Net benefit against the threshold, with calling every lesion positive, and none."""
    thresholds = np.linspace(0.01, 0.99, 99)

    def draw(
        axis: Axes, rows: pd.DataFrame, arm: str, one: Target, style: dict, first: bool
    ) -> None:
        truth = (rows["label"] == one.name).to_numpy()
        benefit = net_benefit(rows["score"].to_numpy(), truth, thresholds)
        axis.plot(thresholds, benefit, label=_line(arm), **style)

    def frame(axis: Axes, one: Target) -> None:
        truth = (table["label"] == one.name).to_numpy()
        share, everyone = truth.mean(), net_benefit(np.ones(len(truth)), truth, thresholds)
        axis.plot(thresholds, everyone, color=MUTED, lw=0.8, label="call all positive")
        axis.axhline(0, color=INK, lw=0.8)
        axis.set(xlim=(0, 1), ylim=(-0.25 * share, 1.1 * share))
        axis.set_xticks([0, 0.5, 1], ["0", ".5", "1"])
        axis.locator_params(axis="y", nbins=4)
        axis.yaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("0.", "."))

    return _draw_panels(table, wanted, draw, frame, ("Threshold", "Net benefit"), path)


def _draw_panels(
    table: pd.DataFrame,
    wanted: list[Target],
    draw: Callable[[Axes, pd.DataFrame, str, Target, dict, bool], None],
    frame: Callable[[Axes, Target], None],
    labels: tuple[str, str],
    path: Path,
) -> Path:
    groups = panels(list(table["arm"].unique()))
    with styled():
        figure, axes = grid({one.heading: len(groups) for one in wanted})
        places = iter(axes)
        for one in wanted:
            tables = dict(list(one.scores(table).groupby("arm")))
            for i, (title, arms) in enumerate(groups):
                axis = next(places)
                frame(axis, one)
                if REFERENCE in tables and title != "Baselines":
                    dotted = {"color": MUTED, "lw": 1, "ls": ":", "zorder": 1}
                    draw(axis, tables[REFERENCE], REFERENCE, one, dotted, False)
                for j, arm in enumerate(arms):
                    way = "" if Arm.parse(arm).family == "sets" else Arm.parse(arm).resampling
                    style = {"color": WAY_COLOURS.get(way, CYCLE[j % len(CYCLE)]), "lw": 1.3}
                    draw(axis, tables[arm], arm, one, style, j == 0 and title != "Baselines")
                axis.set(title=title, xlabel=labels[0], ylabel="" if i % 4 else labels[1])
                axis.legend(
                    loc="upper left",
                    bbox_to_anchor=(-0.04, -0.22),
                    borderaxespad=0,
                    handlelength=1.3,
                    labelspacing=0.25,
                )
        return save(figure, path)


def roc(rows: pd.DataFrame, positive: str) -> np.ndarray:
    """Sensitivity at each false positive rate of `GRID`, averaged over repeats."""
    curves = []
    for _, part in rows.groupby("repeat"):
        truth = (part["label"] == positive).to_numpy(float)
        curves.append(_sensitivity(part["score"].to_numpy(), truth, np.ones((1, len(part))))[0])
    return np.mean(curves, axis=0)


def roc_band(
    rows: pd.DataFrame, positive: str, draws: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Pointwise 95 % band of the curve over draws of patients; NaN from one patient a class."""
    drawn = patient_draws(rows, draws, seed, "roc")
    if drawn.sample_size("lesion").degrees_of_freedom < 1:
        return np.full_like(GRID, np.nan), np.full_like(GRID, np.nan)
    counts = drawn.counts[1:]
    curves = []
    for _, part in rows.groupby("repeat"):
        patient = pd.Index(drawn.patients).get_indexer(part["patient"])
        truth = (part["label"] == positive).to_numpy(float)
        curves.append(_sensitivity(part["score"].to_numpy(), truth, counts[:, patient]))
    low, high = np.nanquantile(
        np.mean(curves, axis=0), bootstrap.quantiles(drawn.sample_size("lesion")), axis=0
    )
    return low, high


def _sensitivity(score: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """ROC curves (draws, len(GRID)) for weights (draws, rows); ties make slanted pieces."""
    order = np.argsort(-score, kind="stable")
    last = np.flatnonzero(np.r_[np.diff(score[order]) != 0, True])
    true = np.cumsum(weights[:, order] * truth[order], axis=1)[:, last]
    false = np.cumsum(weights[:, order] * (1 - truth[order]), axis=1)[:, last]
    curves = np.full((len(weights), len(GRID)), np.nan)
    for draw, (tp, fp) in enumerate(zip(true, false, strict=True)):
        if tp[-1] > 0 and fp[-1] > 0:
            curves[draw] = np.interp(GRID, np.r_[0, fp / fp[-1]], np.r_[0, tp / tp[-1]])
    return curves


def calibration(score: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean score and share of the truth (bool) in ten groups of equal size, fewer with ties.

    Equal scores stay together.
    """
    edges = np.unique(np.quantile(score, np.linspace(0, 1, 11)))
    group = np.clip(np.searchsorted(edges, score, "right") - 1, 0, max(len(edges) - 2, 0))
    groups = [group == g for g in np.unique(group)]
    return np.array([score[g].mean() for g in groups]), np.array([truth[g].mean() for g in groups])


def net_benefit(score: np.ndarray, truth: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Share of true calls less that of false ones at the threshold's odds, at each threshold.

    Vickers & Elkin 2006, doi:10.1177/0272989X06295361.
    """
    called = score[None] >= thresholds[:, None]
    odds = thresholds / (1 - thresholds)
    return (called & truth).mean(1) - odds * (called & ~truth).mean(1)


def interval_texts(metrics: pd.DataFrame, metric: str) -> dict[str, str]:
    """Arm -> "0.87 (0.60–1.00)" of one metric in metrics of one scheme and level."""
    rows = metrics[metrics["metric"] == metric]
    return {r.arm: with_interval(r.value, r.low, r.high) for r in rows.itertuples()}


def _line(arm: str) -> str:
    """A line's name within its panel."""
    if Arm.parse(arm).family == "sets":
        return Arm.parse(arm).feature_sets
    way = Arm.parse(arm).resampling
    return {"none": "as is", "undersample": "undersampled", "weights": "weighted"}.get(way) or (
        Arm.parse(arm).title.rsplit(", ", 1)[-1] if way else _short(arm)
    )


def _short(arm: str) -> str:
    names = {
        SELECTED: "selected",
        "baseline_majority": "majority",
        "baseline_volume": "volume alone",
        "baseline_burden": "burden + count",
        "baseline_clinical": "clinical",
        "baseline_radiomics_clinical": "radiomics + clinical",
    }
    return names.get(arm, Arm.parse(arm).model_title)
