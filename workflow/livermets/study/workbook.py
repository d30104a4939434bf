"""Workbooks (xlsx): the rows of one worksheet as text, as the spreadsheet shows them."""

import datetime
import logging
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from xml.etree.ElementTree import ParseError

from livermets.core.errors import BadInput
from livermets.core.text import list_names
from livermets.study.text_table import Row

if TYPE_CHECKING:
    from openpyxl import Workbook

log = logging.getLogger(__name__)
UNREADABLE = (zipfile.BadZipFile, ParseError, KeyError, ValueError, TypeError, OSError, EOFError)
EXACT = 10**15  # a spreadsheet keeps fifteen digits of a number


def workbook_rows(file: BinaryIO, path: Path, worksheet: str) -> Iterator[Row]:
    """Yield the rows of a workbook one by one, its header first, blank rows left out.

    Reads the one worksheet that is visible and filled. Of several, the one with the name
    `worksheet` is read.

    Parameters
    ----------
    file : file of bytes
        The workbook.
    path : Path
        Its name, for messages.
    worksheet : str
        Name of the worksheet to read where there are several.

    Raises
    ------
    BadInput
        If the workbook is damaged, has several worksheets, or holds a formula without its result.
    """
    try:
        book = _load(file, path, data_only=True)
        sheet = _choose(book, path, worksheet)
        formulas = _load(file, path, data_only=False)[sheet.title] if _has_formulas(file) else None
        for other in (sheet, formulas):
            if other is not None:
                other.reset_dimensions()  # some programs write a wrong size
        _refuse_hidden_rows(file, sheet, path)
        padded = False
        written = formulas.iter_rows() if formulas is not None else iter(())
        for number, cells in enumerate(sheet.iter_rows(), start=1):
            _refuse_unsolved(cells, next(written, ()), path)
            row = [_text(cell) for cell in cells]
            padded = padded or any(_shown_around(cell)[1] for cell in cells)
            if any(text.strip() for text in row):
                yield number, row
        if padded:
            log.info("%s: numbers shown with zeros in front (007) are read as they are shown", path)
    except BadInput:
        raise
    except UNREADABLE as error:
        raise BadInput(
            f"{path} cannot be read: damaged workbook ({' '.join(str(error).split())}). Open it in "
            "a spreadsheet program and save it again, as xlsx or CSV."
        ) from error


def _load(file: BinaryIO, path: Path, data_only: bool) -> "Workbook":
    try:
        from openpyxl import load_workbook  # not needed by studies without a workbook
    except ImportError as error:
        raise BadInput(
            f"{path} is a workbook, which needs the package openpyxl. Install it, or save the "
            "table as CSV."
        ) from error
    with zipfile.ZipFile(file) as archive:
        if "xl/workbook.xml" not in archive.namelist():
            raise BadInput(
                f"{path} is a zip archive or an OpenDocument table. Unpack it, or save it as xlsx "
                "or CSV."
            )
    return load_workbook(file, read_only=True, data_only=data_only)


def _has_formulas(file: BinaryIO) -> bool:
    with zipfile.ZipFile(file) as archive:
        names = (name for name in archive.namelist() if name.startswith("xl/worksheets/sheet"))
        return any(re.search(rb"<f[ >/]", archive.read(name)) for name in names)


def _refuse_hidden_rows(file: BinaryIO, sheet: Any, path: Path) -> None:
    """Refuse rows that a filter hides, as nobody sees whether they belong to the table."""
    with zipfile.ZipFile(file) as archive:
        rows = re.findall(rb"<row\b[^>]*>", archive.read(sheet._worksheet_path.lstrip("/")))
    hidden = [row for row in rows if re.search(rb'\bhidden="(1|true)"', row)]
    if hidden:
        number = re.search(rb'\br="(\d+)"', hidden[0])
        where = f" (row {number[1].decode()})" if number else ""
        raise BadInput(
            f"{path}: the worksheet {sheet.title} hides {len(hidden)} rows{where}. Show them or "
            "delete them, so that it is plain who is in the table."
        )


def _choose(book: "Workbook", path: Path, worksheet: str) -> Any:
    """The worksheet to read."""
    filled = [
        sheet for sheet in book.worksheets if sheet.sheet_state == "visible" and _is_filled(sheet)
    ]
    named = [sheet for sheet in filled if sheet.title.strip().casefold() == worksheet]
    if len(filled) > 1 and not named:
        raise BadInput(
            f"{path} has {len(filled)} worksheets ({list_names(s.title for s in filled)}). Give "
            f"the one to read the name `{worksheet}`, or save it as a file of its own."
        )
    if not filled:
        raise BadInput(f"{path} is empty. Write a header and a row for each patient or lesion.")
    return (named or filled)[0]


def _is_filled(sheet: Any) -> bool:
    sheet.reset_dimensions()
    return any(cell is not None for row in sheet.iter_rows(values_only=True) for cell in row)


def _refuse_unsolved(cells: tuple, written: tuple, path: Path) -> None:
    """Refuse a formula whose result the workbook does not hold."""
    for cell, formula in zip(cells, written, strict=False):
        if formula.value is not None and cell.value is None:
            raise BadInput(
                f"{path}: the cell {formula.coordinate} holds a formula without its result. Open "
                "the workbook in a spreadsheet program and save it, or save the table as CSV."
            )


def _text(cell: Any) -> str:
    """The text of a cell: numbers without a needless decimal, and with the zeros shown."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float) and abs(value) >= EXACT:
        return str(float(value))  # its last digits are lost, which the digits would hide
    if isinstance(value, int | float) and value == int(value):
        before, digits = _shown_around(cell)
        return before + str(int(value)).zfill(digits)
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        value = value.date()
    return str(value)


def _shown_around(cell: Any) -> tuple[str, int]:
    """Text and least digits that a whole number is shown with: ("P", 2) if 7 is shown as P07."""
    if not isinstance(cell.value, int | float):
        return "", 0
    shown = re.fullmatch(r'(?:"([^"]*)")?(0{2,})', cell.number_format or "")
    return (shown[1] or "", len(shown[2])) if shown else ("", 0)
