"""Style of all figures: colours, fonts, panels, and files whose bytes do not depend on the run.

Figures are made without pyplot, so that nothing is left in matplotlib's global state.
"""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from livermets.core.io import atomic_path

# Okabe & Ito's colours, told apart with any colour vision
POSITIVE = "#0072B2"
NEGATIVES = ("#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
RESAMPLING_COLOURS = {
    "none": "#0072B2",
    "weights": "#CC79A7",
    "undersample": "#E69F00",
    "smote": "#009E73",
}
CYCLE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
# Widths of a page's columns that the journals of the field take, in inches: 84 mm and 174 mm
# (Springer's; those of Elsevier, Nature and RSNA are a few millimetres wider)
SINGLE_COLUMN, DOUBLE_COLUMN = 84 / 25.4, 174 / 25.4
INK, MUTED, FAINT = "#1f2933", "#6b7280", "#d5d9de"
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same text everywhere
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.7,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "svg.hashsalt": "livermets",
    "svg.fonttype": "path",
}


def class_colours(classes: list[str], positive: str) -> dict[str, str]:
    """Choose the colour of each class; the positive class is blue, as in the paper's Fig. 4."""
    negatives = [name for name in classes if name != positive]
    colours = {name: NEGATIVES[i % len(NEGATIVES)] for i, name in enumerate(negatives)}
    return colours | {positive: POSITIVE}


def figure_style() -> AbstractContextManager[None]:
    """The context in which figures are made and saved."""
    return matplotlib.rc_context(STYLE)


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as SVG or PNG, without a date or a version of matplotlib in the file."""
    vector = path.suffix == ".svg"
    metadata = {"Date": None, "Creator": None} if vector else {"Software": None}
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as unfinished:
        figure.savefig(unfinished, dpi=72 if vector else 150, metadata=metadata)
    return path


def panel_grid(
    blocks: dict[str, int], columns: int = 4, size: tuple[float, float] = (2.5, 3.5)
) -> tuple[Figure, list[Axes]]:
    """A figure of square panels, each with space below for a legend.

    Parameters
    ----------
    blocks : dict of str to int
        Heading of each block -> number of panels. A block begins a new row; an empty heading is not
        drawn.
    columns : int
        The most panels in a row.
    size : tuple of float
        Width and height of a panel in inches, with its labels and legend.

    Returns
    -------
    tuple of Figure and list of Axes
        The figure and its panels, row by row.
    """
    columns = min(columns, max(blocks.values()))
    heading = {text: 0.35 if text else 0.0 for text in blocks}
    rows = {text: -(-n // columns) for text, n in blocks.items()}
    width = size[0] * columns + 0.25
    height = sum(heading[text] + size[1] * rows[text] for text in blocks)
    figure = Figure(figsize=(width, height))
    side, top, axes = size[0] - 0.55, height, []
    for text, n in blocks.items():
        if text:
            figure.text(0.1 / width, (top - 0.2) / height, text, fontsize=11, weight="bold")
        top -= heading[text]
        for i in range(n):
            x = 0.55 + size[0] * (i % columns)
            y = top - size[1] * (i // columns) - 0.3 - side
            axes.append(figure.add_axes((x / width, y / height, side / width, side / height)))
        top -= size[1] * rows[text]
    return figure, axes


def draw_message(path: Path, message: str) -> Path:
    """Write a figure that holds one sentence in place of a plot that has no data."""
    with figure_style():
        figure = Figure(figsize=(6, 1))
        figure.text(0.5, 0.5, message, ha="center", va="center", color=MUTED)
        return save(figure, path)


def set_unit_axes(axis: Axes) -> None:
    """Set both axes from 0 to 1, of equal length, with three ticks."""
    axis.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axis.set_xticks([0, 0.5, 1], ["0", ".5", "1"])
    axis.set_yticks([0, 0.5, 1], ["0", ".5", "1"])
