"""Inclusion criteria: what is not met is named, and what is unknown is a choice."""

from helpers.dicom_exports import INCLUDE_ALL
from livermets.core.errors import NotIncluded
from livermets.core.exclusion import exclude_or_stop
from livermets.core.io import read_json
from livermets.imaging.inclusion import unmet_criteria

PAPER = {
    **INCLUDE_ALL,
    "max_slice_thickness_mm": 1.5,
    "kernels": ["B30s"],
    "phases": ["portal venous"],
}


def test_criteria_name_what_is_not_met_and_the_unknown_is_a_choice():
    facts = {"slice_thickness_mm": 1.5, "slice_step_mm": 1.0, "kernel": "B30s",
             "phase": "portal venous"}  # fmt: skip
    assert unmet_criteria(facts, PAPER) == unmet_criteria(facts, INCLUDE_ALL) == []
    assert unmet_criteria({**facts, "kernel": "b30S", "slice_thickness_mm": 1.52}, PAPER) == []
    bad = {"slice_thickness_mm": 5.0, "kernel": "I70f", "phase": "arterial"}
    assert unmet_criteria(bad, PAPER) == [
        "slice thickness 5 mm", "reconstruction kernel I70f", "contrast phase arterial",
    ]  # fmt: skip
    assert unmet_criteria(bad, INCLUDE_ALL) == []
    assert unmet_criteria({}, PAPER) == []
    assert unmet_criteria({}, {**PAPER, "unknown": "exclude"}) == [
        "slice thickness not known", "reconstruction kernel not known", "contrast phase not known",
    ]  # fmt: skip
    assert unmet_criteria({"slice_step_mm": 3.0}, {**INCLUDE_ALL, "max_slice_step_mm": 2}) == [
        "slice spacing 3 mm"
    ]


def test_who_does_not_meet_them_is_left_out_even_where_bad_patients_stop_the_study(tmp_path):
    def step():
        raise NotIncluded("P1", "slice thickness 5 mm", "Change `inclusion`")

    out, record = tmp_path / "ct.nii.gz", tmp_path / "ct.json"
    exclude_or_stop("import", step, policy="stop", outputs=[out], record=record)
    assert read_json(record)["excluded"] == {"stage": "inclusion", "reason": "slice thickness 5 mm"}
    assert out.stat().st_size == 0
