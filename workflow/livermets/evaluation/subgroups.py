"""Results in subgroups: the AUC of a few arms in groups of patients.

A subgroup has few patients, and a study has many subgroups: some differ by chance alone. Each AUC
has the interval of its own patients, or the reason why there is none; differences between subgroups
are not tested.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from livermets.evaluation.levels import headline_level, levels_of
from livermets.evaluation.metric_intervals import bounds_or_reason
from livermets.evaluation.pairs import missing_class, ranked_pairs
from livermets.evaluation.scored_arms import (
    ScoredArm,
    arm_tables,
    scheme_patients,
    scored_repeat,
)
from livermets.evaluation.subgroup_members import ALL, Subgroup, patient_subgroups
from livermets.study.names import lesion_key

COLUMNS = (
    "scheme",
    "arm",
    "level",
    "variable",
    "group",
    "value",
    "low",
    "high",
    "no_interval",
    "standard_error",
    "n_patients",
    "n_positive",
    "n_lesions",
    "n_pairs",
)
ArmTable = tuple[tuple[str, str], pd.DataFrame]  # (arm, scheme) and its predictions
NO_PATIENT = "no patient of this group was tested"


def measure_subgroups(
    predictions: pd.DataFrame,
    cohort: pd.DataFrame,
    arms: Sequence[str],
    classes: list[str],
    positive: str,
    clinical: Sequence[str] = (),
) -> pd.DataFrame:
    """Compute the AUC of some arms in every subgroup and scheme, with its 95 % interval.

    The AUC is that by patient; by lesion where a patient has lesions of several classes.

    Sizes of lesions are in `livermets.evaluation.by_size`.

    Parameters
    ----------
    predictions : DataFrame
        As in `livermets.evaluation.evaluate.evaluate`.
    cohort : DataFrame
        One row for each patient: patient, included and further columns.
    arms : sequence of str
        The arms, in the order of the table; one without predictions is passed over.
    classes : list of str
        Class names.
    positive : str
        The class that `score` is the probability of.
    clinical : sequence of str
        The clinical columns of the cohort that make groups.

    Returns
    -------
    DataFrame
        The columns `COLUMNS`. `standard_error` is the square root of the variance over patients.
        `n_positive` counts patients of the positive class, `n_pairs` the pairs that the AUC ranks
        (`pairs.ranked_pairs`). With three or more classes the AUC is the mean over the classes,
        each against the rest.
    """
    chosen = predictions[predictions["arm"].isin(arms)]
    if chosen.empty:
        return pd.DataFrame(columns=list(COLUMNS))
    tables = arm_tables(chosen, classes, positive)
    level = headline_level(levels_of(predictions))
    groups = [_everyone(cohort), *patient_subgroups(cohort, clinical)]
    groups = [replace(group, level=level) for group in groups]
    rows: list[dict[str, Any]] = [
        {"scheme": scheme, "arm": arm, "level": group.level}
        | {"variable": group.variable, "group": group.name}
        | _measure(table, arm, scheme, group, classes, positive)
        for (arm, scheme), table in sorted(tables.items(), key=_in_order_of(arms))
        for group in groups
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _in_order_of(arms: Sequence[str]) -> Callable[[ArmTable], tuple[bool, str, int]]:
    """Sort key of (arm, scheme) and table: the hold-out first, then in the order of the arms."""

    def key(item: ArmTable) -> tuple[bool, str, int]:
        arm, scheme = item[0]
        return scheme != "holdout", scheme, list(arms).index(arm)

    return key


def _everyone(cohort: pd.DataFrame) -> Subgroup:
    included = cohort.loc[cohort["included"].astype(bool), ["patient"]].astype(str)
    return Subgroup(ALL, "all patients", "patient", included)


def _measure(
    table: pd.DataFrame,
    arm: str,
    scheme: str,
    group: Subgroup,
    classes: list[str],
    positive: str,
) -> dict[str, Any]:
    """The AUC of one arm and scheme in one group, with its interval or the reason for none."""
    keys = list(group.members.columns)
    members = pd.MultiIndex.from_frame(group.members)
    part = table[pd.MultiIndex.from_frame(table[keys]).isin(members)]
    numbers: dict[str, Any] = {
        "n_patients": len(part["patient"].unique()),
        "n_positive": len(part.loc[part["label"] == positive, "patient"].unique()),
        "n_lesions": len(part.drop_duplicates(lesion_key(part))),
        "n_pairs": ranked_pairs(part, group.level),
    }
    undefined = {"value": np.nan, "low": np.nan, "high": np.nan, "standard_error": np.nan}
    if part.empty:
        return numbers | undefined | {"no_interval": NO_PATIENT}
    if reason := missing_class(part["label"], classes):
        return numbers | undefined | {"no_interval": reason}
    tested = scheme_patients(part)
    repeats = [
        scored_repeat(rows, group.level, classes, positive, tested.patients)
        for _, rows in part.groupby("repeat", sort=True)
    ]
    scored = ScoredArm(arm, scheme, group.level, part, repeats, tested)
    sample = scored.sample(positive if len(classes) == 2 else None)
    interval = sample.interval("auc", scored.auc())
    bounds, reason = bounds_or_reason(sample, "auc", interval)
    value = interval.estimate.value
    if not np.isfinite(value):
        reason = "no split tested patients of both classes of this group"
    return numbers | {
        "value": value,
        "low": bounds.low,
        "high": bounds.high,
        "no_interval": reason,
        "standard_error": float(np.sqrt(interval.estimate.variance)),
    }
