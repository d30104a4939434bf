"""Subgroups: the AUC of a few arms by clinical column, site and scanner."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from livermets.evaluation.heterogeneity import site_heterogeneity
from livermets.evaluation.subgroup_members import ALL
from livermets.report.formatting import number, with_interval
from livermets.report.page_figure import page_figure
from livermets.report.sections.section import Section
from livermets.report.study_results import StudyResults
from livermets.study.arms import Arm
from livermets.study.schemes import scheme_title


def context(results: StudyResults) -> dict[str, Any] | None:
    """For each scheme its figure, its reasons for missing intervals, and differences of sites."""
    table = results.subgroups
    if table is None or table.empty:
        return None
    arms = [Arm.parse(name).title for name in dict.fromkeys(table["arm"])]
    schemes = [
        _scheme(results, str(name), rows) for name, rows in table.groupby("scheme", sort=False)
    ]
    return {"arms": arms, "schemes": schemes, "level": results.level}


def _scheme(results: StudyResults, scheme: str, rows: pd.DataFrame) -> dict[str, Any]:
    return {
        "title": scheme_title(scheme),
        "figure": page_figure(results.figures / f"subgroups_{scheme}.svg", results),
        "sites": [site_sentence(row) for row in site_heterogeneity(rows).to_dict("records")],
        "rows": [_cells(row) for row in rows.to_dict("records")],
    }


def _cells(row: Mapping[Any, Any]) -> list[str]:
    """The cells of one arm and group in the table."""
    if pd.notna(row["low"]):
        result = with_interval(row["value"], row["low"], row["high"])
    elif pd.notna(row["value"]):
        result = f"{number(row['value'])}, no interval: {row['no_interval']}"
    else:
        result = f"no AUC: {row['no_interval']}"
    counts = [str(row[name]) for name in ("n_patients", "n_positive", "n_pairs")]
    group = row["group"] if row["variable"] == ALL else f"{row['variable']}: {row['group']}"
    return [Arm.parse(row["arm"]).title, group, *counts, result]


def site_sentence(row: Mapping[Any, Any]) -> str:
    """How much the AUCs of one arm differ between the sites, in a sentence."""
    return (
        f"{Arm.parse(row['arm']).title}: Cochran's Q = {row['q']:.1f} over {row['sites']} sites "
        f"({row['sites'] - 1} expected if all sites were alike), I² = {row['i_squared']:.0%}."
    )


SECTION = Section(
    "subgroups",
    "Subgroups of patients",
    "subgroups.html.j2",
    context,
    needs=("subgroups",),
)
