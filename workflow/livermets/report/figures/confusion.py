"""Confusion matrices of all arms, by patient and by lesion."""

from pathlib import Path
from string import ascii_uppercase

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from livermets.report.figures.style import DOUBLE_COLUMN, INK, MUTED, figure_style, save
from livermets.report.formatting import number
from livermets.study.arms import Arm

CAPTION = "Rows: true class. Columns: predicted class. Darker: a larger share of the true class."
LEVELS = {"patient": "by patient", "lesion": "by lesion"}  # from the left
CELL, GAP = 0.36, 0.34  # inches: a cell, between matrices
WIDTH = DOUBLE_COLUMN
MARGIN_TOP, MARGIN_BOTTOM = 0.66, 0.08  # inches, above and below the matrices of a row


def draw_confusion(table: pd.DataFrame, classes: list[str], path: Path) -> Path:
    """Draw the confusion matrices of each arm; colour is the share of the true class.

    Parameters
    ----------
    table : DataFrame
        The rows of one scheme, as `livermets.evaluation.confusion.confusion` returns them.
    classes : list of str
        Class names.
    path : Path
        The file.

    Returns
    -------
    Path
        The file.
    """
    arms = sorted(table["arm"].unique(), key=Arm.parse)
    levels = {name: title for name, title in LEVELS.items() if (table["level"] == name).any()}
    letters = dict(zip(classes, ascii_uppercase, strict=False))
    side = CELL * len(classes)
    arm_width = len(levels) * (side + GAP) - GAP + 0.75
    columns = max(1, int(WIDTH // arm_width))
    rows = -(-len(arms) // columns)
    row_height = MARGIN_TOP + side + MARGIN_BOTTOM
    height = rows * row_height + 0.35
    with figure_style():
        figure = Figure(figsize=(WIDTH, height))
        legend = ", ".join(f"{letter} {name}" for name, letter in letters.items())
        figure.text(
            0.1 / WIDTH,
            1 - 0.22 / height,
            f"Rows: truly, columns: called.  {legend}",
            fontsize=9,
        )
        for i, arm in enumerate(arms):
            left = 0.3 + arm_width * (i % columns)
            top = height - 0.35 - (i // columns) * row_height
            title = Arm.parse(arm).title
            x, y = (left - 0.2) / WIDTH, (top - 0.18) / height
            figure.text(x, y, title, fontsize=7.5, weight="bold")
            cells = table[table["arm"] == arm]
            for j, (level, title) in enumerate(levels.items()):
                x, y = left + j * (side + GAP), top - MARGIN_TOP - side
                axis = figure.add_axes((x / WIDTH, y / height, side / WIDTH, side / height))
                _draw_matrix(axis, cells[cells["level"] == level], letters)
                axis.set_title(title, fontsize=6.5, color=MUTED, weight="normal", pad=13)
        means = " Means over repeats." if (table["scheme"] == "cv").any() else ""
        return save(figure, path, CAPTION + means)


def _draw_matrix(axis: Axes, cells: pd.DataFrame, letters: dict[str, str]) -> None:
    shape = {"index": "truth", "columns": "called"}
    share, count = (
        cells.pivot(**shape, values=column).loc[list(letters), list(letters)].to_numpy()  # noqa: PD010
        for column in ("share", "count")
    )
    axis.imshow(share, cmap="Blues", vmin=0, vmax=1.25, interpolation="none")
    for i, row in enumerate(count):
        for j, value in enumerate(row):
            text = f"{value:.0f}" if value == round(value) or value >= 100 else number(value, 1)
            dark = share[i, j] > 0.6
            axis.text(j, i, text, ha="center", va="center", fontsize=6.5,
                      color="white" if dark else INK)  # fmt: skip
    axis.set_xticks(range(len(letters)), letters.values(), fontsize=6.5)
    axis.set_yticks(range(len(letters)), letters.values(), fontsize=6.5)
    axis.xaxis.tick_top()
    axis.tick_params(length=0, pad=1)
    for spine in axis.spines.values():
        spine.set_visible(False)
