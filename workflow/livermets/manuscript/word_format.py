"""A document and tables as Word files; the same content gives the same bytes."""

import io
import zipfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import docx

from livermets.core.io import atomic_path
from livermets.manuscript.document import Document
from livermets.manuscript.references import reference_text

MADE = datetime(2000, 1, 1, tzinfo=UTC)  # in place of the time of writing


def write_word(document: Document, path: str | Path) -> None:
    """Write a document as a Word file with numbered references."""
    word = docx.Document()
    word.add_heading(document.title, level=1)
    for block in document.blocks:
        text = block.text(document.numbers)
        if block.heading:
            word.add_heading(text, level=2)
        else:
            word.add_paragraph(text)
    word.add_heading("References", level=2)
    for number, key in enumerate(document.cited, start=1):
        word.add_paragraph(f"{number}. {reference_text(key)}")
    save_word(word, path)


def add_table(word: "docx.document.Document", rows: Iterable[Sequence[str]]) -> None:
    """Add a table with its first row as the heading."""
    rows = list(rows)
    table = word.add_table(rows=0, cols=len(rows[0]), style="Light Grid Accent 1")
    for row in rows:
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text


def save_word(word: "docx.document.Document", path: str | Path) -> None:
    """Save a Word document without the time of writing."""
    word.core_properties.author = "livermets"
    word.core_properties.created = word.core_properties.modified = MADE
    written = io.BytesIO()
    word.save(written)
    with (
        atomic_path(path) as unfinished,
        zipfile.ZipFile(written) as source,
        zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            target.writestr(
                zipfile.ZipInfo(name, MADE.timetuple()[:6]),
                source.read(name),
                compress_type=zipfile.ZIP_DEFLATED,
            )
