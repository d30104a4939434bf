"""One UID in the headers of several scans: no scan is joined with another in silence."""

import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
from helpers.dicom_exports import INCLUDE_ALL, slices
from helpers.dicom_series import volume, write_series
from livermets.core.errors import BadPatient
from livermets.imaging.ct import import_ct
from livermets.imaging.draft_cohort import draft_cohort
from livermets.imaging.series_identity import separate_scans
from livermets.study.cohort_sheet import listed_paths
from pydicom.uid import generate_uid

# What an anonymiser wrote into every file; no name, date or frame of reference is left
CONSTANT = {
    "PatientID": "CASE1", "PatientName": "", "StudyDate": "", "StudyInstanceUID": "1.2.3",
    "SeriesInstanceUID": "1.2.4",
}  # fmt: skip


def drafted(tree: Path) -> list[dict]:
    """The rows of the sheet of a tree; import reads each as drafted."""
    sheet, _ = draft_cohort(tree, INCLUDE_ALL)
    rows = sheet.to_dict("records")
    for row in rows:
        if row["ct"]:
            _, record = import_ct(listed_paths(row["ct"]), row["patient"])
            assert record["n_slices"] == row["n_slices"]
    return rows


DIFFERING = {
    "name": {"PatientName": ["Doe^Jane", "Roe^Mary"]},
    "birth date": {"PatientBirthDate": ["19470811", "19510203"]},
    "sex": {"PatientSex": ["F", "M"]},
    "study date": {"StudyDate": ["20200101", "20200301"]},
    "frame of reference": {"FrameOfReferenceUID": ["1.2.5", "1.2.6"]},
}


@pytest.mark.parametrize("shared", [False, True], ids=["two folders", "one folder"])
@pytest.mark.parametrize(("words", "tags"), DIFFERING.items(), ids=DIFFERING)
def test_scans_that_contradict_each_other_under_one_uid_are_two_and_asked_about(
    tmp_path, words, tags, shared
):
    """The second scan goes on where the first ends: nothing but this tag tells them apart."""
    ((key, values),) = tags.items()
    for number, value in enumerate(values):
        folder = tmp_path / ("ct" if shared else "ab"[number])
        heights = (np.arange(20) + 20 * number) * 2.5
        write_series(folder, volume((20, 8, 10), number), heights, prefix="ab"[number],
                     **{**CONSTANT, key: value})  # fmt: skip
    rows = drafted(tmp_path)
    assert {row["n_slices"] for row in rows if row["ct"]} == {20}
    assert all(row["unsure"] for row in rows)
    assert f"its series UID is also that of a scan with another {words}" in rows[0]["unsure"]
    everything = [tmp_path / "ct"] if shared else [tmp_path / "a", tmp_path / "b"]
    with pytest.raises(BadPatient, match="2 series .20 and 20 slices."):
        import_ct(everything, "P1")


def test_what_half_of_a_series_does_not_state_does_not_part_it(tmp_path):
    """An anonymiser that took the name out of the files of one folder alone."""
    folder = write_series(tmp_path / "a", slices(40), **{**CONSTANT, "PatientName": "Doe^Jane"})
    (tmp_path / "b").mkdir()
    for file in sorted(folder.iterdir())[20:]:
        header = pydicom.dcmread(file)
        header.PatientName = "Anonymous"
        header.save_as(tmp_path / "b" / file.name)
        file.unlink()
    (row,) = drafted(tmp_path)
    assert (row["n_slices"], row["unsure"]) == (40, "")


def test_slices_with_a_study_and_a_frame_of_reference_each_are_one_series(tmp_path):
    """So does ITK write a series that is given its series UID alone."""
    folder = write_series(tmp_path / "ct", slices(), **CONSTANT)
    for file in folder.iterdir():
        header = pydicom.dcmread(file)
        header.StudyInstanceUID, header.FrameOfReferenceUID = generate_uid(), generate_uid()
        header.save_as(file)
    (row,) = drafted(tmp_path)
    assert (row["n_slices"], row["unsure"]) == (20, "")


OTHER_PLACE = {
    "at the same places": {},
    "between the slices": {"heights": np.arange(20) * 2.5 + 1.0},
    "beside them": {"heights": 50 + np.arange(20) * 2.5, "ImagePositionPatient": None},
    "in other planes": {"heights": 50 + np.arange(20) * 2.5, "PixelSpacing": [0.9, 0.9]},
}


@pytest.mark.parametrize("place", OTHER_PLACE.values(), ids=OTHER_PLACE)
def test_folders_under_one_uid_that_are_no_scan_together_are_two_and_asked_about(tmp_path, place):
    place = dict(place)
    moved = place.pop("ImagePositionPatient", "") is None
    write_series(tmp_path / "a", slices(), **CONSTANT)
    folder = write_series(tmp_path / "b", volume((20, 8, 10), 1), **{**CONSTANT, **place})
    for file in folder.iterdir() if moved else ():
        header = pydicom.dcmread(file)
        header.ImagePositionPatient[0] += 11
        header.save_as(file)
    (row,) = drafted(tmp_path)  # one patient id, so the two scans are those of one patient
    assert row["n_slices"] == 20
    assert "its series UID is also that of another folder, whose slices do not fit" in row["unsure"]


def test_other_images_with_the_image_uids_of_a_series_are_no_copies(tmp_path):
    write_series(tmp_path / "a", slices(), **CONSTANT, SOPInstanceUID="1.2.9")
    shutil.copytree(tmp_path / "a", tmp_path / "copy")
    write_series(tmp_path / "b", volume((20, 8, 10), 1), **CONSTANT, SOPInstanceUID="1.2.9")
    sheet, series = draft_cohort(tmp_path, INCLUDE_ALL)
    assert len(series) == 2
    assert series["n_slices"].tolist() == [20, 20]
    assert "but other voxels" in sheet["unsure"].item()
    assert "copies left out: 20" in series["remarks"].str.cat()


def test_two_scans_in_one_folder_that_nothing_tells_apart_are_refused(tmp_path):
    for number in range(2):
        write_series(tmp_path, volume((20, 8, 10), number), prefix="ab"[number], **CONSTANT)
    sheet, series = draft_cohort(tmp_path, INCLUDE_ALL)
    assert sheet["ct"].item() == ""
    assert series["refused"].item() == "20 slice positions occur twice"


def test_an_image_that_fits_two_scans_belongs_to_neither():
    jane, mary, nobody = (("doe", "", "", "", ""), ("roe", "", "", "", ""), ("", "", "", "", ""))
    assert len(set(separate_scans({jane: 5, mary: 5, nobody: 1}).values())) == 3
    assert separate_scans({jane: 5, nobody: 5}) == {jane: 0, nobody: 0}
