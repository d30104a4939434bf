"""A bad patient stops the study, or is noted and left out of every later stage."""

import json

import pytest
from livermets.core.errors import BadInput, BadPatient
from livermets.core.exclusion import exclude_or_stop, exclusion_of, skip_if_excluded


def broken():
    raise BadPatient("P7", "the DICOM folder is empty", "Give a folder with slices")


def test_stop_raises_with_the_patient_and_the_way_out(tmp_path):
    with pytest.raises(BadPatient, match="patient P7: .*on_bad_patient: exclude"):
        exclude_or_stop(
            "import", broken, policy="stop", outputs=[tmp_path / "ct"], record=tmp_path / "r"
        )
    assert not (tmp_path / "r").exists()


def test_exclude_notes_stage_and_reason_and_leaves_empty_files(tmp_path):
    exclude_or_stop(
        "import", broken, policy="exclude", outputs=[tmp_path / "ct"], record=tmp_path / "r"
    )
    assert exclusion_of(tmp_path / "r") == {
        "stage": "import",
        "reason": "the DICOM folder is empty",
    }
    assert (tmp_path / "ct").read_bytes() == b""


def test_later_stages_pass_the_reason_on_without_running(tmp_path):
    exclude_or_stop("import", broken, policy="exclude", outputs=[], record=tmp_path / "first")
    ran = []
    skip_if_excluded(
        tmp_path / "first",
        lambda: ran.append(1),
        outputs=[tmp_path / "mask"],
        record=tmp_path / "second",
    )
    assert not ran
    assert exclusion_of(tmp_path / "second")["stage"] == "import"


def test_a_good_patient_keeps_the_facts_of_the_step(tmp_path):
    exclude_or_stop("import", lambda: {"spacing_mm": [1, 1, 2]}, policy="stop", outputs=[],
            record=tmp_path / "r")  # fmt: skip
    assert json.loads((tmp_path / "r").read_text()) == {"spacing_mm": [1, 1, 2], "excluded": None}


def test_a_defect_of_ours_is_not_taken_for_a_bad_patient(tmp_path):
    def defect():
        raise BadInput("a model whose hash does not match")

    with pytest.raises(BadInput):
        exclude_or_stop(
            "segment", defect, policy="exclude", outputs=[tmp_path / "x"], record=tmp_path / "r"
        )


def test_a_stage_that_does_not_decide_leaves_the_refusal_as_it_is(tmp_path):
    exclude_or_stop("import", dict, policy="stop", outputs=[], record=tmp_path / "first")
    with pytest.raises(BadPatient) as refusal:
        skip_if_excluded(tmp_path / "first", broken, outputs=[tmp_path / "mask"])
    assert "on_bad_patient" not in str(refusal.value)
