"""The negative controls in the report: dealt labels and lesion volume beside each arm."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from livermets.evaluation.evaluate import REFERENCE
from livermets.report.paper_tables import with_interval
from livermets.sensitivity.label_permutation import count_intervals_excluding_chance
from livermets.study.arms import Arm
from livermets.study.schemes import scheme_title

ABSENT = "–"


def control_results(
    controls: Collection[str],
    metrics: pd.DataFrame,
    differences: pd.DataFrame | None,
    shuffled: pd.DataFrame | None,
) -> dict | None:
    """What the template shows of `controls`; None where the study asked for none.

    metrics, shuffled : of the study, and of its classification of dealt labels
    """
    if not controls:
        return None
    counts = [] if shuffled is None else count_intervals_excluding_chance(shuffled)
    volume = "volume_only" in controls
    return {
        "shuffled": [count | {"title": scheme_title(count["scheme"])} for count in counts],
        "warn": any(count["warn"] for count in counts),
        "volume": volume,
        "has_volume": REFERENCE in set(metrics["arm"]),
        "tables": [
            {"title": scheme_title(scheme), "rows": _rows(scheme, metrics, differences, shuffled)}
            for scheme in metrics["scheme"].unique()
        ],
    }


def _rows(
    scheme: str,
    metrics: pd.DataFrame,
    differences: pd.DataFrame | None,
    shuffled: pd.DataFrame | None,
) -> list[dict]:
    """One line an arm: its AUC by lesion, that on dealt labels, its difference from volume."""
    true, dealt = _aucs(metrics, scheme), _aucs(shuffled, scheme)
    pairs = {}
    if differences is not None and len(differences):
        mine = differences[differences["scheme"] == scheme]
        mine = mine[(mine["against"] == "volume") & (mine["level"] == "lesion")]
        columns = ["difference", "low", "high"]
        pairs = {row["arm"]: with_interval(*row[columns]) for _, row in mine.iterrows()}
    return [
        {
            "model": Arm.parse(arm).model_title,
            "way": Arm.parse(arm).resampling_title,
            "auc": with_interval(*auc),
            "dealt": with_interval(*dealt[arm]) if arm in dealt else ABSENT,
            "excludes": arm in dealt and _excludes(dealt[arm]),
            "difference": pairs.get(arm, ABSENT),
        }
        for arm, auc in true.items()
        if Arm.parse(arm).family not in ("baseline", "sets") or arm == REFERENCE
    ]


def _aucs(metrics: pd.DataFrame | None, scheme: str) -> dict[str, tuple[float, float, float]]:
    if metrics is None:
        return {}
    rows = metrics[(metrics["scheme"] == scheme) & (metrics["level"] == "lesion")]
    rows = rows[(rows["metric"] == "auc") & (rows["class"] == "")]
    return {row.arm: (row.value, row.low, row.high) for row in rows.itertuples()}


def _excludes(auc: tuple[float, float, float]) -> bool:
    _, low, high = auc
    return bool(np.isfinite(low) and not low <= 0.5 <= high)
