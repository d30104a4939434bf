"""The cohort sheet as people write it."""

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
