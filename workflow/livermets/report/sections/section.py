"""What every section of the report has."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livermets.report.study_results import StudyResults
from livermets.study.arms import Arm

FOLDER = Path(__file__).parent
MACROS = "macros.html.j2"


@dataclass(frozen=True)
class Section:
    """A section of the report.

    Parameters
    ----------
    anchor : str
        The id in the page.
    title : str
        The heading, also in the contents.
    template : str
        The partial template in this folder.
    context : callable
        Makes the template's values from the results; None leaves the section out.
    needs : tuple of str
        Names of fields of `StudyResults`; if one is None, the section is left out.
    caption : str
        A note under the section.
    absent : str
        Stands under the title of a section that would be left out.
    """

    anchor: str
    title: str
    template: str
    context: Callable[[StudyResults], dict[str, Any] | None]
    needs: tuple[str, ...] = ()
    caption: str = ""
    absent: str = ""

    def content(self, results: StudyResults) -> dict[str, Any] | None:
        """The template's values, or None if the results lack what the section needs."""
        if any(getattr(results, name) is None for name in self.needs):
            return None
        return self.context(results)


def arm_cells(arm: str) -> dict[str, str]:
    """The first two cells of an arm's row: its model and its resampling."""
    parsed = Arm.parse(arm)
    return {"model": parsed.model_title, "resampling": parsed.resampling_title}
