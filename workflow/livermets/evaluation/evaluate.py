"""The metrics table: every metric of every arm, with its interval over patients.

All is computed from the prediction tables; nothing here knows a model. In a cross-validation the
metrics of the repeats are averaged. With three or more classes, each class is also measured against
the rest.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from livermets.evaluation import metrics
from livermets.evaluation.levels import levels_of
from livermets.evaluation.metric_intervals import bounds_or_reason
from livermets.evaluation.multiclass import measure_classes
from livermets.evaluation.scored_arms import (
    DEFAULT_THRESHOLD,
    ScoredArm,
    ScoredRepeat,
    arm_tables,
    scored_arms,
)
from livermets.study.arms import baseline_arm
from livermets.study.names import lesion_key

REFERENCE = baseline_arm("volume")
COLUMNS = (
    "arm",
    "scheme",
    "level",
    "class",
    "metric",
    "value",
    "low",
    "high",
    "no_interval",
    "n_patients",
    "n_effective",
    "n_lesions",
    "n_positive",
    "n_splits",
    "threshold",
)


def evaluate(
    predictions: pd.DataFrame,
    classes: list[str],
    positive: str,
    threshold: float | str = DEFAULT_THRESHOLD,
    splits: pd.DataFrame | None = None,
    levels: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Compute the metrics of every arm, scheme and level, each with its 95 % interval.

    Parameters
    ----------
    predictions : DataFrame
        arm, split, patient, lesion, label, score; with three or more classes also score_CLASS of
        each, the highest of which is called.
    classes : list of str
        Class names.
    positive : str
        The class that `score` is the probability of.
    threshold : float or str
        A score of at least this is a positive call. "youden" takes each arm's own threshold, chosen
        on training patients, from the column `threshold`, and 0.5 where an arm has none.
    splits : DataFrame, optional
        split, patient, role; if given, a row outside the test part is refused.
    levels : sequence of str, optional
        The levels that are measured; by default all that the predictions allow (`levels_of`).

    Returns
    -------
    DataFrame
        The columns `COLUMNS`. `class` is empty where the metric is that of `positive` against the
        other of two classes, or of three or more together; otherwise it names the class that is
        measured against the rest. `no_interval` says in words why there is no interval.
        `n_effective` is the smaller class's effective number of patients
        (`jackknife.PatientSample`). `n_positive` counts lesions, at the patient level patients.
        `threshold` is the mean one.

    Raises
    ------
    BadInput
        Naming the arm and the error.
    """
    tables = arm_tables(predictions, classes, positive, splits)
    levels = levels_of(predictions) if levels is None else levels
    rows = []
    for scored in scored_arms(tables, classes, positive, threshold, levels):
        record = _record(scored)
        for class_name, values in _mean_over_repeats(scored).items():
            target = class_name or (positive if len(classes) == 2 else None)
            record["n_positive"] = _count_positive(scored, target or positive)
            sample = scored.sample(target)
            area = float(np.nan_to_num(values["auc"][0], nan=0.5))
            for metric, metric_values in values.items():
                interval = sample.interval(metric, metric_values, area)
                bounds, reason = bounds_or_reason(sample, metric, interval)
                rows.append(
                    record
                    | {"class": class_name, "metric": metric, "value": interval.estimate.value}
                    | {"low": bounds.low, "high": bounds.high, "no_interval": reason}
                )
    return pd.DataFrame(rows)[list(COLUMNS)]


def _record(scored: ScoredArm) -> dict[str, Any]:
    """Names of an arm, scheme and level, counts of what was tested, and the mean threshold."""
    table = scored.table
    return {
        "arm": scored.arm,
        "scheme": scored.scheme,
        "level": scored.level,
        "n_patients": table["patient"].nunique(),
        "n_effective": min(scored.tested.at_level(scored.level).effective_numbers().values()),
        "n_lesions": len(table.drop_duplicates(lesion_key(table))),
        "n_splits": table["split"].nunique(),
        "threshold": float(np.mean([repeat.threshold for repeat in scored.repeats])),
    }


def _count_positive(scored: ScoredArm, class_name: str) -> int:
    """Number of tested lesions (at the patient level, patients) of a class."""
    unit = ["patient"] if scored.level == "patient" else lesion_key(scored.table)
    return int((scored.table.drop_duplicates(unit)["label"] == class_name).sum())


def _mean_over_repeats(scored: ScoredArm) -> dict[str, dict[str, np.ndarray]]:
    """Class ("" for all together) -> metric -> values, averaged over the repeats."""
    repeats = [_measure_repeat(repeat, scored.tested.counts) for repeat in scored.repeats]
    return {
        class_name: {
            metric: np.mean([values[class_name][metric] for values in repeats], axis=0)
            for metric in metrics.METRICS
        }
        for class_name in repeats[0]
    }


def _measure_repeat(repeat: ScoredRepeat, counts: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """Class ("" for all together) -> metric -> values, of one repeat."""
    if len(repeat.rows) == 1:
        (rows,) = repeat.rows.values()
        return {"": metrics.measure(rows, counts, repeat.risk_threshold)}
    per_class, macro = measure_classes(list(repeat.rows.values()), counts, repeat.risk_threshold)
    return {"": macro} | dict(zip(repeat.rows, per_class, strict=True))
