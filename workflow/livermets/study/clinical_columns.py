"""Clinical columns: which they are in a features table, and which of them are numbers.

Table 1, the classifiers and the subgroups follow the same rule.

The workflow imports this while it plans, so only the standard library and pandas are used.
"""

import re
from collections.abc import Hashable, Iterable, Sequence

import pandas as pd

from livermets.study.cells import cell_text
from livermets.study.names import CLINICAL

# A numeric column with no more values than these is one of categories, such as a stage of 1 to 4.
FEW_VALUES = 5
CODES = {-9.0, -99.0, -999.0, -9999.0, -99999.0, 99.0, 999.0, 9999.0, 99999.0}
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
LIKE_A_NUMBER = re.compile(r"[-+]?\d+(,\d+)?")  # 61,5


def clinical_columns(columns: Iterable[Hashable]) -> list[str]:
    """The clinical columns of a features table, numbers or not, with their prefix."""
    return [name for name in map(str, columns) if name.startswith(CLINICAL)]


def is_numeric(cells: Sequence[object] | pd.Series) -> bool:
    """Whether a column is numeric: it has filled cells, and all of them are numbers."""
    filled = [text for text in cell_text(cells) if text]
    return bool(filled) and all(map(NUMBER.fullmatch, filled))


def odd_cells(cells: Sequence[object] | pd.Series) -> list[int]:
    """Places of the cells that keep a column from being numeric; empty for a column of words.

    A column is meant to be numeric if half of its filled cells or more are numbers, decimal commas
    included. `unknown`, `61,5` and `>89` in a column of ages are odd, and so is -999 (see
    `missing_codes`).
    """
    filled = {place: text for place, text in enumerate(cell_text(cells)) if text}
    odd = [place for place, text in filled.items() if not NUMBER.fullmatch(text)]
    words = [place for place in odd if not LIKE_A_NUMBER.fullmatch(filled[place])]
    if 2 * len(words) > len(filled) or len(words) == len(filled):
        return []
    numbers = [place for place in filled if place not in odd]
    codes = missing_codes([float(filled[place]) for place in numbers])
    return sorted([*odd, *(numbers[code] for code in codes)])


def missing_codes(numbers: Sequence[float]) -> list[int]:
    """Places of numbers that stand for a missing value, such as -999 in a column of ages.

    These are the numbers of `CODES` that lie further from all others than these lie apart.

    Parameters
    ----------
    numbers : sequence of float
        The numbers of one column, without missing ones.
    """
    others = [number for number in numbers if number not in CODES]
    if len(set(others)) < 2:
        return []
    low, high = min(others), max(others)
    beyond = high - low
    return [
        place
        for place, number in enumerate(numbers)
        if number in CODES and not low - beyond <= number <= high + beyond
    ]


def odd_cell_remedy(column: str) -> str:
    """What to do about odd cells, for a message."""
    return (
        f"Most cells of `{column}` are numbers: write a number with a decimal point (no code such "
        "as -999 for a missing one), or empty the cell, or set `on_bad_cell: missing` in the "
        "config to count such cells as missing (if the column holds categories, write them as "
        "words)."
    )
