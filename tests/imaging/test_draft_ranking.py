"""Which series is chosen: what is no portal venous CT is refused, and the others are ranked."""

from pathlib import Path

import numpy as np
import pytest
from helpers.dicom_exports import INCLUDE_ALL, LATER, PV, STUDY, export, slices
from helpers.dicom_series import volume, write_series
from livermets.imaging.ct import import_ct
from livermets.imaging.draft_cohort import draft_cohort
from livermets.imaging.draft_series import SERIES_COLUMNS
from livermets.study.config import load_config
from pydicom.uid import SecondaryCaptureImageStorage


def test_every_series_is_judged_and_the_fitting_one_is_chosen(tmp_path):
    export(tmp_path)
    sheet, series = draft_cohort(tmp_path, INCLUDE_ALL)
    assert list(sheet["patient"]) == ["P001", "P002", "P003"]
    assert list(series.columns) == [*SERIES_COLUMNS]
    assert len(series) == 7
    (chosen,) = series[series["chosen"]].to_dict("records")
    assert (chosen["slice_thickness_mm"], chosen["kernel"]) == (1.5, "B30s")
    assert (chosen["phase"], chosen["delay_s"], chosen["contrast"]) == ("portal venous", 90, True)
    (ct,) = (path for path in sheet["ct"] if path)
    assert Path(ct).name.startswith("thin")
    assert Path(ct).parent == tmp_path / "a/all"
    assert sorted(series.loc[~series["chosen"], "refused"]) == [
        "",
        "1 slices missing",
        "arterial phase",
        "coronal",
        "localiser",
        "only 3 slices",
    ]


def test_the_studys_criteria_judge_too(tmp_path):
    export(tmp_path)
    sheet, series = draft_cohort(tmp_path, {**INCLUDE_ALL, "kernels": ["I30f"]})
    assert series["refused"].str.contains("reconstruction kernel B30s").sum() == 1
    thick = series[series["chosen"]].iloc[0]
    assert thick["slice_thickness_mm"] == 5


def windowed(hu: np.ndarray) -> np.ndarray:
    """Grey values from 0 to 255 in the window of an abdomen."""
    return np.clip((hu + 160) / 400 * 255, 0, 255).astype(np.int16)


def page_of_text() -> np.ndarray:
    """Black pages with smooth white letters, no two alike, stored like HU."""
    letters = np.random.default_rng(0).integers(0, 256, (12, 40, 40)) * 15
    return (letters * (np.random.default_rng(1).random((12, 40, 40)) < 0.1) - 1024).astype(np.int16)


NO_CT = {
    "a mask of 0 and 255": (lambda: np.where(slices() > 0, 255, 0) - 1024, {}, "a mask, not a CT"),
    "a map of 118 labels": (lambda: np.abs(slices()) % 118, {}, "no HU"),
    "a mask of 8 bits": (slices, {"BitsStored": 8}, "8 bits a voxel"),
    "a dose report": (slices, {"SeriesDescription": "Dose Report"}, "dose report"),
    "a screenshot": (slices, {"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, "SCREEN SAVE"),
    "a projection": (slices, {"ImageType": ["DERIVED", "SECONDARY", "MIP"]}, "MIP"),
    "a captured screen as CT": (
        slices,
        {"SOPClassUID": SecondaryCaptureImageStorage},
        "Secondary Capture Image Storage",
    ),
    "a captured film": (slices, {"ConversionType": "DF"}, "captured from a screen or a film"),
    "burned in text": (slices, {"BurnedInAnnotation": "YES"}, "text is burned into the images"),
    "a page of text in 12 bits": (page_of_text, {}, "captured screen, not a CT"),
    "grey values in 12 bits": (
        lambda: windowed(volume((12, 40, 40))) * 16 - 1024,
        {},
        "captured screen, not a CT",
    ),
    "no rescaling": (lambda: slices() + 1024, {}, "no HU: no voxel lies below -50"),
    "one image in every slice": (lambda: slices()[[0] * 20], {}, "the same image in all slices"),
    "one image alone": (lambda: slices(1), {}, "only 1 slices"),
    "colours": (slices, {"SamplesPerPixel": 3}, "colour image"),
    "a map of iodine": (slices, {"RescaleType": "MGML"}, "in MGML (RescaleType), not in HU"),
    "no positions": (slices, {"ImagePositionPatient": None}, "without a position"),
    "a chest": (slices, {"SeriesDescription": "Chest venous"}, "another region of the body"),
    "a delayed phase": (slices, {"SeriesDescription": "venous delayed 3 min"}, "delayed phase"),
}


@pytest.mark.parametrize(("hu", "tags", "reason"), NO_CT.values(), ids=NO_CT)
def test_what_is_no_portal_venous_ct_of_the_abdomen_is_not_offered(tmp_path, hu, tags, reason):
    write_series(tmp_path / "ct", hu(), **{**STUDY, **tags})
    sheet, series = draft_cohort(tmp_path, INCLUDE_ALL)
    assert sheet["ct"].item() == ""
    assert reason in series["refused"].item()


BETTER = {
    "soft tissue before a thin lung kernel": (
        {**STUDY, **PV, "ConvolutionKernel": "B30f", "SliceThickness": 5},
        {**STUDY, **PV, "ConvolutionKernel": "B70f", "SliceThickness": 1},
        20, "kernel for lung or bone",
    ),
    "soft tissue before thin slices for lung": (
        {**STUDY, **PV, "SliceThickness": 5},
        {**STUDY, **PV, "SeriesDescription": "Thorax Abdomen PV Lunge", "SliceThickness": 1},
        20, "kernel for lung or bone",
    ),
    "the first examination before a longer one": (
        {**STUDY, **PV}, {**LATER, **PV}, 40, "a later examination",
    ),
    "original before derived": (
        {**STUDY, **PV}, {**STUDY, **PV, "ImageType": ["DERIVED", "SECONDARY"]}, 40, "derived",
    ),
    "without loss before JPEG": (
        {**STUDY, **PV}, {**STUDY, **PV, "LossyImageCompression": "01"}, 40, "compressed with loss",
    ),
    "portal venous before a phase not named": (
        {**LATER, **PV}, STUDY, 40, "not said to be portal venous",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("better", "other", "n", "reason"), BETTER.values(), ids=BETTER)
def test_series_are_ranked_and_the_second_says_why_it_is_behind(tmp_path, better, other, n, reason):
    write_series(tmp_path / "z", slices(), **better)
    write_series(tmp_path / "a", slices(n), **other)
    _, series = draft_cohort(tmp_path, INCLUDE_ALL)
    assert series["chosen"].tolist() == [True, False]
    assert Path(series["path"][0]).name == "z"
    assert reason in series["remarks"][1].partition("behind the best: ")[2]


def test_what_speaks_against_the_only_series_is_remarked_and_does_not_refuse_it(tmp_path):
    tags = {"ImageType": ["DERIVED", "SECONDARY", "PROCESSED"], "LossyImageCompression": "01"}
    write_series(tmp_path / "ct", slices(), **STUDY, **tags)
    _, series = draft_cohort(tmp_path, INCLUDE_ALL)
    (row,) = series.to_dict("records")
    assert row["chosen"]
    assert row["remarks"] == "derived, not original; compressed with loss (JPEG)"
    assert (row["path"], row["lossy"]) == (str(tmp_path / "ct"), True)
    assert import_ct(tmp_path / "ct", "P1")[1]["lossy_compression"] is True


@pytest.mark.parametrize("kinds", [["AXIAL"], ["ORIGINAL", "PRIMARY"]], ids=["one", "two"])
def test_an_image_type_of_one_value_does_not_say_derived(tmp_path, kinds):
    write_series(tmp_path / "ct", slices(), **STUDY, ImageType=kinds)
    _, series = draft_cohort(tmp_path, INCLUDE_ALL)
    assert series["remarks"].item() == ""


def test_real_exports_are_sorted_out(real_data):
    sheet, series = draft_cohort(real_data / "dicom_edge/pydicom", INCLUDE_ALL)
    assert (sheet["ct"] == "").all()  # nothing in there is a whole portal venous CT
    assert (series["refused"] != "").all()
    assert series["refused"].str.contains("161 slices missing").sum() == 1
    assert series["refused"].str.contains("MR, not CT").any()


def test_the_derived_ct_of_a_real_patient_is_offered_with_a_remark(dicom_folder):
    folder = dicom_folder("crlm_1006")
    criteria = load_config({})["imaging"]["inclusion"]
    sheet, series = draft_cohort(folder, criteria)
    assert (sheet["ct"].item(), sheet["n_slices"].item()) == (str(folder.resolve()), 51)
    assert series["remarks"].item() == "derived, not original"
