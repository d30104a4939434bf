"""Confusion matrices of all arms, by lesion and by patient, small side by side."""

from pathlib import Path
from string import ascii_uppercase

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from livermets.report.figures.style import INK, MUTED, save, styled
from livermets.report.formatting import number
from livermets.study.arms import Arm

LEVELS = {"lesion": "by lesion", "patient": "by patient"}
CELL, GAP, WIDE = 0.36, 0.34, 10.4  # inches: a cell, between matrices, the figure
HEAD, FOOT = 0.66, 0.08  # above and below the matrices of a row


def draw_confusion(table: pd.DataFrame, classes: list[str], path: Path) -> Path:
    """For each arm the matrices by lesion and by patient; colour is the share of the true class.

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
    letters = dict(zip(classes, ascii_uppercase, strict=False))
    side = CELL * len(classes)
    room = 2 * side + GAP + 0.75
    columns = max(1, int(WIDE // room))
    rows = -(-len(arms) // columns)
    high = rows * (HEAD + side + FOOT) + 0.35
    with styled():
        figure = Figure(figsize=(WIDE, high))
        key = ", ".join(f"{letter} {name}" for name, letter in letters.items())
        figure.text(
            0.1 / WIDE, 1 - 0.22 / high, f"Rows: truly, columns: called.  {key}", fontsize=9
        )
        for i, arm in enumerate(arms):
            left = 0.3 + room * (i % columns)
            top = high - 0.35 - (i // columns) * (HEAD + side + FOOT)
            title = Arm.parse(arm).title
            x, y = (left - 0.2) / WIDE, (top - 0.18) / high
            figure.text(x, y, title, fontsize=7.5, weight="bold")
            mine = table[table["arm"] == arm]
            for j, (level, title) in enumerate(LEVELS.items()):
                x, y = left + j * (side + GAP), top - HEAD - side
                axis = figure.add_axes((x / WIDE, y / high, side / WIDE, side / high))
                _draw_matrix(axis, mine[mine["level"] == level], letters)
                axis.set_title(title, fontsize=6.5, color=MUTED, weight="normal", pad=13)
        return save(figure, path)


def _draw_matrix(axis: Axes, cells: pd.DataFrame, letters: dict[str, str]) -> None:
    shape = {"index": "truth", "columns": "called"}
    share, count = (
        cells.pivot(**shape, values=what).loc[list(letters), list(letters)].to_numpy()  # noqa: PD010
        for what in ("share", "count")
    )
    axis.imshow(share, cmap="Blues", vmin=0, vmax=1.25)
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
