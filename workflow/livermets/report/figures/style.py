"""Style of all figures: colours, fonts, panels, and files whose bytes do not depend on the run.

Every figure is as wide as one column or two columns of a journal, and is saved for the page and for
the paper at once. Figures are made without pyplot, so that nothing is left in matplotlib's global
state.
"""

import logging
from contextlib import AbstractContextManager
from pathlib import Path
from textwrap import fill
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from livermets.core.io import atomic_path, write_json, write_text
from livermets.report.figures.curve_values import curve_values

# It tells of every table of every font that it embeds
logging.getLogger("fontTools").setLevel(logging.WARNING)

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
PRINT_DPI = 300
NO_DATE: dict[str, dict[str, Any]] = {
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    ".png": {"Software": None},
}
INK, MUTED, FAINT = "#1f2933", "#6b7280", "#d5d9de"
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same text everywhere
    "font.size": 8,
    "axes.titlesize": 8.5,
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
    "legend.fontsize": 7,
    "svg.hashsalt": "livermets",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,  # TrueType: embedded, and text that can be searched and edited
}


def class_colours(classes: list[str], positive: str) -> dict[str, str]:
    """Choose the colour of each class; the positive class is blue, as in the paper's Fig. 4."""
    negatives = [name for name in classes if name != positive]
    colours = {name: NEGATIVES[i % len(NEGATIVES)] for i, name in enumerate(negatives)}
    return colours | {positive: POSITIVE}


def figure_style() -> AbstractContextManager[None]:
    """The context in which figures are made and saved."""
    return matplotlib.rc_context(STYLE)


def save(figure: Figure, path: Path, caption: str) -> Path:
    """Write a figure as SVG, PDF and PNG, with its caption and the values of its curves beside it.

    No file holds a date or a version of matplotlib.

    Parameters
    ----------
    figure : Figure
        The figure.
    path : Path
        The SVG file. The others have the endings of `livermets.study.outputs.FIGURE_FILES`.
    caption : str
        The caption, in one paragraph.

    Returns
    -------
    Path
        The SVG file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for ending, metadata in NO_DATE.items():
        with atomic_path(path.with_suffix(ending)) as unfinished:
            figure.savefig(unfinished, dpi=PRINT_DPI, metadata=metadata)
    write_text(path.with_suffix(".txt"), caption + "\n")
    write_json(path.with_suffix(".json"), {"panels": curve_values(figure)})
    return path


def panel_grid(blocks: dict[str, int], columns: int, height: float) -> tuple[Figure, list[Axes]]:
    """A figure of square panels, each with space below for a legend.

    It is as wide as two columns of a journal; a single panel is as wide as one.

    Parameters
    ----------
    blocks : dict of str to int
        Heading of each block -> number of panels. A block begins a new row; an empty heading is not
        drawn.
    columns : int
        The most panels in a row.
    height : float
        Height of a panel in inches, with its labels and legend.

    Returns
    -------
    tuple of Figure and list of Axes
        The figure and its panels, row by row.
    """
    width = SINGLE_COLUMN if max(blocks.values()) == 1 else DOUBLE_COLUMN
    size = (width - 0.05 if max(blocks.values()) == 1 else (width - 0.05) / columns, height)
    heading = {text: 0.35 if text else 0.0 for text in blocks}
    rows = {text: -(-n // columns) for text, n in blocks.items()}
    height = sum(heading[text] + size[1] * rows[text] for text in blocks)
    figure = Figure(figsize=(width, height))
    side = min(size[0], 2.4) - 0.55
    top, axes = height, []
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
        figure = Figure(figsize=(DOUBLE_COLUMN, 0.8))
        figure.text(0.5, 0.5, fill(message, 90), ha="center", va="center", color=MUTED)
        return save(figure, path, message)


def set_unit_axes(axis: Axes) -> None:
    """Set both axes from 0 to 1, of equal length, with three ticks."""
    axis.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axis.set_xticks([0, 0.5, 1], ["0", ".5", "1"])
    axis.set_yticks([0, 0.5, 1], ["0", ".5", "1"])
