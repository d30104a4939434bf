"""Heterogeneity: how unlike the lesions of a patient are, by class, and outlier lesions."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from livermets.core.io import read_json
from livermets.report.formatting import number, p_value, with_interval
from livermets.report.page_figure import page_figure
from livermets.report.paper_tables import read_table
from livermets.report.sections.section import Section
from livermets.report.study_results import StudyResults

FIRST = 15  # rows shown; the tables have all
LEVEL = 0.05


def context(results: StudyResults) -> dict[str, Any] | None:
    """The comparison of the classes, the features without a CV, and the outlier lesions."""
    folder = results.heterogeneity
    if folder is None:
        return None
    summary = read_json(folder / "summary.json")
    comparison = read_table(folder / "classes.parquet")
    lesions = read_table(folder / "lesions.parquet")
    left_out = read_table(folder / "left_out.parquet")
    return {
        "patients": ", ".join(f"{n} {name}" for name, n in summary["patients"].items()),
        "single": summary["single"],
        "too_few": summary["too_few"],
        "permutations": summary["permutations"],
        "findings": [_finding(str(name), rows) for name, rows in comparison.groupby("class")],
        "rows": [_cells(row) for row in comparison.head(FIRST).to_dict("records")],
        "features": comparison["feature"].nunique(),
        "reasons": left_out.groupby("reason")["feature"].apply(list).to_dict(),
        "figure": page_figure(folder / "heterogeneity.svg", results),
        "outliers": [_outlier(row) for row in lesions[lesions["outlier"]].to_dict("records")],
        "measured_lesions": len(lesions),
    }


def _finding(name: str, rows: pd.DataFrame) -> dict[str, Any]:
    """How many features differ between a class and the others, raw, corrected and as published."""
    certain = rows[rows["p_adjusted"] < LEVEL]
    return {
        "name": name,
        "features": len(rows),
        "corrected": len(certain),
        "higher": int((certain["difference"] > 0).sum()),
        "raw": int((rows["p"] < LEVEL).sum()),
        "published": int((rows["p_published"] < LEVEL).sum()),
        "expected": number(LEVEL * len(rows), 1),
    }


def _cells(row: Mapping[Any, Any]) -> list[str]:
    return [
        str(row["class"]),
        str(row["feature"]),
        *(number(row[name]) for name in ("cv_class", "cv_others")),
        *(number(row[name]) for name in ("pair_cv_class", "pair_cv_others")),
        with_interval(row["difference"], row["low"], row["high"]),
        p_value(row["p"]),
        p_value(row["p_adjusted"]),
        number(row["volume_rho"]),
    ]


def _outlier(row: Mapping[Any, Any]) -> list[str]:
    return [
        *(str(row[name]) for name in ("patient", "label", "lesion", "lesions")),
        number(row["diameter_mm"], 1),
        f"{row['far_share']:.0%}",
        f"{row['furthest_feature']} ({number(row['distance'], 1)} SD)",
    ]


SECTION = Section(
    "heterogeneity",
    "How unlike are the lesions of a patient?",
    "heterogeneity.html.j2",
    context,
    needs=("heterogeneity",),
)
