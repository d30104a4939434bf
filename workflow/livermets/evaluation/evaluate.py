"""Every arm's metrics with intervals over patients, from the prediction tables alone.

Nothing here knows a model. Schemes are the hold-out and the cross-validation (its folds pooled
per repeat, the repeats averaged, the same patients drawn in every repeat). Three levels: a lesion
counts one; a lesion counts 1 / the patient's lesions; a patient counts one, scored by the mean of
the lesions. With three or more classes each is also measured against the rest.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from livermets.core.errors import BadInput
from livermets.core.seeds import derive
from livermets.evaluation import bootstrap, metrics
from livermets.evaluation.multiclass import measure_classes
from livermets.evaluation.resamples import Scored, scored
from livermets.predictions.predictions_table import (
    check_labels,
    check_predictions,
    check_splits,
    with_scheme,
)
from livermets.study.arms import Arm
from livermets.study.outputs import LEVELS

REFERENCE = "baseline_volume"
COLUMNS = (
    *("arm", "scheme", "level", "class", "metric", "value", "low", "high", "n_patients"),
    *("n_lesions", "n_positive", "n_splits", "threshold", "undefined_draws"),
)


def evaluate(
    predictions: pd.DataFrame,
    classes: list[str],
    positive: str,
    draws: int = 2000,
    threshold: float | str = 0.5,
    seed: int = 2023,
    splits: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Metrics of every arm, scheme and level, each with its 95 % interval.

    Parameters
    ----------
    predictions : arm, split, patient, lesion, label, score; with three or more classes also
        score_CLASS of each, the highest of which is called
    classes, positive : class names; `positive` is the one that `score` is the probability of
    draws : bootstrap draws of patients, stratified by class
    threshold : a score of at least this is a positive call; "youden" takes each arm's own, chosen
        on training patients, from the column `threshold`, and 0.5 where an arm has none
    splits : split, patient, role; where given, a row outside the test part is refused

    Returns
    -------
    arm, scheme, level, class, metric, value, low, high, n_patients, n_lesions, n_positive
    (lesions; at the patient level patients), n_splits, threshold (the mean one), undefined_draws.
    `class` is empty for the metric as such: of `positive` against the other of two classes, or of
    three or more together. It names the class that is measured against the rest.

    Raises
    ------
    BadInput : naming the arm and what is wrong
    """
    predictions = checked(predictions, classes, positive, splits)
    rows = []
    for (arm, scheme), table in by_scheme(predictions):
        drawn = redraw(table, draws, seed, scheme)
        for level in LEVELS:
            facts = {"arm": arm, "scheme": scheme, "level": level} | _facts(table)
            repeats = repeats_of(table, level, classes, positive, drawn.patients, threshold)
            facts["threshold"] = float(np.mean([r.threshold for r in repeats]))
            for name, values in _measured(repeats, drawn.counts).items():
                target = name or (positive if len(classes) == 2 else None)
                facts["n_positive"] = _positives(table, level, target or positive)
                for metric, of_draws in values.items():
                    units = drawn.units(level, metric, target)
                    span = metrics.SPAN.get(metric)
                    low, high, undefined = bootstrap.interval(of_draws[1:], units, span=span)
                    value = float(of_draws[0])
                    if np.isnan(value):
                        low = high = np.nan
                    found = {"class": name, "metric": metric, "value": value, "low": low}
                    rows.append(facts | found | {"high": high, "undefined_draws": undefined})
    return pd.DataFrame(rows)[list(COLUMNS)]


@dataclass(frozen=True)
class Drawn:
    """The tested patients of a scheme, and how often each draw of the bootstrap holds them."""

    patients: list[str]
    labels: np.ndarray  # class of each
    counts: np.ndarray  # (draws + 1, patients), the cohort itself first
    lesions: np.ndarray  # how many of each are tested

    def units(self, level: str, metric: str = "", target: str | None = None) -> bootstrap.Units:
        """What a metric rests on: sensitivity and specificity of `target` on one side alone."""
        mine = np.ones(len(self.labels), bool)
        if target is not None and metric in ("sensitivity", "specificity"):
            mine = (self.labels == target) == (metric == "sensitivity")
        weights = self.lesions if level == "lesion" else np.ones(len(self.labels))
        sizes = np.unique(self.labels[mine], return_counts=True)[1]
        fewest = int(sizes.min() if mine.all() and metric != "accuracy" else sizes.sum())
        patients = bootstrap.effective(weights[mine], self.labels[mine])
        return bootstrap.Units(patients, len(sizes), fewest)


def redraw(table: pd.DataFrame, draws: int, seed: int, scheme: str) -> Drawn:
    """The patients in order, and their draws: the same for all arms that tested the same ones."""
    label = table.drop_duplicates("patient").set_index("patient")["label"].sort_index()
    counts = bootstrap.draw_patients(label.to_numpy(), draws, derive(seed, "bootstrap", scheme))
    lesions = (
        table.drop_duplicates(["patient", "lesion"]).groupby("patient").size().loc[label.index]
    )
    return Drawn(list(label.index), label.to_numpy(str), counts, lesions.to_numpy(float))


def checked(
    predictions: pd.DataFrame, classes: list[str], positive: str, splits: pd.DataFrame | None
) -> pd.DataFrame:
    """The predictions with `scheme` and `repeat`, or BadInput saying what is wrong with them."""
    if positive not in classes:
        raise BadInput(f"positive: {positive!r} is none of the classes {', '.join(classes)}.")
    predictions = check_predictions(predictions, classes)
    check_labels(predictions)
    if splits is not None:
        check_splits(predictions, splits)
    predictions = with_scheme(predictions)
    again = predictions.duplicated(["arm", "scheme", "repeat", "patient", "lesion"])
    if again.any():
        arm, split, patient = predictions.loc[again, ["arm", "split", "patient"]].iloc[0]
        raise BadInput(
            f"predictions: arm {arm!r} tests patient {patient} in {split} and in another fold of "
            "the same repeat. A patient is tested once per repeat."
        )
    return predictions


def by_scheme(predictions: pd.DataFrame) -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
    """((arm, scheme), rows) in the order the report shows the arms."""
    groups = dict(list(predictions.groupby(["arm", "scheme"], sort=True)))
    for key in sorted(groups, key=lambda key: (key[1] != "holdout", key[1], Arm.parse(key[0]))):
        yield key, groups[key].sort_values(["repeat", "patient", "lesion"], kind="stable")


def repeats_of(
    table: pd.DataFrame,
    level: str,
    classes: list[str],
    positive: str,
    patients: list[str],
    threshold: float | str = 0.5,
) -> list[Scored]:
    """What each repeat of a cross-validation scored, at a level."""
    return [
        scored(one, level, classes, positive, patients, threshold)
        for _, one in table.groupby("repeat", sort=True)
    ]


def aucs(repeats: list[Scored], counts: np.ndarray) -> np.ndarray:
    """The AUC on every draw: the mean over the repeats, and over three or more classes."""
    areas = [metrics.auc(rows, counts) for one in repeats for rows in one.rows.values()]
    return np.mean(areas, axis=0)


def _measured(repeats: list[Scored], counts: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """Class ("" for the metric as such) -> metric -> draws, averaged over the repeats."""
    found = [_of_repeat(one, counts) for one in repeats]
    return {
        name: {
            metric: np.mean([one[name][metric] for one in found], axis=0)
            for metric in metrics.METRICS
        }
        for name in found[0]
    }


def _of_repeat(one: Scored, counts: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    if len(one.rows) == 1:
        (rows,) = one.rows.values()
        return {"": metrics.measure(rows, counts, one.risk)}
    single, together = measure_classes(list(one.rows.values()), counts, one.risk)
    return {"": together} | dict(zip(one.rows, single, strict=True))


def _facts(table: pd.DataFrame) -> dict:
    return {
        "n_patients": table["patient"].nunique(),
        "n_lesions": len(table.drop_duplicates(["patient", "lesion"])),
        "n_splits": table["split"].nunique(),
    }


def _positives(table: pd.DataFrame, level: str, positive: str) -> int:
    unit = ["patient"] if level == "patient" else ["patient", "lesion"]
    return int((table.drop_duplicates(unit)["label"] == positive).sum())
