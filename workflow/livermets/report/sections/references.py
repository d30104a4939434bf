"""The references."""

import json
from typing import Any

from livermets.report.sections.section import FOLDER, Section
from livermets.report.study_results import StudyResults

FILE = "references.json"


def context(results: StudyResults) -> dict[str, Any]:
    """The references, each with what it is cited for."""
    return {"references": json.loads((FOLDER / FILE).read_text(encoding="utf-8"))}


SECTION = Section("references", "References", "references.html.j2", context)
