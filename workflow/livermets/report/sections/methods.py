"""The methods in brief, and where the fits deviated from the configured settings."""

from typing import Any

from livermets.report.sections.fit_notes import fit_notes
from livermets.report.sections.section import Section
from livermets.report.study_results import StudyResults


def context(results: StudyResults) -> dict[str, Any]:
    """The settings that the text names, and the notes of the fits."""
    return {
        "multiclass": results.multiclass,
        "positive": results.config["positive"],
        "youden": results.youden,
        "threshold": results.config["evaluation"]["threshold"],
        "fitted": bool(results.fits),
        "notes": fit_notes(results.fits),
    }


SECTION = Section("methods", "Methods in brief", "methods.html.j2", context)
