"""Tables of the report as files: what stands in the page stands in TSV, Word and LaTeX."""

import csv
import re
import zipfile

import pandas as pd
import pytest
from docx import Document
from docx.enum.section import WD_ORIENT
from helpers.report import render
from livermets.report.formatting import with_interval
from livermets.report.page_tables import FORMATS, PageTable, read_page_tables
from livermets.report.table_files import latex, tsv, write_table_files

ODD = PageTable(
    "odd_1",
    "Odd & 100 %: signs",
    ["Reason", "AUC"],
    [["Group"], ["a_b {c} \\ $5 # ~ ^ <i>", "−0.05 (–)"], ['tab\there "said"', "≥ 0.9"]],
)


@pytest.fixture(scope="module")
def page(results, study) -> str:
    return render(results, differences=study.differences)


def test_every_table_of_the_page_has_links_to_files_of_its_own(page):
    tables = read_page_tables(page)
    names = [table.name for table in tables]
    assert len(names) == page.count("<table") == len(set(names)) > 20
    for name in names:
        for ending in FORMATS:
            assert page.count(f'href="exports/{name}.{ending}"') == 1


def test_a_table_has_the_numbers_and_the_title_of_the_page(page, study):
    (table,) = (table for table in read_page_tables(page) if table.name == "cv_1")
    assert table.title == "Table 3: cross-validation: By patient"
    assert table.headings[:3] == ["Model", "Resampling", "AUC"]
    assert table.rows[0] == ["Radiomics classifiers"]
    auc = study.metrics.query(
        "arm == 'knn-smote' and scheme == 'cv' and level == 'patient' and metric == 'auc'"
    ).iloc[0]
    (row,) = (row for row in table.rows if row[:2] == ["K-nearest neighbours", "SMOTE"])
    assert row[2] == with_interval(auc["value"], auc["low"], auc["high"])


def test_word_tsv_and_latex_have_the_same_cells_in_every_table(page, tmp_path):
    tables = read_page_tables(page)
    write_table_files(tmp_path, tables)
    for table in tables:
        rows = [table.headings, *table.rows] if table.headings else table.rows
        with (tmp_path / f"{table.name}.tsv").open(newline="") as file:
            assert list(csv.reader(file, delimiter="\t")) == rows
        document = Document(tmp_path / f"{table.name}.docx")
        (word,) = document.tables
        assert [row.cells[0].text for row in word.rows] == [row[0] for row in rows]
        assert [row.cells[-1].text for row in word.rows if len(set(row.cells)) > 1] == [
            row[-1] if len(row) == table.columns else "" for row in rows if len(row) > 1
        ]
        assert document.paragraphs[0].text == table.title
        written = (tmp_path / f"{table.name}.tex").read_text()
        body = written[written.index("\\toprule") : written.index("\\bottomrule")]
        assert len(re.findall(r"\\\\$", body, re.M)) == len(rows)
    together = Document(tmp_path / "all_tables.docx")
    assert len(together.tables) == len(tables)


def test_wide_tables_stand_in_landscape(page, tmp_path):
    tables = read_page_tables(page)
    write_table_files(tmp_path, tables)
    for table in tables:
        (section,) = Document(tmp_path / f"{table.name}.docx").sections
        landscape = section.orientation == WD_ORIENT.LANDSCAPE
        assert landscape == (table.columns > 6) == (section.page_width > section.page_height)


def test_the_headings_stand_on_every_page_of_a_long_table(tmp_path):
    long = PageTable("long_1", "Long", ["A"], [[str(i)] for i in range(80)])
    write_table_files(tmp_path, [long])
    with zipfile.ZipFile(tmp_path / "long_1.docx") as word:
        assert word.read("word/document.xml").count(b"<w:tblHeader/>") == 1
    assert "\\endhead" in latex(long)


def test_signs_with_a_meaning_in_latex_and_tsv_are_kept_as_they_are():
    written = latex(ODD)
    assert r"a\_b \{c\} \textbackslash{} \$5 \# \textasciitilde{} \textasciicircum{}" in written
    assert r"\textless{}i\textgreater{} & $-$0.05 (--) \\" in written
    assert r"\caption{Odd \& 100 \%: signs}\\" in written
    assert r"\multicolumn{2}{l}{\textit{Group}} \\" in written
    assert written.isascii()
    rows = list(csv.reader(tsv(ODD).splitlines(), delimiter="\t"))
    assert rows == [ODD.headings, *ODD.rows]


def test_what_a_person_wrote_is_text_in_word_and_no_markup(results, tmp_path):
    cohort = results.cohort.copy()
    cohort.loc[len(cohort) - 1, "reason"] = "<b>bold</b> & \\input{x}"
    tables = read_page_tables(render(results, cohort=cohort))
    write_table_files(tmp_path, tables)
    cells = [cell.text for row in Document(tmp_path / "excluded_1.docx").tables[0].rows
             for cell in row.cells]  # fmt: skip
    assert "<b>bold</b> & \\input{x}" in cells
    assert "\\input" not in (tmp_path / "excluded_1.tex").read_text()


def test_two_runs_give_the_same_bytes(tmp_path):
    for folder in ("one", "two"):
        write_table_files(tmp_path / folder, [ODD])
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_the_tsv_of_a_page_can_be_read_by_pandas(page, tmp_path):
    write_table_files(tmp_path, read_page_tables(page))
    table = pd.read_csv(tmp_path / "cv_1.tsv", sep="\t")
    assert {"Model", "AUC"} <= set(table)
