"""The flow diagram of the patients (Fig. 1 of the paper)."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from livermets.report.figures.style import DOUBLE_COLUMN, INK, MUTED, figure_style, save
from livermets.report.patient_flow import Step, flow_steps

CAPTION = (
    "The patients of the cohort, the exclusions with their reasons, and the division into "
    "training and test patients."
)
FONT_SIZE = 7  # points
COLOURS = {
    False: ("#f3f6fa", "#8aa0b8"),
    True: ("#fff7ed", "#d9a066"),
}  # of boxes and of muted ones

# Sizes in units, of which the drawing is about 800 wide
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
    """Draw the diagram.

    Parameters
    ----------
    path : Path or str
        The SVG file, in which text stays text.
    **tables
        The arguments of `flow_steps`.

    Returns
    -------
    Path
        The file.
    """
    layout = _layout(*flow_steps(**tables))
    width, height = layout["width"], layout["height"]
    with figure_style(), matplotlib.rc_context({"svg.fonttype": "none"}):
        figure = Figure(figsize=(DOUBLE_COLUMN, DOUBLE_COLUMN * height / width))
        axis = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
        axis.set_axis_off()
        for arrow in layout["arrows"]:
            _draw_arrow(axis, arrow, layout["rail"])
        if layout["rail"]:
            left, right, y = layout["rail"]
            axis.plot([left, right], [y, y], color=MUTED, lw=0.7)
        for box in layout["boxes"]:
            _draw_box(axis, box)
        return save(figure, Path(path), CAPTION)


def _draw_box(axis: Axes, box: Box) -> None:
    fill, edge = COLOURS[box.muted]
    axis.add_patch(
        FancyBboxPatch(
            (box.x, box.y), box.width, box.height, boxstyle="round,pad=0,rounding_size=5", fc=fill,
            ec=edge, lw=0.7,
        )
    )  # fmt: skip
    for y, words, bold in box.text:
        axis.text(box.x + PADDING, y, words, fontsize=FONT_SIZE, parse_math=False,
                  weight="bold" if bold else "normal", color=INK)  # fmt: skip


def _draw_arrow(axis: Axes, arrow: Arrow, rail: Arrow | None) -> None:
    """Draw an arrow; one that ends on the rail has no tip."""
    x, y, to_x, to_y = arrow
    style = "-" if rail and to_y == rail[2] else "-|>,head_length=0.25,head_width=0.12"
    shape = {"arrowstyle": style, "color": MUTED, "lw": 0.7, "shrinkA": 0, "shrinkB": 0}
    axis.annotate("", xy=(to_x, to_y), xytext=(x, y), arrowprops=shape)


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
