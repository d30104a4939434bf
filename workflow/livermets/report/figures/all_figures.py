"""All figures of the study, under the names that `livermets.study.outputs.figure_names` gives."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from livermets.evaluation.levels import headline_level
from livermets.evaluation.scored_arms import ScoredArm, arm_tables, scored_arms
from livermets.predictions.predictions_table import with_scheme
from livermets.report.figures.by_size import draw_by_size
from livermets.report.figures.confusion import draw_confusion
from livermets.report.figures.curves import draw_calibration, draw_decision, draw_roc
from livermets.report.figures.decision_points import class_prevalences, prevalence_caption
from livermets.report.figures.forest import draw_forest
from livermets.report.figures.lesions import draw_examples, draw_lesion_map
from livermets.report.figures.main_result import draw_main_result
from livermets.report.figures.panels import Target, class_targets
from livermets.report.figures.style import draw_message
from livermets.report.figures.subgroups import draw_subgroups
from livermets.report.figures.training_curves import draw_training_curves
from livermets.report.flow_diagram import draw_flow
from livermets.study.names import lesion_key
from livermets.study.outputs import figure_names


@dataclass(frozen=True)
class FigureData:
    """The tables and settings that the figures are drawn from.

    Parameters
    ----------
    predictions : DataFrame
        As `livermets.predictions.predictions_table.read_predictions` returns it.
    metrics : DataFrame
        As `livermets.evaluation.evaluate.evaluate` returns it.
    confusion : DataFrame
        As `livermets.evaluation.confusion.confusion` returns it.
    cohort : DataFrame
        One row for each patient, as `read_cohort` gives it.
    splits : DataFrame
        split, patient, role.
    schemes : sequence of str
        The schemes; one without predictions gets figures that say so.
    classes : list of str
        Class names.
    positive : str
        The class that `score` is the probability of.
    primary : sequence of two str or None
        Arm and reference of the primary comparison.
    threshold : float or str
        The threshold of the score, or "youden".
    seed : int
        The study's seed.
    target_prevalence : float or None
        Share of positive patients at which decision curves are drawn; None: that of the cohort.
    subgroups : DataFrame or None
        As `livermets.evaluation.subgroups.measure_subgroups` returns it; None where they were not
        measured.
    by_size : DataFrame or None
        As `livermets.evaluation.by_size.measure_by_size` returns it; None where it was not
        measured.
    slices : sequence of Path or None
        The {scan}.npz files of lesion slices; None where the study has none.
    from_features : bool
        Whether the study started from a feature table.
    min_diameter_mm : float
        Smaller lesions were dropped.
    scans : DataFrame or None
        One row for each scan, as `read_cohort` gives it; None where each patient has one.
    training : DataFrame or None
        Losses of DenseNet-121 in each split and epoch; None where the study has none.
    """

    predictions: pd.DataFrame
    metrics: pd.DataFrame
    confusion: pd.DataFrame
    cohort: pd.DataFrame
    splits: pd.DataFrame
    schemes: Sequence[str]
    classes: list[str]
    positive: str
    primary: Sequence[str] | None = None
    threshold: float | str = 0.5
    seed: int = 2023
    target_prevalence: float | None = None
    subgroups: pd.DataFrame | None = None
    by_size: pd.DataFrame | None = None
    slices: Sequence[Path] | None = None
    from_features: bool = False
    min_diameter_mm: float = 5.0
    scans: pd.DataFrame | None = None
    training: pd.DataFrame | None = None


@dataclass(frozen=True)
class SchemeData:
    """The tables of one scheme.

    Parameters
    ----------
    scheme : str
        The scheme.
    predictions, metrics, confusion : DataFrame
        Its rows.
    study : FigureData
        The study that they are from.
    """

    scheme: str
    predictions: pd.DataFrame
    metrics: pd.DataFrame
    confusion: pd.DataFrame
    study: FigureData

    @property
    def targets(self) -> list[Target]:
        """The classes that have curves."""
        return class_targets(self.study.classes, self.study.positive)

    @property
    def level(self) -> str:
        """The level of the main result: patient, or lesion where lesions carry the label."""
        return headline_level(self.study.metrics["level"])

    def metrics_at(self, level: str) -> pd.DataFrame:
        """The metrics at a level."""
        return self.metrics[self.metrics["level"] == level]

    def scored_at(self, level: str) -> dict[str, ScoredArm]:
        """Arm -> what it scored at a level."""
        return {scored.arm: scored for scored in self._scored if scored.level == level}

    @cached_property
    def _scored(self) -> list[ScoredArm]:
        tables = arm_tables(self.predictions, self.study.classes, self.study.positive)
        return list(scored_arms(tables, self.study.classes, self.study.positive))


def _roc_at(level: str) -> Callable[[SchemeData, Path], Path]:
    def draw(data: SchemeData, path: Path) -> Path:
        if not (data.metrics["level"] == level).any():
            return draw_message(path, f"Lesions carry the label: there is no result by {level}.")
        scored, metrics = data.scored_at(level), data.metrics_at(level)
        return draw_roc(scored, metrics, data.targets, data.study.seed, path)

    return draw


def _forest(data: SchemeData, path: Path) -> Path:
    return draw_forest(data.metrics, path)


def _lesions(data: SchemeData, path: Path) -> Path:
    study = data.study
    return draw_lesion_map(data.predictions, study.classes, study.positive, study.threshold, path)


def _calibration(data: SchemeData, path: Path) -> Path:
    scored, metrics = data.scored_at(data.level), data.metrics_at(data.level)
    return draw_calibration(scored, metrics, data.targets, data.study.seed, path)


def _decision(data: SchemeData, path: Path) -> Path:
    study = data.study
    labels = study.cohort.loc[study.cohort["included"].astype(bool), "label"]
    if data.level == "lesion":
        labels = data.predictions.drop_duplicates(lesion_key(data.predictions))["label"]
    prevalences = class_prevalences(labels, study.classes, study.positive, study.target_prevalence)
    scored = data.scored_at(data.level)
    note = prevalence_caption(
        labels, study.classes, study.positive, study.target_prevalence, data.level
    )
    return draw_decision(scored, data.targets, prevalences, study.seed, path, note)


def _confusion(data: SchemeData, path: Path) -> Path:
    return draw_confusion(data.confusion, data.study.classes, path)


def _subgroups(data: SchemeData, path: Path) -> Path:
    table = data.study.subgroups
    rows = None if table is None else table[table["scheme"] == data.scheme]
    if rows is None or rows.empty:
        return draw_message(path, "No arm was measured in subgroups.")
    return draw_subgroups(rows, data.study.positive, path)


def _by_size(data: SchemeData, path: Path) -> Path:
    table = data.study.by_size
    rows = None if table is None else table[table["scheme"] == data.scheme]
    if rows is None or rows.empty:
        return draw_message(path, "The sizes of the lesions are not known.")
    return draw_by_size(rows, path)


DRAW_SCHEME: dict[str, Callable[[SchemeData, Path], Path]] = {
    "roc": _roc_at("patient"),
    "roc_lesion": _roc_at("lesion"),
    "forest": _forest,
    "confusion": _confusion,
    "lesions": _lesions,
    "calibration": _calibration,
    "decision": _decision,
    "subgroups": _subgroups,
    "by_size": _by_size,
}  # name of each figure of a scheme, as in `livermets.study.outputs`, -> function that draws it


def draw_figures(folder: Path | str, data: FigureData) -> list[Path]:
    """Draw the figures of every scheme and of the study.

    With lesion slices also example lesions and training curves.

    Parameters
    ----------
    folder : Path or str
        The folder to write to.
    data : FigureData
        What to draw.

    Returns
    -------
    list of Path
        The SVG files, in the order of `livermets.study.outputs.figure_names`.
    """
    folder = Path(folder)
    draw_flow(
        folder / "flow.svg",
        cohort=data.cohort,
        splits=data.splits,
        classes=data.classes,
        min_diameter_mm=data.min_diameter_mm,
        from_features=data.from_features,
        scans=data.scans,
    )
    draw_main_result(data.metrics, data.primary, data.classes, folder / "main_result.svg")
    predictions = with_scheme(data.predictions)
    for scheme in data.schemes:
        part = SchemeData(
            scheme,
            predictions=predictions[predictions["scheme"] == scheme],
            metrics=data.metrics[data.metrics["scheme"] == scheme],
            confusion=data.confusion[data.confusion["scheme"] == scheme],
            study=data,
        )
        for name, draw in DRAW_SCHEME.items():
            path = folder / f"{name}_{scheme}.svg"
            if part.predictions.empty:
                draw_message(path, f"No arm has predictions for {scheme}.")
            else:
                draw(part, path)
    if data.slices is not None:
        patients = data.cohort["patient"].astype(str)
        labels = dict(zip(patients, data.cohort["label"], strict=True))
        draw_examples(list(data.slices), labels, data.classes, data.seed, folder / "examples.svg")
        curves = folder / "training.svg"
        if data.training is None:
            draw_message(curves, "The losses of DenseNet-121 are not known.")
        else:
            draw_training_curves(data.training, len(data.classes), curves)
    names = figure_names(data.schemes, data.slices is not None)
    return [folder / f"{name}.svg" for name in names]
