"""The metrics table: every metric of every arm, with its interval over patients.

All is computed from the prediction tables; nothing here knows a model. In a cross-validation the
metrics of the repeats are averaged, on the same draws of patients. With three or more classes, each
class is also measured against the rest.
"""

from typing import Any

import numpy as np
import pandas as pd

from livermets.evaluation import bootstrap, metrics
from livermets.evaluation.multiclass import measure_classes
from livermets.evaluation.resamples import (
    DEFAULT_THRESHOLD,
    Resample,
    ScoredRepeat,
    arm_tables,
    resamples,
)
from livermets.study.arms import baseline_arm

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
    "n_patients",
    "n_lesions",
    "n_positive",
    "n_splits",
    "threshold",
    "undefined_draws",
)


def evaluate(
    predictions: pd.DataFrame,
    classes: list[str],
    positive: str,
    draws: int = 2000,
    threshold: float | str = DEFAULT_THRESHOLD,
    seed: int = 2023,
    splits: pd.DataFrame | None = None,
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
    draws : int
        Number of bootstrap draws of patients, stratified by class.
    threshold : float or str
        A score of at least this is a positive call. "youden" takes each arm's own threshold, chosen
        on training patients, from the column `threshold`, and 0.5 where an arm has none.
    seed : int
        The study's seed.
    splits : DataFrame, optional
        split, patient, role; if given, a row outside the test part is refused.

    Returns
    -------
    DataFrame
        The columns `COLUMNS`. `class` is empty where the metric is that of `positive` against the
        other of two classes, or of three or more together; otherwise it names the class that is
        measured against the rest. `n_positive` counts lesions, at the patient level patients.
        `threshold` is the mean one.

    Raises
    ------
    BadInput
        Naming the arm and the error.
    """
    tables = arm_tables(predictions, classes, positive, splits)
    rows = []
    for resample in resamples(tables, classes, positive, draws, seed, threshold):
        record = _record(resample)
        for class_name, values in _mean_over_repeats(resample).items():
            target = class_name or (positive if len(classes) == 2 else None)
            record["n_positive"] = _count_positive(resample, target or positive)
            for metric, metric_draws in values.items():
                sample_size = resample.draws.sample_size(resample.level, metric, target)
                value_range = metrics.RANGES.get(metric)
                low, high, undefined = bootstrap.interval(
                    metric_draws[1:], sample_size, value_range=value_range
                )
                value = float(metric_draws[0])
                if np.isnan(value):
                    low = high = np.nan
                rows.append(
                    record
                    | {"class": class_name, "metric": metric, "value": value}
                    | {"low": low, "high": high, "undefined_draws": undefined}
                )
    return pd.DataFrame(rows)[list(COLUMNS)]


def _record(resample: Resample) -> dict[str, Any]:
    """Names of an arm, scheme and level, counts of what was tested, and the mean threshold."""
    table = resample.table
    return {
        "arm": resample.arm,
        "scheme": resample.scheme,
        "level": resample.level,
        "n_patients": table["patient"].nunique(),
        "n_lesions": len(table.drop_duplicates(["patient", "lesion"])),
        "n_splits": table["split"].nunique(),
        "threshold": float(np.mean([repeat.threshold for repeat in resample.repeats])),
    }


def _count_positive(resample: Resample, class_name: str) -> int:
    """Number of tested lesions (at the patient level, patients) of a class."""
    unit = ["patient"] if resample.level == "patient" else ["patient", "lesion"]
    return int((resample.table.drop_duplicates(unit)["label"] == class_name).sum())


def _mean_over_repeats(resample: Resample) -> dict[str, dict[str, np.ndarray]]:
    """Class ("" for all together) -> metric -> draws, averaged over the repeats."""
    repeats = [_measure_repeat(repeat, resample.draws.counts) for repeat in resample.repeats]
    return {
        class_name: {
            metric: np.mean([values[class_name][metric] for values in repeats], axis=0)
            for metric in metrics.METRICS
        }
        for class_name in repeats[0]
    }


def _measure_repeat(repeat: ScoredRepeat, counts: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """Class ("" for all together) -> metric -> draws, of one repeat."""
    if len(repeat.rows) == 1:
        (rows,) = repeat.rows.values()
        return {"": metrics.measure(rows, counts, repeat.risk_threshold)}
    per_class, macro = measure_classes(list(repeat.rows.values()), counts, repeat.risk_threshold)
    return {"": macro} | dict(zip(repeat.rows, per_class, strict=True))
