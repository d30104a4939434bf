"""A bad patient stops the study, or is noted and left out of every later stage."""

import json

import pytest
from livermets.core.errors import BadInput, BadPatient
from livermets.core.exclusion import attempt, excluded


def broken():
    raise BadPatient("P7", "the DICOM folder is empty", "Give a folder with slices")


def test_stop_raises_with_the_patient_and_the_way_out(tmp_path):
    with pytest.raises(BadPatient, match="patient P7: .*on_bad_patient: exclude"):
        attempt("import", broken, policy="stop", outputs=[tmp_path / "ct"], record=tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_exclude_notes_stage_and_reason_and_leaves_empty_files(tmp_path):
    attempt("import", broken, policy="exclude", outputs=[tmp_path / "ct"], record=tmp_path / "r")
    assert excluded(tmp_path / "r") == {"stage": "import", "reason": "the DICOM folder is empty"}
    assert (tmp_path / "ct").read_bytes() == b""


def test_later_stages_pass_the_reason_on_without_running(tmp_path):
    attempt("import", broken, policy="exclude", outputs=[], record=tmp_path / "first")
    ran = []
    attempt(
        "split",
        lambda: ran.append(1),
        policy="stop",
        outputs=[tmp_path / "mask"],
        record=tmp_path / "second",
        upstream=tmp_path / "first",
    )
    assert not ran
    assert excluded(tmp_path / "second")["stage"] == "import"


def test_a_good_patient_keeps_the_facts_of_the_step(tmp_path):
    attempt("import", lambda: {"spacing_mm": [1, 1, 2]}, policy="stop", outputs=[],
            record=tmp_path / "r")  # fmt: skip
    assert json.loads((tmp_path / "r").read_text()) == {"spacing_mm": [1, 1, 2], "excluded": None}


def test_a_defect_of_ours_is_not_taken_for_a_bad_patient(tmp_path):
    def defect():
        raise BadInput("a model whose hash does not match")

    with pytest.raises(BadInput):
        attempt("segment", defect, policy="exclude", outputs=[tmp_path / "x"])
