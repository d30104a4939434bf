"""Example lesions of each class."""

from typing import Any

from livermets.report.page_figure import page_figure
from livermets.report.sections.section import Section
from livermets.report.study_results import StudyResults


def context(results: StudyResults) -> dict[str, Any]:
    """The figure, and the reason where there is none."""
    no_images = "There are no images in this study: it started from a feature table."
    no_slices = "No lesion slices were made in this run."
    return {
        "figure": page_figure(results.figures / "examples.svg", results),
        "missing": no_images if results.from_features else no_slices,
    }


SECTION = Section("examples", "Example lesions", "example_lesions.html.j2", context)
