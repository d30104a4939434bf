"""Several scans of a patient in the cohort sheet: planned per scan, or refused by patient."""

import re
from pathlib import Path

import pytest
from livermets.core.errors import BadInput, BadPatient
from livermets.core.scan_ids import in_words, patient_of, scan_id, scan_name
from livermets.study.study import Study

HEADER = "patient scan label ct mask site age"
GOOD = (
    "A baseline colorectal a0.nii.gz m.nii.gz X 61",
    "A followup colorectal a1.nii.gz m.nii.gz X 61",
    "B baseline pancreatic b0.nii.gz m.nii.gz Y 70",
)


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def study(*rows: str, header: str = HEADER, **config) -> Study:
    lines = [header, *(rows or GOOD)]
    Path("patients.tsv").write_text("\n".join(line.replace(" ", "\t") for line in lines) + "\n")
    given = {"patients": "patients.tsv", "clinical": ["age"], "densenet": None, **config}
    return Study.load(given)


def test_an_id_of_a_scan_gives_back_patient_and_scan_and_is_the_patients_without_one():
    assert scan_id("P-1_a", "base-line") == "P-1_a@base-line"
    assert (patient_of("P-1_a@base-line"), scan_name("P-1_a@base-line")) == ("P-1_a", "base-line")
    assert scan_id("P1") == patient_of("P1") == in_words("P1") == "P1" and scan_name("P1") == ""
    assert str(BadPatient("P1@late", "no CT", "Give one")).startswith("patient P1, scan late: no")


def test_images_are_planned_by_scan_and_patients_stand_once():
    asked = study()
    assert asked.scans == ["A@baseline", "A@followup", "B@baseline"]
    assert asked.patients == ["A", "B"] and asked.has_scans
    assert asked.cell("A@followup", "ct") == "a1.nii.gz"
    assert asked.sheet_columns["scan"] == ["baseline", "followup", "baseline"]
    assert asked.patient_columns == {
        "patient": ["A", "B"],
        "label": ["colorectal", "pancreatic"],
        "site": ["X", "Y"],
        "age": ["61", "70"],
    }
    assert asked.scans_table == ["results/scans.tsv"]


def test_without_the_column_scans_are_the_patients_and_nothing_names_a_scan():
    rows = ("A colorectal a.nii.gz m.nii.gz X 61", "B pancreatic b.nii.gz m.nii.gz Y 70")
    asked = study(*rows, header=HEADER.replace(" scan", ""))
    assert asked.scans == asked.patients == ["A", "B"] and not asked.has_scans
    assert "scan" not in asked.sheet_columns and asked.scans_table == []


def test_an_empty_cell_takes_the_value_of_the_patients_other_scan():
    path_rows = (GOOD[0], "A followup colorectal a1.nii.gz m.nii.gz  ", GOOD[2])
    asked = study(*path_rows)
    assert asked.cell("A@followup", "age") == "61" and asked.cell("A@followup", "site") == "X"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ((*GOOD[:1], *GOOD[:1]), ["row 3", "scan baseline of patient A", "row 2"]),
        ((GOOD[0], GOOD[1].replace("followup", "Baseline")), ["row 3", "listed already in row 2"]),
        ((GOOD[0], GOOD[1].replace("followup", "")), ["row 3", "patient A", "''", "`scan`"]),
        ((GOOD[0], GOOD[1].replace("followup", "a@b")), ["row 3", "'a@b'", "letters, digits"]),
        (
            (GOOD[0], GOOD[1].replace("colorectal", "pancreatic")),
            ["patient A", "colorectal (row 2) and pancreatic (row 3)", "`label`"],
        ),
        ((GOOD[0], GOOD[1].replace(" X ", " Z ")), ["patient A", "X (row 2)", "Z", "`site`"]),
        ((GOOD[0], GOOD[1].replace("61", "62")), ["patient A", "61", "62 (row 3)", "`age`"]),
        ((GOOD[0], GOOD[1].replace("a1", "a0")), ["row 3", "patient A", "the CT a0.nii.gz"]),
        ((GOOD[0], "a late colorectal c.nii.gz m.nii.gz X 61"), ["look like one person"]),
    ],
    ids=["twice", "twice-by-case", "empty", "separator", "label", "site", "age", "same-ct", "ids"],
)
def test_rows_that_contradict_each_other_are_refused_by_patient_and_column(rows, words):
    with pytest.raises(BadInput) as refusal:
        study(*rows)
    for word in words:
        assert word in str(refusal.value)


def test_where_lesions_carry_the_label_each_scan_has_its_own_and_an_empty_one_is_refused():
    rows = (GOOD[0], GOOD[1].replace("colorectal", "pancreatic"), GOOD[2])
    asked = study(*rows, label_of="lesion")
    assert asked.cell("A@baseline", "label") == "colorectal"
    assert asked.cell("A@followup", "label") == "pancreatic"
    assert asked.labels_table == "results/scans.tsv"
    assert asked.cells_of_patients["A"]["label"] == "colorectal + pancreatic"
    unlabelled = (GOOD[0], GOOD[1].replace("colorectal", ""), GOOD[2])
    with pytest.raises(BadInput, match="row 3: patient A has the label ''"):
        study(*unlabelled, label_of="lesion")


def test_two_rows_of_a_patient_without_the_column_are_told_of_it():
    with pytest.raises(BadInput, match="or name each scan in a column `scan`"):
        study(
            "A colorectal a.nii.gz m.nii.gz X 61",
            "A colorectal b.nii.gz m.nii.gz X 61",
            header=HEADER.replace(" scan", ""),
        )


def test_scan_is_no_clinical_column():
    with pytest.raises(BadInput, match="`scan` names the scans of a patient"):
        study(clinical=["age", "scan"])


def test_a_scan_is_excluded_alone_or_with_its_patient():
    alone = study(exclude={"A@followup": "moved"})
    assert alone.scans == ["A@baseline", "B@baseline"]
    assert [cells["reason"] for cells in alone.excluded] == ["moved"]
    whole = study(exclude={"A": "withdrew"})
    assert whole.scans == ["B@baseline"] and len(whole.excluded) == 2
    with pytest.raises(BadInput, match=r"A@folowup.*did you mean A@followup"):
        study(exclude={"A@folowup": "moved"})
    with pytest.raises(BadInput, match="leaves no patient"):
        study(exclude={"A": "withdrew", "B@baseline": "moved"})


def test_a_correction_is_that_of_one_scan_and_one_named_by_patient_alone_is_refused():
    Path("corrections").mkdir()
    Path("corrections/A@followup.nii.gz").touch()
    asked = study()
    assert asked.correction("A@baseline") == []
    assert asked.correction("A@followup") == ["corrections/A@followup.nii.gz"]
    Path("corrections/B.nii.gz").touch()
    with pytest.raises(BadInput, match=re.escape("drawn on, B@baseline.nii.gz")):
        study()


def test_an_implausible_mask_is_accepted_by_scan_or_by_patient():
    by_scan = study(masks={"accept_implausible": ["A@followup"]})
    assert not by_scan.accepts_implausible("A@baseline")
    assert by_scan.accepts_implausible("A@followup")
    by_patient = study(masks={"accept_implausible": ["A"]})
    assert by_patient.accepts_implausible("A@baseline")
    with pytest.raises(BadInput, match="lists 'A@x'"):
        study(masks={"accept_implausible": ["A@x"]})
