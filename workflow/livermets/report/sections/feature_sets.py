"""What each feature set adds, in the report: a classifier that learns from one after another."""

from collections.abc import Mapping, Sequence

import pandas as pd

from livermets.report.paper_tables import p_value, with_interval
from livermets.study.arms import REFERENCE_SETS, Arm

LEVELS = ("lesion", "patient")


def set_results(
    scheme: str,
    compared: Mapping[str, Sequence[str]],
    metrics: pd.DataFrame,
    differences: pd.DataFrame | None,
) -> list[dict]:
    """One line an arm of `classification.compare_feature_sets`; none where the study compares no sets.

    compared : name -> the feature sets it learns from
    metrics, differences : as `livermets.evaluation.evaluate.evaluate` and `livermets.evaluation.paired_differences.compare_arms` return
    """
    mine = metrics[
        (metrics["scheme"] == scheme)
        & (metrics["arm"].map(lambda arm: Arm.parse(arm).family) == "sets")
    ]
    auc = mine[(mine["metric"] == "auc") & (mine["class"] == "")].set_index(["arm", "level"])
    pairs = pd.DataFrame(columns=["scheme", "against"]) if differences is None else differences
    pairs = pairs[(pairs["scheme"] == scheme) & (pairs["against"] == "sets")]
    lines, before = [], None
    for arm in sorted(auc.index.unique("arm"), key=Arm.parse):
        plain, name = Arm.parse(arm).plain, Arm.parse(arm).feature_sets
        sets = compared.get(name, [name])
        line = {"model": plain.model_title, "first": plain != before, "name": name}
        line |= {"sets": " + ".join(sets), "reference": name == REFERENCE_SETS}
        for level in LEVELS:
            line[level] = with_interval(*auc.loc[(arm, level), ["value", "low", "high"]])
            pair = pairs[(pairs["arm"] == arm) & (pairs["level"] == level)]
            for row in pair.to_dict("records"):
                given = with_interval(row["difference"], row["low"], row["high"])
                line[f"{level}_difference"], line[f"{level}_p"] = given, p_value(row["p_holm"])
        lines.append(line)
        before = plain
    return lines
