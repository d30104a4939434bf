"""The flow diagram of the patients."""

from typing import Any

from livermets.report.page_figure import page_figure
from livermets.report.sections.section import Section
from livermets.report.study_results import StudyResults


def context(results: StudyResults) -> dict[str, Any]:
    """The figure."""
    return {"figure": page_figure(results.figures / "flow.svg", results)}


SECTION = Section("flow", "Flow diagram", "flow_diagram.html.j2", context)
