"""The cohort sheet as people write it."""

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


def test_a_clinical_column_is_numeric_if_its_filled_cells_are_numbers():
    assert is_numeric(["61", " 5.5", "", "NA", None, 3.0, "1e3"])
    assert not is_numeric(["", None])
    assert not is_numeric(["T1", "T2"])
    assert odd_cells(["61,5", "70,2"]) == [0, 1]
    assert odd_cells(["<65", ">=65", "<65"]) == []
    assert odd_cells(["T1", "T2", "3"]) == []
