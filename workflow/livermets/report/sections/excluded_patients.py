"""The excluded patients and the reasons."""

from typing import Any

from livermets.report.patient_flow import STAGES
from livermets.report.sections.section import Section
from livermets.report.study_results import StudyResults


def context(results: StudyResults) -> dict[str, Any]:
    """One row for each excluded patient."""
    excluded = results.cohort[~results.cohort["included"]]
    rows = excluded[["patient", "label", "stage", "reason"]].to_dict("records")
    return {
        "listed": len(results.cohort),
        "rows": [row | {"stage": STAGES.get(row["stage"], row["stage"])} for row in rows],
    }


SECTION = Section("excluded", "Excluded patients", "excluded_patients.html.j2", context)
