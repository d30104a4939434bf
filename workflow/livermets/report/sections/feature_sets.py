"""The comparison of feature sets: the same classifier trained on one choice after another."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from livermets.report.formatting import p_value, with_interval
from livermets.study.arms import REFERENCE_SETS, Arm

TEMPLATE = "feature_sets.html.j2"  # a part of the template of `results_by_scheme`
LEVELS = ("lesion", "patient")


def set_results(
    scheme: str,
    compared: Mapping[str, Sequence[str]],
    metrics: pd.DataFrame,
    differences: pd.DataFrame | None,
) -> list[dict[str, Any]]:
    """One row for each arm of `classification.compare_feature_sets`; empty where there are none.

    Parameters
    ----------
    scheme : str
        The scheme.
    compared : mapping of str to sequence of str
        Name of a choice -> the feature sets in it.
    metrics : DataFrame
        As `livermets.evaluation.evaluate.evaluate` returns it.
    differences : DataFrame or None
        As `livermets.evaluation.paired_differences.compare_arms` returns it.

    Returns
    -------
    list of dict
        model, first (of its model), name, sets, reference (whether the others are compared with
        it), levels, lesion and, where it exists, patient (AUC), and for each level its difference
        and corrected p value.
    """
    of_sets = metrics["arm"].map(lambda arm: Arm.parse(arm).family == "sets")
    auc = metrics[(metrics["scheme"] == scheme) & of_sets]
    auc = auc[(auc["metric"] == "auc") & (auc["class"] == "")].set_index(["arm", "level"])
    pairs = pd.DataFrame(columns=["scheme", "against"]) if differences is None else differences
    pairs = pairs[(pairs["scheme"] == scheme) & (pairs["against"] == "sets")]
    levels = [level for level in LEVELS if level in auc.index.unique("level")]
    rows: list[dict[str, Any]] = []
    previous = None
    for name in sorted(auc.index.unique("arm"), key=Arm.parse):
        arm = Arm.parse(name)
        sets = compared.get(arm.feature_sets, [arm.feature_sets])
        row: dict[str, Any] = {
            "model": arm.plain.model_title,
            "first": arm.plain != previous,
            "name": arm.feature_sets,
            "sets": " + ".join(sets),
            "levels": levels,
            "reference": arm.feature_sets == REFERENCE_SETS,
        }
        for level in levels:
            row[level] = with_interval(*auc.loc[(name, level), ["value", "low", "high"]])
            of_arm = pairs[(pairs["arm"] == name) & (pairs["level"] == level)]
            for pair in of_arm.to_dict("records"):
                interval = with_interval(pair["difference"], pair["low"], pair["high"])
                row[f"{level}_difference"], row[f"{level}_p"] = interval, p_value(pair["p_holm"])
        rows.append(row)
        previous = arm.plain
    return rows
