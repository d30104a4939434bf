"""Cells of the tables that users give: which are missing, which are numbers, what they say.

The workflow imports this while it plans, so only the standard library and pandas are used.
"""

import math
from collections.abc import Sequence

import pandas as pd

# As pandas reads them. `none` is not among them: it is a category (no chemotherapy).
MISSING = {"#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "1.#IND", "1.#QNAN", "<NA>", "N/A"}
MISSING |= {"NA", "NULL", "NaN", "-NaN", "nan", "-nan", "None", "n/a", "null"}


def cell_text(cells: Sequence[object] | pd.Series) -> list[str]:
    """Cells as text without blanks around them; a missing cell is ""."""
    column = pd.Series(list(cells), dtype=object)
    texts = [
        "" if empty else str(cell).strip()
        for cell, empty in zip(column, column.isna(), strict=True)
    ]
    return ["" if text in MISSING else text for text in texts]


def as_text(cells: pd.Series) -> pd.Series:
    """Names as text without blanks around them: 7 and 7.0 are "7", an empty cell is "".

    The texts `None` and `NA` stay, as a class may have that name.
    """
    if pd.api.types.is_float_dtype(cells) and (cells.dropna() % 1 == 0).all():
        cells = cells.astype("Int64")
    return cells.astype(object).where(cells.notna(), "").astype(str).str.strip()


def as_numbers(cells: pd.Series) -> tuple[pd.Series, list[int]]:
    """Cells as floats.

    Parameters
    ----------
    cells : series
        Numbers, or text with a decimal point.

    Returns
    -------
    numbers : series of float
        NaN where a cell is missing or no number.
    wrong : list of int
        Places of the filled cells that are no number.
    """
    if pd.api.types.is_numeric_dtype(cells):
        return cells.astype("float64"), []
    numbers, wrong = [], []
    for place, text in enumerate(cell_text(cells)):
        number = _number(text)
        if number is None:
            wrong.append(place)
        numbers.append(math.nan if number is None else number)
    return pd.Series(numbers, cells.index, dtype="float64", name=cells.name), wrong


def _number(text: str) -> float | None:
    """The number that a text says, NaN for an empty one and None for no number."""
    text = text.replace("\N{MINUS SIGN}", "-")  # as word processors write it
    try:
        return float(text or "nan") if "_" not in text else None  # Python reads 1_000 as 1000
    except ValueError:
        return None
