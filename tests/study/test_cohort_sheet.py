"""The cohort sheet as people write it: read, or refused with the row and a hint."""

from pathlib import Path

import pytest
from livermets.core.errors import BadInput
from livermets.study.clinical_columns import is_numeric, odd_cells
from livermets.study.cohort_sheet import read_sheet
from livermets.study.config import load_config

HEADER = "patient\tlabel\tct\tmask\n"


def read(path, **given):
    return read_sheet(path, load_config(given))


def test_a_number_sign_inside_a_cell_stays_and_only_lines_that_begin_with_it_are_comments(tmp_path):
    sheet = tmp_path / "patients.tsv"
    sheet.write_text(
        f"# exported on Monday\n{HEADER}A\tcolorectal\tct/#3/a.nii.gz\tm#1.nii.gz\n"
        "#B\tcolorectal\tb.nii.gz\t\n"
    )
    cells = read(sheet).to_dict("records")
    assert [row["patient"] for row in cells] == ["A"]
    assert cells[0]["ct"] == "ct/#3/a.nii.gz"
    assert cells[0]["mask"] == "m#1.nii.gz"


@pytest.mark.parametrize("odd", ["unknown", "61,5", ">89"], ids=["word", "comma", "censored"])
def test_an_odd_cell_in_a_clinical_column_of_numbers_is_refused_by_row_or_missing(tmp_path, odd):
    sheet = tmp_path / "patients.tsv"
    rows = "".join(f"P{i}\tcolorectal\tct\t{60 + i}\tm\n" for i in range(5))
    sheet.write_text(f"patient\tlabel\tct\tage\tsex\n{rows}Q\tpancreatic\tct\t{odd}\tf\n")
    with pytest.raises(BadInput, match=rf"row 7: patient Q has '{odd}' in the column `age`"):
        read(sheet, clinical=["age", "sex"])
    cells = read(sheet, clinical=["age", "sex"], on_bad_cell="missing")
    assert cells["age"].iloc[-1] == ""
    assert is_numeric(cells["age"])
    assert cells["sex"].tolist() == [*"mmmmm", "f"]


@pytest.mark.parametrize(
    "code", ["-999", "999", "-9", "9999.0"], ids=["-999", "999", "-9", "9999 with a decimal"]
)
def test_a_code_for_a_missing_number_is_refused_by_row_or_missing(tmp_path, code):
    sheet = tmp_path / "patients.tsv"
    rows = "".join(f"P{i}\tcolorectal\tct\t{60 + i}\n" for i in range(5))
    sheet.write_text(f"patient\tlabel\tct\tage\n{rows}Q\tpancreatic\tct\t{code}\n")
    with pytest.raises(BadInput, match=rf"row 7: patient Q has '{code}'.*no code such as -999"):
        read(sheet, clinical=["age"])
    cells = read(sheet, clinical=["age"], on_bad_cell="missing")
    assert cells["age"].tolist() == [*(str(60 + i) for i in range(5)), ""]


def test_a_number_that_may_be_meant_is_no_code():
    assert odd_cells(["30", "999", "2100"]) == []  # days
    assert odd_cells(["-9", "-8.5", "-3"]) == []  # logarithms
    assert odd_cells(["99", "99"]) == []
    assert odd_cells(["1", "2", "99"]) == [2]


def test_a_clinical_column_is_numeric_if_its_filled_cells_are_numbers():
    assert is_numeric(["61", " 5.5", "", "NA", None, 3.0, "1e3"])
    assert not is_numeric(["", None])
    assert not is_numeric(["T1", "T2"])
    assert odd_cells(["61,5", "70,2"]) == [0, 1]
    assert odd_cells(["<65", ">=65", "<65"]) == []
    assert odd_cells(["T1", "T2", "3"]) == []


def sheet(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "patients.tsv"
    path.write_text(text.replace(" ", "\t").replace("~", " "))
    return path


def test_a_good_sheet_comes_back_as_strings_with_all_columns(tmp_path):
    path = sheet(tmp_path, "patient label ct age\n007 colorectal a.nii.gz 61\n")
    table = read_sheet(path, load_config({"clinical": ["age"]}))
    assert table.to_dict("records") == [
        {
            "patient": "007",
            "label": "colorectal",
            "ct": "a.nii.gz",
            "n_slices": "",
            "mask": "",
            "site": "",
            "age": "61",
        }
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("patient label ct\nA/B colorectal x\n", ["row 2", "'A/B'", "letters, digits"]),
        ("patient label ct\n.. colorectal x\n", ["row 2", "'..'"]),
        ("patient label ct\nA~B colorectal x\n", ["row 2", "'A B'"]),
        ("patient label ct\nA colorectal x\nA pancreatic y\n", ["row 3", "already in row 2"]),
        ("patient label ct\nA colorectal x\na pancreatic y\n", ["row 3", "already in row 2"]),
        ("patient label ct\nA gastric x\n", ["row 2", "'gastric'", "classes"]),
        ("patient label ct\nA colorectal \n", ["row 2", "patient A", "no `ct`"]),
        ("patient label ct\n colorectal x\n", ["row 2", "''"]),
        ("patient label cct\nA colorectal x\n", ["`cct`", "you mean `ct`"]),
        ("patient label ct stage\nA colorectal x T1\n", ["`stage`", "clinical"]),
        ("patient ct\nA x\n", ["`label`", "missing"]),
        ("patient label ct\n", ["no patient"]),
        ("patient label ct n_slices\nA colorectal x 41.5\n", ["row 2", "'41.5'", "`n_slices`"]),
        (
            "patient label ct unsure\nA colorectal x id~missing\n",
            ["row 2", "unsure who patient A is: id missing", "empty the cell"],
        ),
        ("patient label ct\nA colorectal a{1}|b\n", ["row 2", "patient A", "{1}", "rename"]),
        ("patient label ct mask\nA colorectal x m{n,[a]{2}}\n", ["row 2", "{n,[a]{2}}", "rename"]),
        (
            "patient label ct mask\nA colorectal x x\n",
            ["row 2", "the same file in `ct` and `mask`"],
        ),
        ("patient label ct\n2026-01-03 colorectal x\n", ["row 2", "is a date", "as text"]),
        ("patient label ct\nA colorectal x\n03-Jan colorectal y\n", ["row 3", "is a date"]),
        ("patient label ct\nA colorectal x\nMean colorectal y\n", ["row 3", "summary", "Delete"]),
    ],
    ids=[
        "an id with a slash",
        "an id that is a folder",
        "an id with a space",
        "a patient twice",
        "a patient twice in another case",
        "an unknown label",
        "a patient without CT",
        "a row without an id",
        "a misspelt column",
        "a column not named as clinical",
        "no column of labels",
        "no patient",
        "half a slice",
        "a patient of whom a draft is unsure",
        "braces in the path of a CT",
        "braces in the path of a mask",
        "one file as CT and mask",
        "an id that became a date",
        "an id that became a day",
        "a row of means",
    ],
)
def test_a_bad_sheet_is_refused_with_the_row_and_a_hint(tmp_path, text, words):
    path = sheet(tmp_path, text)
    with pytest.raises(BadInput) as refusal:
        read_sheet(path, load_config({}))
    for word in [*words, "patients.tsv"]:
        assert word in str(refusal.value)


def test_a_sheet_that_is_not_there_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(BadInput, match="does not exist; write it"):
        read_sheet(tmp_path / "none.tsv", load_config({}))
