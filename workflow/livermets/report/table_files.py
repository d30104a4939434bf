"""Files of the report's tables for a paper: Word, LaTeX and TSV."""

import csv
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

from docx import Document
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.shared import Mm, Pt
from docx.table import Table, _Row

from livermets.core.io import atomic_path, write_text
from livermets.report.page_tables import PageTable

ALL = "all_tables"  # name of the files that hold every table
STYLE = "Light Shading"  # of Word: lines above and below, shaded rows
FONT_SIZE = 8  # points
WIDE = 6  # a table of more columns stands on a page in landscape format
A4 = (210, 297)  # mm
EPOCH = (1980, 1, 1, 0, 0, 0)  # the date of a file inside a Word file, so that bytes are the same
NUMBER = r"0123456789.-−–<>%()"

LATEX = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "−": "$-$",
    "–": "--",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "ρ": r"$\rho$",
    "²": r"\textsuperscript{2}",
    "³": r"\textsuperscript{3}",
    "µ": r"\textmu{}",
    "°": r"\textdegree{}",
    "“": "``",
    "”": "''",
    "’": "'",
    "\u00a0": "~",
}
PREAMBLE = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{textcomp,booktabs,longtable,pdflscape}
\usepackage[a4paper,margin=15mm]{geometry}
\begin{document}
"""


def write_table_files(folder: Path | str, tables: Sequence[PageTable]) -> None:
    """Write each table as {name}.docx, {name}.tex and {name}.tsv, and all of them in one file.

    Parameters
    ----------
    folder : Path or str
        The folder to write to.
    tables : sequence of PageTable
        The tables.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for table in tables:
        write_word(folder / f"{table.name}.docx", [table])
        write_text(folder / f"{table.name}.tex", latex(table))
        write_text(folder / f"{table.name}.tsv", tsv(table))
    write_word(folder / f"{ALL}.docx", tables)
    whole = "\n".join([PREAMBLE, *map(latex, tables), "\\end{document}\n"])
    write_text(folder / f"{ALL}.tex", whole)


def tsv(table: PageTable) -> str:
    """The table as tab-separated text."""
    lines = io.StringIO()
    rows = [table.headings, *table.rows] if table.headings else table.rows
    csv.writer(lines, delimiter="\t", lineterminator="\n").writerows(rows)
    return lines.getvalue()


def latex(table: PageTable) -> str:
    """The table as a longtable of LaTeX; it needs booktabs, longtable and pdflscape."""
    n = table.columns
    lines = [
        rf"\begin{{longtable}}{{{'l' * n}}}",
        rf"\caption{{{_latex(table.title)}}}\\",
    ]
    lines.append(r"\toprule")
    if table.headings:
        lines += [" & ".join(map(_latex, table.headings)) + r" \\", r"\midrule", r"\endhead"]
    for row in table.rows:
        if len(row) == 1 and n > 1:
            lines.append(rf"\multicolumn{{{n}}}{{l}}{{\textit{{{_latex(row[0])}}}}} \\")
        else:
            lines.append(" & ".join(map(_latex, row)) + r" \\")
    lines += [r"\bottomrule", r"\end{longtable}"]
    text = "\n".join([r"{\footnotesize", *lines, "}"])
    if n > WIDE:
        text = f"\\begin{{landscape}}\n{text}\n\\end{{landscape}}"
    return text + "\n"


def _latex(text: str) -> str:
    return "".join(LATEX.get(sign, sign) for sign in text)


def write_word(path: Path, tables: Sequence[PageTable]) -> None:
    """Write tables into one Word file, each with its title on a page of its own."""
    document = Document()
    document.styles["Normal"].font.name = "Arial"
    document.styles["Normal"].font.size = Pt(FONT_SIZE)
    for i, table in enumerate(tables):
        section = document.add_section() if i else document.sections[0]
        wide = table.columns > WIDE
        section.orientation = WD_ORIENT.LANDSCAPE if wide else WD_ORIENT.PORTRAIT
        width, height = reversed(A4) if wide else A4
        section.page_width, section.page_height = Mm(width), Mm(height)
        section.left_margin = section.right_margin = Mm(15)
        document.add_paragraph(table.title).runs[0].bold = True
        _fill(document.add_table(0, table.columns, style=STYLE), table)
    written = io.BytesIO()
    document.save(written)
    with (
        atomic_path(path) as unfinished,
        zipfile.ZipFile(written) as old,
        zipfile.ZipFile(unfinished, "w") as new,
    ):
        for name in old.namelist():  # each with one date, so that two runs give the same bytes
            new.writestr(zipfile.ZipInfo(name, EPOCH), old.read(name), zipfile.ZIP_DEFLATED)


def _fill(word: Table, table: PageTable) -> None:
    """Fill an empty table of Word, with the headings on top of every page."""
    if table.headings:
        row = word.add_row()
        _write_cells(row, table.headings)
        row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    for cells in table.rows:
        row = word.add_row()
        if len(cells) == 1 and table.columns > 1:
            merged = row.cells[0].merge(row.cells[-1])
            merged.paragraphs[0].add_run(cells[0]).italic = True
        else:
            _write_cells(row, cells)


def _write_cells(row: _Row, texts: Sequence[str]) -> None:
    for cell, text in zip(row.cells, texts, strict=False):  # a row may leave its last cells empty
        paragraph = cell.paragraphs[0]
        paragraph.text = text
        if text and set(text) <= set(NUMBER):
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
