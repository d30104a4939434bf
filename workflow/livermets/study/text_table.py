"""Text tables (CSV, TSV) as people have them: decoded, split into cells, refused by line.

Only what can be understood in one way is read.
"""

import csv
import io
import re
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

from livermets.core.errors import BadInput

Row = tuple[int, list[str]]  # number of the row as a spreadsheet counts, and its cells
LINES_TO_JUDGE = 50  # below the header, for decimal commas
HINT = re.compile(r'"?sep=(.)"?\s*')  # first line by which Excel is told the separator


def text_rows(file: BinaryIO, path: Path, comment: str = "") -> Iterator[Row]:
    """Yield the rows of a text table one by one, its header first.

    Reads UTF-8 and UTF-16 with its mark and every kind of line end, with tabs or commas between
    the cells. Blank rows and lines that begin with `comment` are left out.

    Parameters
    ----------
    file : file of bytes
        The unpacked table.
    path : Path
        Its name, for messages.
    comment : str
        Beginning of lines to leave out; "" for none.

    Raises
    ------
    BadInput
        Naming the file, the line and what to do.
    """
    lines = _lines(file, path, comment)
    before = 0
    for header in lines:
        before += 1
        if header.strip() and not HINT.fullmatch(header):
            break
    else:
        return
    separator = _separator(header, path)
    if separator == ";":
        raise BadInput(_semicolons(path, before, lines))
    line = header

    def following() -> Iterator[str]:
        nonlocal line
        for line in lines:  # noqa: UP028  keeps the last line
            yield line

    reader = csv.reader(chain([header], following()), delimiter=separator, strict=True)
    width, shortest, first = 0, 0, before
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                _refuse_too_long(cells, width or len(cells), first, separator, path)
                if len(cells) < shortest and not line.endswith("\n"):
                    raise BadInput(
                        f"{path} seems cut short: its last line, {first}, ends after {len(cells)} "
                        f"of {width} cells and without a line end. Copy the file again, or "
                        "complete the line."
                    )
                shortest = min(shortest, len(cells)) if shortest else width and len(cells)
                width = width or len(cells)
                yield first, cells
            first = before + reader.line_num
    except csv.Error as error:
        raise BadInput(
            f"{path}: line {first}: a quotation mark is not closed, or text follows it ({error}). "
            "Correct the quotation marks of the line."
        ) from error


def _lines(file: BinaryIO, path: Path, comment: str) -> Iterator[str]:
    """The lines of a file; a comment becomes an empty line, so that the count stays."""
    mark = file.read(2)
    file.seek(0)
    encoding = "utf-16" if mark in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = io.TextIOWrapper(file, encoding)
    number = 0
    try:
        for number, line in enumerate(text, start=1):
            if "\0" in line:
                raise BadInput(
                    f"{path}: line {number} holds bytes that are no text (the file may be UTF-16 "
                    "without its mark). Save it as `CSV UTF-8`."
                )
            yield "\n" if comment and line.startswith(comment) else line
    except UnicodeDecodeError as error:
        where = "a letter" if encoding == "utf-16" else _undecodable(file)
        needed = encoding.removesuffix("-sig").upper()
        raise BadInput(
            f"{path}: {where} cannot be read: the file is not {needed}. Save it as `CSV UTF-8`, or "
            "in a text editor with the encoding UTF-8."
        ) from error


def _undecodable(file: BinaryIO) -> str:
    """The first letter that is not UTF-8, with its line, as Windows-1252 has it."""
    file.seek(0)
    data = file.read()
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        letter = data[error.start : error.start + 1].decode("cp1252", errors="replace")
        line = before.count(b"\n") + 1
        return f"line {line}: a letter ({letter!r} in Windows-1252)"
    return "a letter"


def _separator(header: str, path: Path) -> str:
    """What stands between the cells of a header: a tab, comma or semicolon."""
    unquoted = re.sub(r'"[^"]*"', "", header).strip("\n")
    if "\t" in unquoted:
        return "\t"
    if ";" in unquoted or "," in unquoted:
        return ";" if unquoted.count(";") > unquoted.count(",") else ","
    for between, what in ((r"\S *\| *\S", "vertical bars"), (r"\S {2,}\S", "blanks")):
        if re.search(between, unquoted):
            raise BadInput(
                f"{path}: the cells are separated by {what}. Save it with commas or tabs between "
                "the cells."
            )
    return ","


def _semicolons(path: Path, header_line: int, lines: Iterator[str]) -> str:
    """The message about semicolons between cells, with a decimal comma if there is one."""
    wanted = "Save it with commas or tabs between the cells"
    for number, line in enumerate(islice(lines, LINES_TO_JUDGE), start=header_line + 1):
        if decimal := re.search(r'(?<=;)"?\s*([-+]?\d+,\d+)"?\s*(?=;|$)', line):
            return (
                f"{path}: the cells are separated by semicolons and decimals have a comma (line "
                f"{number}: {decimal[1]}), as spreadsheets in German and French write them. "
                f"{wanted} and a point in decimals (1.5, not 1,5)."
            )
    return f"{path}: the cells are separated by semicolons. {wanted}."


def _refuse_too_long(cells: list[str], width: int, line: int, separator: str, path: Path) -> None:
    if any(cell.strip() for cell in cells[width:]):
        what = {",": "a comma (decimals need a point, 1.5)", "\t": "a tab"}[separator]
        raise BadInput(
            f"{path}: line {line} has {len(cells)} cells and the header {width}. Put quotation "
            f"marks around a cell that holds {what}, name every column (in R: "
            "write.csv(..., row.names = FALSE)), or remove the cell."
        )
