"""Table 1: the characteristics of the patients."""

from typing import Any

from livermets.report.paper_tables import table1
from livermets.report.sections.section import Section
from livermets.report.study_results import StudyResults


def context(results: StudyResults) -> dict[str, Any]:
    """The rows of Table 1; the name of a characteristic stands in its first row only."""
    rows, previous = [], None
    for row in table1(results.cohort, results.classes, results.config.get("clinical")).to_dict(
        "records"
    ):
        name = row["characteristic"]
        values = [row["overall"], *(row.get(label, "–") for label in results.patient_groups)]
        rows.append(
            {
                "characteristic": name if name != previous else "",
                "value": row["value"],
                "cells": [*values, row["missing"]],
            }
        )
        previous = name
    return {
        "headings": ["Characteristic", "", "Overall", *results.patient_groups, "Missing"],
        "rows": rows,
    }


SECTION = Section(
    "table1",
    "Table 1: patients",
    "patients.html.j2",
    context,
    caption="Median [first quartile, third quartile] or count (%). Differences are described, "
    "not tested.",
)
