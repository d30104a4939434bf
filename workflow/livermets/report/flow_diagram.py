"""The flow diagram of the patients as SVG (Fig. 1 of the paper)."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from livermets.core import templating
from livermets.core.io import write_text
from livermets.report.patient_flow import Step, flow_steps

DRAWING = "flow_diagram.svg.j2"  # beside this file, so that a page's template redraws nothing

# Sizes in pixels
MAIN_WIDTH = 430  # of a box of the main column
SIDE_WIDTH = 330  # of a box of exclusions
SIDE_GAP = 40  # between main column and exclusions
ROW_GAP = 26  # between boxes, from top to bottom
SCHEME_GAP = 20  # between the boxes of the schemes
SCHEME_DROP = 14  # from the horizontal line to the boxes of the schemes, its half above them
EDGE = 2  # between a box and the edge of the drawing, and between an arrow's tip and a box
LINE_HEIGHT = 17
PADDING = 12  # of a box
FONT_HEIGHT = 12
SIDE_ARROW = 20  # from the top of a box to its arrow to the side
FOOT = 4  # below the last box

CHARACTERS = 57  # in a line of the main column
BOLD_SHARE = 0.85  # a bold line holds this share of them

Arrow = tuple[float, float, float, float]  # x and y of its start, x and y of its tip


@dataclass(frozen=True)
class Box:
    """A box with its text.

    Parameters
    ----------
    x, y, width, height : float
        In pixels.
    text : list of (float, str, bool)
        For each line its y, its words and whether it is bold.
    muted : bool
        Whether it is a box of exclusions.
    """

    x: float
    y: float
    width: float
    height: float
    text: list[tuple[float, str, bool]]
    muted: bool = False

    @property
    def bottom(self) -> float:
        """The y of its lower edge."""
        return self.y + self.height


def draw_flow(path: Path | str, **tables: Any) -> Path:
    """Write the diagram as SVG.

    Parameters
    ----------
    path : Path or str
        The file.
    **tables
        The arguments of `flow_steps`.

    Returns
    -------
    Path
        The file.
    """
    steps, schemes = flow_steps(**tables)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, templating.render(Path(__file__).parent, DRAWING, **_layout(steps, schemes)))
    return path


def _layout(steps: list[Step], schemes: list[Step]) -> dict[str, Any]:
    """The boxes and arrows: the steps from top to bottom, then the schemes side by side."""
    width = MAIN_WIDTH + SIDE_GAP + SIDE_WIDTH
    middle = MAIN_WIDTH / 2
    boxes: list[Box] = []
    arrows: list[Arrow] = []
    y: float = EDGE
    for i, step in enumerate(steps):
        box = _box(EDGE, y, MAIN_WIDTH, step.title, step.lines, CHARACTERS)
        boxes.append(box)
        bottom = box.bottom
        if step.exclusion_title:
            side = _side_box(y, step)
            boxes.append(side)
            at = y + SIDE_ARROW
            arrows.append((MAIN_WIDTH + EDGE, at, MAIN_WIDTH + SIDE_GAP - EDGE, at))
            bottom = max(bottom, side.bottom)
        if i < len(steps) - 1:
            arrows.append((middle, box.bottom, middle, bottom + ROW_GAP - EDGE))
        y = bottom + ROW_GAP
    if not schemes:
        height = y - ROW_GAP + FOOT
        return {"width": width, "height": height, "boxes": boxes, "arrows": arrows, "rail": None}
    rail_y = y - 6
    scheme_boxes, centres = _scheme_boxes(schemes, y + SCHEME_DROP, width)
    arrows += [(x, rail_y, x, y + SCHEME_DROP - EDGE) for x in centres]
    arrows.append((middle, box.bottom, middle, rail_y))
    rail = (min(*centres, middle), max(*centres, middle), rail_y)
    return {
        "width": width,
        "height": scheme_boxes[0].bottom + FOOT,
        "boxes": boxes + scheme_boxes,
        "arrows": arrows,
        "rail": rail,
    }


def _side_box(y: float, step: Step) -> Box:
    characters = CHARACTERS * SIDE_WIDTH // MAIN_WIDTH
    x = MAIN_WIDTH + SIDE_GAP
    return _box(x, y, SIDE_WIDTH, step.exclusion_title, step.exclusions, characters, muted=True)


def _scheme_boxes(schemes: list[Step], y: float, width: float) -> tuple[list[Box], list[float]]:
    """Boxes of the same size side by side, and the x of their centres."""
    n = len(schemes)
    each = (width - SCHEME_GAP * (n - 1)) / n
    characters = int(CHARACTERS * each / MAIN_WIDTH)
    lefts = [i * (each + SCHEME_GAP) for i in range(n)]
    boxes = [
        _box(left + EDGE, y, each - 2 * EDGE, scheme.title, scheme.lines, characters)
        for left, scheme in zip(lefts, schemes, strict=True)
    ]
    tallest = max(box.height for box in boxes)
    return [replace(box, height=tallest) for box in boxes], [left + each / 2 for left in lefts]


def _box(
    x: float,
    y: float,
    width: float,
    title: str,
    lines: Sequence[str],
    characters: int,
    muted: bool = False,
) -> Box:
    """A box as high as its text, wrapped to a number of characters in a line."""
    bold = textwrap.wrap(title, int(characters * BOLD_SHARE))
    plain = [
        part for line in lines for part in textwrap.wrap(line, characters, subsequent_indent="  ")
    ]
    text = [
        (y + PADDING + FONT_HEIGHT + i * LINE_HEIGHT, words, i < len(bold))
        for i, words in enumerate(bold + plain)
    ]
    return Box(x, y, width, 2 * PADDING + LINE_HEIGHT * len(text), text, muted)
