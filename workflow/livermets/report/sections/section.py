"""What every section of the report has, and how a figure stands in the page."""

import base64
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from livermets.report.study_results import StudyResults
from livermets.study.arms import Arm

FOLDER = Path(__file__).parent
FORMATS = {".svg": "SVG", ".pdf": "PDF", ".png": "PNG, 300 dpi", ".txt": "caption"}
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


@dataclass(frozen=True)
class PageFigure:
    """A figure as the page shows it.

    Parameters
    ----------
    data : str
        The drawing, as a data URI.
    caption : str
        The caption.
    curves : Markup
        The values of its curves as JSON, for the pointer; empty without curves.
    files : dict of str to str
        Format -> link to the file, from the page.
    """

    data: str
    caption: str
    curves: Markup
    files: dict[str, str]


def page_figure(path: Path, results: StudyResults) -> PageFigure | None:
    """Read a figure that `livermets.report.figures.style.save` wrote; None if it was not drawn."""
    if not path.is_file():
        return None
    page_folder = results.figures.parent
    curves = path.with_suffix(".json").read_text(encoding="utf-8")
    panels = json.loads(curves)["panels"]
    return PageFigure(
        data=f"data:image/svg+xml;base64,{base64.b64encode(path.read_bytes()).decode()}",
        caption=path.with_suffix(".txt").read_text(encoding="utf-8").strip(),
        curves=htmlsafe_json_dumps(panels, separators=(",", ":")) if panels else Markup(""),
        files={
            title: Path(os.path.relpath(path.with_suffix(ending), page_folder)).as_posix()
            for ending, title in FORMATS.items()
        },
    )


def arm_cells(arm: str) -> dict[str, str]:
    """The first two cells of an arm's row: its model and its resampling."""
    parsed = Arm.parse(arm)
    return {"model": parsed.model_title, "resampling": parsed.resampling_title}
