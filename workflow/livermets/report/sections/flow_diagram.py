"""The flow diagram of the patients."""

from typing import Any

from livermets.report.sections.section import Section, embed
from livermets.report.study_results import StudyResults


def context(results: StudyResults) -> dict[str, Any]:
    """The figure."""
    return {"figure": embed(results.figures / "flow.svg")}


SECTION = Section("flow", "Flow diagram", "flow_diagram.html.j2", context)
