"""The excluded patients and the reasons."""

from typing import Any

from livermets.cohort.scans_table import scan_ids
from livermets.core.scan_ids import in_words
from livermets.report.patient_flow import STAGES
from livermets.report.sections.section import Section
from livermets.report.study_results import StudyResults


def context(results: StudyResults) -> dict[str, Any]:
    """One row for each excluded patient; where the sheet lists scans, for each excluded scan."""
    everyone = results.cohort if results.scans is None else results.scans
    excluded = everyone[~everyone["included"]]
    names = [in_words(scan) for scan in scan_ids(excluded)]
    rows = excluded[["label", "stage", "reason"]].assign(patient=names).to_dict("records")
    return {
        "listed": len(everyone),
        "unit": "patients" if results.scans is None else "scans",
        "rows": [row | {"stage": STAGES.get(row["stage"], row["stage"])} for row in rows],
    }


SECTION = Section("excluded", "Excluded patients", "excluded_patients.html.j2", context)
