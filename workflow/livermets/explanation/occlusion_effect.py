"""Occlusion effect: how well lesions are told apart where the network sees a part of them alone."""

import pandas as pd

from livermets.evaluation.paired_differences import auc_interval, difference_values
from livermets.evaluation.scored_arms import arm_tables, scored_arms
from livermets.explanation.variants import AS_IS, VARIANTS

COLUMNS = (
    *("variant", "scheme", "level", "n_patients", "auc", "low", "high"),
    *("difference", "difference_low", "difference_high", "p", "no_interval"),
)
LEVELS = ("patient", "lesion")


def occlusion_effect(scores: pd.DataFrame, classes: list[str], positive: str) -> pd.DataFrame:
    """Compare the AUC of each variant of occlusion with that of the whole lesions.

    Lesions are ranked against each other within a split alone, by the evaluation of every other
    arm: intervals are over patients, differences are of the same lesions.

    Parameters
    ----------
    scores : data frame
        `NetworkLook.scores` of all splits.
    classes : list of str
        Class names.
    positive : str
        The positive class.

    Returns
    -------
    data frame
        `COLUMNS`. `difference` is the AUC of the variant minus that of the whole lesions.
        `no_interval` says why a difference has no interval.
    """
    tables = arm_tables(scores.rename(columns={"variant": "arm"}), classes, positive)
    scored = {
        (arm.arm, arm.scheme, arm.level): arm
        for arm in scored_arms(tables, classes, positive, levels=LEVELS)
    }
    intervals = {key: auc_interval(arm) for key, arm in scored.items()}
    rows = []
    for (variant, scheme, level), (_, interval) in intervals.items():
        whole = intervals[AS_IS, scheme, level]
        bounds = interval.bounds()
        row = {
            "variant": variant,
            "scheme": scheme,
            "level": level,
            "n_patients": len(scored[variant, scheme, level].tested.patients),
            "auc": interval.estimate.value,
            "low": bounds.low,
            "high": bounds.high,
        }
        if variant != AS_IS:
            found = difference_values(intervals[variant, scheme, level], whole)
            renamed = {"low": "difference_low", "high": "difference_high"}
            row |= {renamed.get(name, name): value for name, value in found.items()}
        rows.append(row)
    table = pd.DataFrame(rows, columns=list(COLUMNS)).fillna({"no_interval": ""})
    order = table["variant"].map({name: k for k, name in enumerate(VARIANTS)})
    return table.iloc[order.argsort(kind="stable")].reset_index(drop=True)
