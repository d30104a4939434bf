"""The masks: their origin, and the agreement of automatic and final ones."""

from typing import Any

from livermets.report.patient_flow import SOURCES
from livermets.report.sections.section import Section
from livermets.report.study_results import StudyResults
from livermets.review.agreement_table import summary


def context(results: StudyResults) -> dict[str, Any]:
    """The number of patients by the origin of their mask, and the agreement."""
    included = results.included
    counts = (
        included["mask_source"].fillna("").value_counts().to_dict()
        if "mask_source" in included
        else {}
    )
    no_images = "There are no masks in this run: the study started from a feature table."
    return {
        "sources": [(SOURCES.get(str(name), name), n) for name, n in counts.items() if name],
        "agreement": [] if results.agreement is None else summary(results.agreement),
        "missing": no_images if results.from_features else "No mask was recorded.",
    }


SECTION = Section("masks", "Masks", "masks.html.j2", context)
