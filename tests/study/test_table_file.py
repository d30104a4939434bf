"""Tables as people have them: read where unambiguous, else refused with row and remedy."""

import datetime
import gzip
import logging
import zipfile

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from livermets.core.errors import BadInput
from livermets.study.table_file import read_table_columns, read_table_file

TEXT = "patient,label\nA,None\nB,NA\n"
TRUTH = pd.DataFrame({"patient": ["A", "B"], "label": ["None", "NA"]}, index=[2, 3])


def read(path):
    return read_table_file(path, "features", comment="#")


def workbook(path, rows, name="Sheet1", book=None):
    """Append a worksheet with these rows to a workbook and save it."""
    if book is None:
        book = openpyxl.Workbook()
        book.remove(book.active)
    sheet = book.create_sheet(name)
    for row in rows:
        sheet.append(row)
    book.save(path)
    return book


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        TEXT.replace("\n", "\r").encode(),
        TEXT.replace("\n", "\r\n").encode(),
        gzip.compress(TEXT.encode(), mtime=0),
        TEXT.replace("\n", ",,\n").encode(),
        (TEXT + ",,\n\n \n").encode(),
        TEXT.replace(",", "\t").encode(),
        (TEXT + "\t\t\n").replace(",", "\t").encode(),
        b",patient,label\n0,A,None\n1,B,NA\n",
        b'patient,"label"\n"A",None\n B , NA\n',
    ],
    ids=[
        "BOM",
        "UTF-16",
        "CR",
        "CR LF",
        "gzip named csv",
        "trailing commas",
        "blank rows",
        "tabs named csv",
        "a row of tabs",
        "row numbers without a name",
        "quotes",
    ],
)
def test_a_text_that_can_be_understood_in_one_way_is_read(tmp_path, data):
    (tmp_path / "table.csv").write_bytes(data)
    table = read(tmp_path / "table.csv").apply(lambda cells: cells.str.strip())
    pd.testing.assert_frame_equal(table, TRUTH, check_dtype=False)
    assert read_table_columns(tmp_path / "table.csv", "features") == ["patient", "label"]


def test_rows_keep_the_numbers_that_they_have_in_the_file(tmp_path):
    (tmp_path / "table.tsv").write_text("# from R\nsep=\t\npatient\tlabel\n\n#no\nA\t'#1'\n\nB\n")
    table = read(tmp_path / "table.tsv")
    assert table.index.tolist() == [6, 8]
    assert table["label"].tolist() == ["'#1'", ""]


def test_a_row_with_fewer_cells_than_the_header_is_read_and_logged(tmp_path, caplog):
    (tmp_path / "table.csv").write_text("patient,label,v\nA,x,1\nB,y\n")
    assert read(tmp_path / "table.csv")["v"].tolist() == ["1", ""]
    assert "row 3 has fewer cells than the header" in caplog.text


def test_rows_written_by_hand_may_all_end_early_and_the_last_without_a_line_end(tmp_path):
    (tmp_path / "table.tsv").write_text("patient\tlabel\tmask\nA\tx\nB\ty")
    assert read(tmp_path / "table.tsv")["label"].tolist() == ["x", "y"]
    (tmp_path / "table.tsv").write_text("patient\tlabel\tmask\nA\tx")
    assert read(tmp_path / "table.tsv")["label"].tolist() == ["x"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (TEXT.encode() + b"C,M\xfcller\n", "line 4: a letter .'ü' in Windows-1252.*CSV UTF-8"),
        ((TEXT + "C,x\n").encode("utf-16")[:-1], "the file is not UTF-16"),
        (b"PK\x03\x04 sheet", "damaged workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old xls workbook, or one with a password"),
        (b"<html><table><tr><td>patient", "a web page or XML"),
        (b"BZh91AY", "packed with bzip2"),
        (b"", "is empty"),
        (b"\n \n,,\n", "is empty"),
        (b"patient,label\nA,x,y\n", "line 2 has 3 cells and the header 2.*row.names = FALSE"),
        (b'patient,label\nA,"x\nB,y\n', "line 2: a quotation mark is not closed"),
        (b"patient;label;v\nA;x;1,5\n", r"semicolons and decimals have a comma \(line 2: 1,5\)"),
        (b"patient;label;v\nA;x;1.5\n", "separated by semicolons. Save it with commas or tabs"),
        (b"\x1f\x8b\x08cut", "damaged or cut short"),
        (gzip.compress(TEXT.encode() * 99, mtime=0)[:-12], "damaged or cut short"),
        (TEXT.encode("utf-16-le"), "line 1 holds bytes that are no text.*UTF-16"),
        (b"patient,label,patient\nA,x,y\n", "column patient is there twice"),
        (b"patient,label,\nA,x,y\n", "column 3 has no name"),
        (b"patient,label\nA,x\nB", "cut short: its last line, 3, ends after 1 of 2 cells"),
        (b"patient  label\nA  x\n", "the cells are separated by blanks. Save it with commas"),
        (b"patient|label\nA|x\n", "the cells are separated by vertical bars"),
    ],
    ids=[
        "cp1252",
        "cut UTF-16",
        "damaged xlsx",
        "old xls",
        "web page",
        "bzip2",
        "empty",
        "blank rows alone",
        "long row",
        "open quote",
        "German",
        "semicolons",
        "no gzip",
        "cut gzip",
        "no mark",
        "column twice",
        "column without a name",
        "cut short",
        "blanks",
        "bars",
    ],
)
def test_what_cannot_be_understood_is_refused_with_place_and_remedy(tmp_path, data, message):
    (tmp_path / "table.csv").write_bytes(data)
    with pytest.raises(BadInput, match=f"table.csv.*{message}") as refusal:
        read(tmp_path / "table.csv")
    assert str(refusal.value).endswith(".")


def test_files_that_are_missing_or_of_another_kind_are_named(tmp_path):
    with pytest.raises(BadInput, match="none.csv does not exist"):
        read(tmp_path / "none.csv")
    (tmp_path / "table.docx").write_text(TEXT)
    with pytest.raises(BadInput, match=r"table.docx has the ending of no table. Save it as .csv"):
        read(tmp_path / "table.docx")
    (tmp_path / "table.parquet").write_text(TEXT)
    with pytest.raises(BadInput, match="table.parquet cannot be read: it is no Parquet file"):
        read(tmp_path / "table.parquet")


# ---- workbooks


def test_a_workbook_is_read_as_it_is_shown(tmp_path, caplog):
    date = datetime.datetime(2020, 2, 3)
    path = tmp_path / "table.xlsx"
    book = workbook(path, [["id", "x", "when", "yes"], [7, 1.25, date, True], [None], [8, 2.0]])
    for row in (2, 4):
        book.active.cell(row, 1).number_format = "000"
    book.create_sheet("Sheet2")  # empty, as old spreadsheet programs add them
    book.save(path)
    with caplog.at_level(logging.INFO, "livermets"):
        table = read(path)
    assert table.to_dict("list") == {
        "id": ["007", "008"],
        "x": ["1.25", "2"],
        "when": ["2020-02-03", ""],
        "yes": ["TRUE", ""],
    }
    assert table.index.tolist() == [2, 4]
    assert "shown with zeros in front (007)" in caplog.text
    assert read_table_columns(path, "features") == ["id", "x", "when", "yes"]


def test_of_several_worksheets_the_named_one_is_read_and_none_is_guessed(tmp_path):
    path = tmp_path / "study.xlsx"
    book = workbook(path, [["note"], ["made on Monday"]], "Notes")
    workbook(path, [["patient"], ["A"]], "first", book)
    with pytest.raises(BadInput, match=r"2 worksheets \(Notes, first\).*the name `features`"):
        read(path)
    book["first"].title = "Features"
    book.save(path)
    assert read(path)["patient"].tolist() == ["A"]
    book["Features"].title = "first"
    book["Notes"].sheet_state = "hidden"
    book.save(path)
    assert read(path)["patient"].tolist() == ["A"]


def test_a_number_with_a_text_in_front_is_read_as_it_is_shown(tmp_path):
    book = workbook(tmp_path / "table.xlsx", [["patient"], [7]])
    book.active["A2"].number_format = '"P"00'
    book.save(tmp_path / "table.xlsx")
    assert read(tmp_path / "table.xlsx")["patient"].tolist() == ["P07"]


def test_rows_that_a_filter_hides_are_refused(tmp_path):
    book = workbook(tmp_path / "table.xlsx", [["patient"], ["A"], ["B"]])
    book.active.row_dimensions[3].hidden = True
    book.save(tmp_path / "table.xlsx")
    with pytest.raises(BadInput, match=r"Sheet1 hides 1 rows \(row 3\). Show them or delete them"):
        read(tmp_path / "table.xlsx")


def test_a_title_above_the_header_is_refused(tmp_path):
    workbook(tmp_path / "table.xlsx", [["Table S1"], [], ["patient", "x"], ["A", 1]])
    with pytest.raises(BadInput, match="column 2 has no name.*delete a title above them"):
        read(tmp_path / "table.xlsx")


def test_a_formula_without_its_result_is_refused_by_cell(tmp_path):
    workbook(tmp_path / "table.xlsx", [["patient", "x"], ["A", 1], ["B", "=B2+1"]])
    with pytest.raises(BadInput, match="the cell B3 holds a formula without its result"):
        read(tmp_path / "table.xlsx")


def test_a_number_longer_than_a_spreadsheet_keeps_is_not_shown_as_if_it_were_exact(tmp_path):
    workbook(tmp_path / "table.xlsx", [["patient"], [12345678901234567890]])
    assert read(tmp_path / "table.xlsx")["patient"].tolist() == [
        "1.234567890123457e+19"
    ]  # openpyxl writes 16 digits


def test_a_zip_archive_is_no_workbook(tmp_path):
    with zipfile.ZipFile(tmp_path / "table.xlsx", "w") as archive:
        archive.writestr("table.csv", TEXT)
    with pytest.raises(BadInput, match="is a zip archive or an OpenDocument table. Unpack it"):
        read(tmp_path / "table.xlsx")


def test_unseen_letters_in_the_name_of_a_column_are_left_out(tmp_path):
    (tmp_path / "table.csv").write_text("\u200bpatient\u00a0,label\nA,x\n", encoding="utf-8")
    assert list(read(tmp_path / "table.csv")) == ["patient", "label"]


def test_a_folder_and_a_parquet_with_a_column_twice_are_refused_by_what_they_are(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(BadInput, match="folder.csv cannot be opened: Is a directory"):
        read(tmp_path / "folder.csv")
    column = pa.array(["A"])
    pq.write_table(pa.Table.from_arrays([column] * 2, ["x", "x"]), tmp_path / "twice.parquet")
    with pytest.raises(BadInput, match="column x is there twice"):
        read(tmp_path / "twice.parquet")


# ---- planning


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "xlsx", "parquet", "parquet.gz"])
def test_the_columns_are_known_without_the_rows(tmp_path, kind):
    table = pd.DataFrame({"patient": ["A"], "label": ["x"], "original_glcm_Contrast": [1.5]})
    path = tmp_path / f"table.{kind}"
    if kind == "xlsx":
        workbook(path, [list(table), *table.to_numpy().tolist()])
    else:
        whole = table.to_parquet(index=False) if "parquet" in kind else table.to_csv().encode()
        path.write_bytes(gzip.compress(whole) if kind.endswith("gz") else whole)
    assert read_table_columns(path, "features") == list(table)


def test_only_the_header_is_read_for_the_columns(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(b"patient,label\n" + b"A,x\n" * 100_000 + b"B,\xff\n")
    assert read_table_columns(path, "features") == ["patient", "label"]
    with pytest.raises(BadInput, match="line 100002"):
        read(path)
