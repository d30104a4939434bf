"""Results by size: the AUC of every arm on lesions of one size, and its difference from volume."""

from typing import Any

import pandas as pd

from livermets.evaluation.by_size import DIFFERENCE, STRATUM
from livermets.evaluation.subgroup_members import ALL
from livermets.report.formatting import number, p_value, with_interval
from livermets.report.page_figure import page_figure
from livermets.report.sections.section import Section, arm_cells
from livermets.report.size_claim import size_claim
from livermets.report.study_results import StudyResults
from livermets.study.arms import Arm
from livermets.study.schemes import scheme_title

NOTHING = "–"


def context(results: StudyResults) -> dict[str, Any] | None:
    """What beats size, and for each scheme its figure, its strata and the numbers of its arms."""
    table = results.by_size
    if table is None or table.empty:
        return None
    claim = size_claim(results)
    return {
        "claim": claim.text if claim else "",
        "schemes": [
            {
                "title": scheme_title(str(scheme)),
                "figure": page_figure(results.figures / f"by_size_{scheme}.svg", results),
                "strata": [_stratum(group) for _, group in rows.groupby(list(STRATUM), sort=False)],
            }
            for scheme, rows in table.groupby("scheme", sort=False)
        ],
    }


def _stratum(rows: pd.DataFrame) -> dict[str, Any]:
    """One stratum: its name, what was tested, and the cells of every arm."""
    results: dict[str, dict[str, dict]] = {}
    for row in rows.to_dict("records"):
        results.setdefault(row["arm"], {})[row["metric"]] = row
    largest = max(rows.to_dict("records"), key=lambda row: row["n_lesions"])
    counts = ("n_lesions", "n_positive", "n_patients", "n_pairs")
    name = largest["group"]
    if largest["variable"] != ALL:
        name = f"{largest['variable']}: {name}"
    return {
        "name": name,
        "counts": [str(largest[count]) for count in counts],
        "rows": [
            arm_cells(arm) | {"cells": _cells(results[arm])}
            for arm in sorted(results, key=Arm.parse)
        ],
    }


def _cells(of_arm: dict[str, dict]) -> list[str]:
    """AUC and difference with their intervals or the reason for none, and the p-value."""
    results = [of_arm.get(metric) for metric in ("auc", DIFFERENCE)]
    p = p_value(results[1]["p_holm"]) if results[1] else NOTHING
    return [*(_value(row) if row else NOTHING for row in results), p]


def _value(row: dict) -> str:
    if pd.notna(row["low"]):
        return with_interval(row["value"], row["low"], row["high"])
    value = f"{number(row['value'])}, " if pd.notna(row["value"]) else ""
    return f"{value}no interval: {row['no_interval']}"


SECTION = Section(
    "by_size",
    "Results by size of lesion",
    "by_size.html.j2",
    context,
    absent="The features table does not tell the sizes of the lesions.",
)
