"""Text tables as people have them: the cohort sheet and a user's feature table are read by this.

Only what can be understood in one way is read; the rest is refused with file, line and remedy.
"""

import csv
import gzip
import io
import zlib
from pathlib import Path

from livermets.core.errors import BadInput

Row = tuple[int, list[str]]  # line of the file, counted from 1, and its cells
NAMES = {",": "commas", "\t": "tabs", ";": "semicolons"}


def read_text_table(path: Path, separator: str, comment: str = "") -> list[Row]:
    """The rows of a table, its header first, all as long as the header.

    Reads UTF-8 and UTF-16 with its mark, gzip whatever the ending, and every kind of line end.
    Blank rows, empty cells beyond the header and lines that begin with `comment` are left out.

    Parameters
    ----------
    path : Path
        The file.
    separator : str
        Between two cells: a comma or a tab.
    comment : str
        Beginning of lines to leave out; "" for none.

    Raises
    ------
    BadInput
        Naming the file, the line and what to do.
    """
    text = _decode(path)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if comment:
        lines = ["" if line.startswith(comment) else line for line in lines]
    reader = csv.reader(io.StringIO("\n".join(lines)), delimiter=separator, strict=True)
    rows: list[Row] = []
    first = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((first, cells))
            first = reader.line_num + 1
    except csv.Error as error:
        raise BadInput(
            f"{path}: line {first}: a quotation mark is not closed, or text follows it ({error}). "
            "Correct the quotation marks of the line."
        ) from error
    if not rows:
        raise BadInput(f"{path} is empty. Write a header and a row for each patient or lesion.")
    return _as_long_as_the_header(rows, path, separator)


def _decode(path: Path) -> str:
    """The text of a file."""
    data = path.read_bytes()
    if data.startswith(b"\x1f\x8b"):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error) as error:
            raise BadInput(
                f"{path} cannot be read: damaged gzip ({error}). Replace the file."
            ) from error
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise BadInput(f"{path} is a spreadsheet (xlsx, xls or ods), not text; save it as CSV.")
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadInput(
            f"{path}: line {line}: a letter cannot be read (the file is not UTF-8). Save it as "
            "`CSV UTF-8`, or in a text editor with the encoding UTF-8."
        ) from error
    if "\0" in text:
        raise BadInput(f"{path} is no text, or UTF-16 without its mark. Save it as `CSV UTF-8`.")
    return text


def _as_long_as_the_header(rows: list[Row], path: Path, separator: str) -> list[Row]:
    """The rows with missing cells filled and empty ones beyond the header left out."""
    header = [name.strip() for name in rows[0][1]]
    while header and not header[-1] and not any("".join(r[len(header) - 1 :]) for _, r in rows[1:]):
        header.pop()
    if len(header) == 1:
        _refuse_other_separator(header[0], path, separator)
    width = len(header)
    for line, cells in rows[1:]:
        if any(cell.strip() for cell in cells[width:]):
            raise BadInput(
                f"{path}: line {line} has {len(cells)} cells and the header {width}. Put quotation "
                f"marks around a cell that holds {NAMES[separator]}, name every column (in R: "
                "write.csv(..., row.names = FALSE)), or remove the cell."
            )
    filled = [(line, (cells + [""] * width)[:width]) for line, cells in rows[1:]]
    return [(rows[0][0], header), *filled]


def _refuse_other_separator(header: str, path: Path, separator: str) -> None:
    """Refuse a table whose only column is a whole header with another separator."""
    for other in NAMES:
        if other != separator and other in header:
            german = " and decimal points (1.5, not 1,5)" if other == ";" else ""
            raise BadInput(
                f"{path}: the cells are separated by {NAMES[other]}, where {NAMES[separator]} are "
                f"needed. Save it with {NAMES[separator]}{german}."
            )
