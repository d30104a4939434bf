"""Table files that users give: the one reader of cohort sheets, features and predictions.

Reads CSV, TSV, xlsx and Parquet, packed with gzip or not, by what the file holds. Only what can be
understood in one way is read; the rest is refused with file, row and remedy.

The workflow imports this while it plans, so only the standard library and pandas are used, and
pyarrow and openpyxl where a file needs them.
"""

import gzip
import io
import logging
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import pandas as pd

from livermets.core.errors import BadInput
from livermets.core.text import list_names
from livermets.study.text_table import Row, text_rows
from livermets.study.workbook import workbook_rows

log = logging.getLogger(__name__)
ENDINGS = (".csv", ".tsv", ".txt", ".xlsx", ".parquet")
GZIP, ZIP, PARQUET = b"\x1f\x8b", b"PK\x03\x04", b"PAR1"
# First bytes of files that are often called .csv or .xlsx and are none.
OTHERS = {
    b"\xd0\xcf\x11\xe0": "an old xls workbook, or one with a password",
    b"<": "a web page or XML",
    b"%PDF": "a PDF",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ": "packed with xz",
    b"(\xb5/\xfd": "packed with zstandard",
}


def read_table_file(path: str | Path, worksheet: str, comment: str = "") -> pd.DataFrame:
    """Read a table that a user gives.

    A column without a name that is empty or numbers the rows is left out, as are blank rows and
    empty cells beyond the header.

    Parameters
    ----------
    path : path
        CSV, TSV, xlsx or Parquet, also packed with gzip.
    worksheet : str
        Name of the worksheet to read if a workbook has several.
    comment : str
        Beginning of lines of text to leave out; "" for none.

    Returns
    -------
    data frame
        The cells as text, "" where empty; of Parquet the columns as they are. The index holds the
        number of each row: in the file (the header usually has 1), in Parquet from 1.

    Raises
    ------
    BadInput
        Naming the file, the row or column, and what to do.
    """
    path = Path(path)
    with _opened(path) as file:
        if _kind(file, path) == PARQUET:
            import pyarrow.parquet as pq  # not needed by studies that start from images

            parquet = pq.ParquetFile(_seekable(file))
            _refuse_repeated(parquet.schema_arrow.names, path)
            table = parquet.read().to_pandas(ignore_metadata=True)
            table.index = pd.RangeIndex(1, len(table) + 1)
            return _frame(list(table.columns), [table[c] for c in table], table.index, path)
        (_, header), *rows = _filled_rows(file, path, worksheet, comment)
    width = max([len(header), *(len(cells) for _, cells in rows)])
    short = [row for row, cells in rows if len(cells) < len(header)]
    if short:
        log.warning(
            "%s: row %s has fewer cells than the header; the last columns count as empty there",
            path,
            list_names(map(str, short)),
        )
    padded = [cells + [""] * (width - len(cells)) for cells in [header, *(r for _, r in rows)]]
    columns = [list(cells[1:]) for cells in zip(*padded, strict=True)]
    index = pd.Index([row for row, _ in rows], dtype="int64")
    return _frame([_name(cell) for cell in padded[0]], columns, index, path)


def read_table_columns(path: str | Path, worksheet: str, comment: str = "") -> list[str]:
    """Read the names of the columns of a user's table, and nothing below them.

    Raises
    ------
    BadInput
        As `read_table_file`.
    """
    path = Path(path)
    with _opened(path) as file:
        if _kind(file, path) == PARQUET:
            import pyarrow.parquet as pq  # not needed by studies that start from images

            names: list[str] = pq.read_schema(_seekable(file)).names
        else:
            names = [_name(cell) for cell in next(_filled_rows(file, path, worksheet, comment))[1]]
    _refuse_repeated(names, path)
    return [name for name in names if name and not name.startswith("__index_level_")]


def ending_of(path: Path) -> str:
    """The ending of a table's name, as it is written (.csv, .CSV.gz); "" for that of no table."""
    parts = path.suffixes[-2:] if path.suffix.lower() == ".gz" else path.suffixes[-1:]
    return "".join(parts) if parts and parts[0].lower() in ENDINGS else ""


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The file, unpacked; what goes wrong while it is read is said in a sentence."""
    if not ending_of(path):
        raise BadInput(
            f"{path} has the ending of no table. Save it as {', '.join(ENDINGS)} (or .gz of one)."
        )
    try:
        with path.open("rb") as file:
            packed = file.read(2) == GZIP
            file.seek(0)
            yield cast(BinaryIO, gzip.GzipFile(fileobj=file) if packed else file)
    except BadInput:
        raise
    except FileNotFoundError as error:
        raise BadInput(f"the table {path} does not exist. Correct the path.") from error
    except (IsADirectoryError, PermissionError) as error:
        raise BadInput(
            f"{path} cannot be opened: {error.strerror}. Name a file that you may read."
        ) from error
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise BadInput(
            f"{path} cannot be read: damaged or cut short ({' '.join(str(error).split())}). "
            "Replace the file."
        ) from error


def _kind(file: BinaryIO, path: Path) -> bytes:
    """What a file holds by its first bytes: `PARQUET`, `ZIP`, or b"" for text."""
    start = file.read(8)
    file.seek(0)
    for begins, what in OTHERS.items():
        if start.lstrip(b"\xef\xbb\xbf").startswith(begins):
            raise BadInput(f"{path} is {what}, no table. Save it as xlsx or CSV.")
    kind = next((kind for kind in (PARQUET, ZIP) if start.startswith(kind)), b"")
    if kind != PARQUET and ".parquet" in path.name.lower():
        raise BadInput(f"{path} cannot be read: it is no Parquet file. Write it again.")
    return kind


def _seekable(file: BinaryIO) -> BinaryIO:
    """The file, in memory if it is packed, as going back in gzip means to unpack it again."""
    return io.BytesIO(file.read()) if isinstance(file, gzip.GzipFile) else file


def _filled_rows(file: BinaryIO, path: Path, worksheet: str, comment: str) -> Iterator[Row]:
    """The rows of text or of a workbook; a file without any is refused."""
    workbook = _kind(file, path) == ZIP
    rows = (
        workbook_rows(_seekable(file), path, worksheet)
        if workbook
        else text_rows(file, path, comment)
    )
    empty = True
    for number, cells in rows:
        if comment and cells[0].startswith(comment):  # of a workbook
            continue
        empty = False
        yield number, cells
    if empty:
        raise BadInput(f"{path} is empty. Write a header and a row for each patient or lesion.")


def _frame(names: list[str], columns: list[Any], index: pd.Index, path: Path) -> pd.DataFrame:
    """The table without columns that have no name; others may hold nothing but row numbers."""
    _refuse_repeated(names, path)
    kept = {}
    for place, (name, cells) in enumerate(zip(names, columns, strict=True), start=1):
        if name and not name.startswith("__index_level_"):
            kept[name] = cells if isinstance(cells, pd.Series) else pd.Series(cells, index, str)
            continue
        texts = [str(cell).strip() for cell in cells]
        if any(texts) and not _counts_rows(texts):
            raise BadInput(
                f"{path}: column {place} has no name. Name it, or remove it (the first row has to "
                "hold the names of the columns: delete a title above them)."
            )
        if any(texts):
            log.info("%s: left out column %d, which has no name and counts the rows", path, place)
    return pd.DataFrame(kept, index=index)


def _name(cell: str) -> str:
    """The name of a column, without blanks around it and letters that nobody sees."""
    return "".join(c for c in cell if unicodedata.category(c) != "Cf").strip()


def _counts_rows(texts: list[str]) -> bool:
    """Whether cells are 0, 1, 2, ... or 1, 2, 3, ..."""
    return any(texts == [str(start + i) for i in range(len(texts))] for start in (0, 1))


def _refuse_repeated(names: list[str], path: Path) -> None:
    repeated = [name for name, times in Counter(names).items() if name and times > 1]
    if repeated:
        raise BadInput(f"{path}: column {repeated[0]} is there twice. Rename or remove one.")
