"""The main result: the arm that was named before the study, and the arms it is compared with."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pandas as pd

from livermets.evaluation.levels import headline_level
from livermets.evaluation.paired_differences import PRIMARY_SCHEME
from livermets.report.formatting import intervals_by_arm
from livermets.study.arms import SELECTED, Arm, baseline_arm

CHANCE = 0.5  # the AUC of scores without information
FAMILIES = ("radiomics", "other", "deep")  # families of arms that learn from images
NOT_COMPARED = (baseline_arm("majority"),)  # it has the same score for all, so no AUC of its own


@dataclass(frozen=True)
class MainResult:
    """The AUC of the main arm, and of those beside it, in one scheme at one level.

    Parameters
    ----------
    arm : str
        The arm that was named before the study.
    scheme : str
        The scheme.
    level : str
        The level: patient, or lesion where lesions carry the label.
    patients : int
        Number of tested patients.
    aucs : dict of str to tuple
        Arm -> AUC, lower and upper bound, the main arm first; with three or more classes the mean
        over the classes. Bounds are NaN where there is no interval.
    """

    arm: str
    scheme: str
    level: str
    patients: int
    aucs: dict[str, tuple[float, float, float]]


def main_arm(arms: Collection[str], primary: Sequence[str] | None) -> str | None:
    """Choose the arm that the report puts first, by what was named before the study.

    Parameters
    ----------
    arms : collection of str
        The evaluated arms.
    primary : sequence of two str or None
        Arm and reference of the primary comparison.

    Returns
    -------
    str or None
        The arm of the primary comparison; without one the arm that inner cross-validation selects,
        or the only arm that learns. None where several arms could be meant: to take the best of
        them would be a choice by the test patients.
    """
    if primary is not None and primary[0] in arms:
        return primary[0]
    if SELECTED in arms:
        return SELECTED
    learning = [arm for arm in arms if Arm.parse(arm).family in FAMILIES]
    return learning[0] if len(learning) == 1 else None


def main_scheme(schemes: Sequence[str]) -> str:
    """Choose the scheme of the main result: the cross-validation, else the first."""
    return PRIMARY_SCHEME if PRIMARY_SCHEME in schemes else schemes[0]


def main_result(
    metrics: pd.DataFrame, primary: Sequence[str] | None, scheme: str | None = None
) -> MainResult | None:
    """Collect the AUCs of the main result.

    Parameters
    ----------
    metrics : DataFrame
        As `livermets.evaluation.evaluate.evaluate` returns it.
    primary : sequence of two str or None
        Arm and reference of the primary comparison.
    scheme : str or None
        The scheme; None takes that of `main_scheme`.

    Returns
    -------
    MainResult or None
        None where no arm was named before the study, or the arm was not tested in the scheme.
    """
    aucs = metrics[(metrics["metric"] == "auc") & (metrics["class"] == "")]
    level = headline_level(aucs["level"])
    aucs = aucs[aucs["level"] == level]
    if aucs.empty:
        return None
    scheme = scheme or main_scheme(list(aucs["scheme"].unique()))
    aucs = aucs[aucs["scheme"] == scheme]
    arm = main_arm(list(aucs["arm"]), primary)
    if arm is None:
        return None
    reference = primary[1] if primary is not None else ""
    beside = [
        name
        for name in sorted(aucs["arm"], key=Arm.parse)
        if name == reference
        or (Arm.parse(name).family in ("deep", "baseline") and name not in NOT_COMPARED)
    ]
    intervals = intervals_by_arm(aucs)
    order = dict.fromkeys([arm, *([reference] if reference in intervals else []), *beside])
    return MainResult(
        arm=arm,
        scheme=scheme,
        level=level,
        patients=int(aucs.loc[aucs["arm"] == arm, "n_patients"].iloc[0]),
        aucs={name: intervals[name] for name in order},
    )
