"""A figure in the page: its drawing, caption, the values of its curves, and links to its files."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from livermets.report.study_results import StudyResults

FORMATS = {".svg": "SVG", ".pdf": "PDF", ".png": "PNG, 300 dpi", ".txt": "caption"}
NOT_DRAWN = re.compile(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|<metadata>.*?</metadata>", re.S)


@dataclass(frozen=True)
class PageFigure:
    """A figure as the page shows it.

    Parameters
    ----------
    data : Markup
        The drawing as a data URI, for an attribute in single quotes.
    caption : str
        The caption.
    curves : Markup
        The values of its curves as JSON, for the pointer; empty without curves.
    files : dict of str to str
        Format -> link to the file, from the page.
    """

    data: Markup
    caption: str
    curves: Markup
    files: dict[str, str]


def page_figure(path: Path, results: StudyResults) -> PageFigure | None:
    """Read a figure that `livermets.report.figures.style.save` wrote; None if it was not drawn."""
    if not path.is_file():
        return None
    page_folder = results.figures.parent
    panels = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["panels"]
    return PageFigure(
        data=data_uri(path.read_text(encoding="utf-8")),
        caption=path.with_suffix(".txt").read_text(encoding="utf-8").strip(),
        curves=htmlsafe_json_dumps(panels, separators=(",", ":")) if panels else Markup(""),
        files={
            title: Path(os.path.relpath(path.with_suffix(ending), page_folder)).as_posix()
            for ending, title in FORMATS.items()
        },
    )


def data_uri(svg: str) -> Markup:
    """Write an SVG as a data URI for an attribute in single quotes, as short as it can be.

    Base64 would take a third more than the drawing. Points of paths are cut to a hundredth of a
    point; what draws nothing is left out.
    """
    drawn = NOT_DRAWN.sub("", svg)
    drawn = re.sub(r' d="[^"]*"', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), drawn)
    drawn = re.sub(r"> <", "><", " ".join(drawn.split()))
    for sign, written in {"%": "%25", "#": "%23", "'": "%27", "&": "&amp;"}.items():
        drawn = drawn.replace(sign, written)
    return Markup("data:image/svg+xml;charset=utf-8," + drawn)
