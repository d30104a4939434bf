"""Reading a tree of exports: no slice is lost, doubled or given to another series."""

import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pydicom
import pytest
from helpers.dicom_exports import INCLUDE_ALL, PV, STUDY, slices
from helpers.dicom_series import raw_tags, write_series
from helpers.header_records import archive_of
from livermets.imaging.ct import import_ct
from livermets.imaging.draft_cohort import draft_cohort
from livermets.imaging.draft_headers import read_tree
from livermets.study.cohort_sheet import listed_paths
from pydicom.uid import generate_uid


def drafted(tree: Path) -> dict:
    """The row of the only patient of a sheet, which import reads as drafted."""
    sheet, _ = draft_cohort(tree, INCLUDE_ALL)
    (row,) = sheet.to_dict("records")
    _, record = import_ct(listed_paths(row["ct"]), "P1")
    assert record["n_slices"] == row["n_slices"]
    return row


def split_series(tree: Path, shared: bool = False, n: int = 41) -> None:
    """A series in two folders, as archives fill CDs; `shared` with slices of a second series."""
    files = sorted(write_series(tree / "CD/A", slices(n), **PV, **STUDY).iterdir())
    (tree / "CD/B").mkdir()
    for file in files[20:]:
        file.rename(tree / "CD/B" / file.name)
    if shared:
        write_series(tree / "CD/B", slices(5), prefix="other", **STUDY)


@pytest.mark.parametrize("shared", [False, True], ids=["folders alone", "a shared folder"])
def test_a_series_in_two_folders_is_drafted_as_import_reads_it(tmp_path, shared):
    split_series(tmp_path, shared)
    row = drafted(tmp_path)
    assert row["n_slices"] == 41
    first, second = listed_paths(row["ct"])
    assert Path(first) == tmp_path / "CD/A"
    assert (Path(second).parent if shared else Path(second)) == tmp_path / "CD/B"


def test_a_copied_export_is_one_patient_with_each_slice_once(tmp_path):
    write_series(tmp_path / "cd1", slices(), **STUDY)
    shutil.copytree(tmp_path / "cd1", tmp_path / "cd2")
    row = drafted(tmp_path)
    assert (row["ct"], row["n_slices"]) == (str(tmp_path / "cd1"), 20)


def test_series_without_a_uid_do_not_vanish_and_each_folder_is_a_series(tmp_path):
    for name in "ab":
        write_series(tmp_path / name, slices(12), **{**STUDY, "SeriesInstanceUID": ""})
    _, series = draft_cohort(tmp_path, INCLUDE_ALL)
    assert series["n_slices"].tolist() == [12, 12]
    assert series["patient"].tolist() == ["P001", "P001"]
    assert drafted(tmp_path)["n_slices"] == 12


def test_a_study_without_patient_id_in_several_folders_is_one_patient(tmp_path):
    anonymous = {**STUDY, "PatientID": "ANONYMOUS", "PatientName": ""}
    for name in "abcde":
        write_series(tmp_path / name, slices(12), **anonymous)
    other = {**anonymous, "StudyInstanceUID": "1.2.3.9"}
    write_series(tmp_path / "f", slices(12), **other)
    sheet, series = draft_cohort(tmp_path, INCLUDE_ALL)
    assert sorted(series.groupby("patient").size()) == [1, 5]
    assert sheet["unsure"].str.contains("no patient id").all()


def test_each_series_has_a_path_of_its_own(tmp_path):
    """Reports of two patients and a localiser in one folder, and two scans in another."""
    for number, tags in enumerate(
        (
            {"Modality": "SR"},
            {"Modality": "SR"},
            {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]},
        )
    ):
        write_series(tmp_path / "a", slices(1), prefix=f"r{number}", **{**STUDY, **tags},
                     SOPInstanceUID=f"1.{number}")  # fmt: skip
    write_series(tmp_path / "a", slices(), prefix="ct", **STUDY)
    for name in "xy":
        write_series(tmp_path / "b", slices(), prefix=name, **STUDY)
    _, series = draft_cohort(tmp_path, INCLUDE_ALL)
    assert series["path"].is_unique
    assert len(series) == 6
    assert (series["path"] == str(tmp_path / "a")).sum() == 1  # the CT beside reports


def test_links_are_followed_once_and_what_cannot_be_opened_is_counted(tmp_path):
    store, tree = tmp_path / "store", tmp_path / "tree"
    write_series(store / "one", slices(), **STUDY)
    write_series(store / "two", slices(), **{**STUDY, "PatientID": "B2", "StudyInstanceUID": "1.9"})
    (tree / "files").mkdir(parents=True)
    for file in (store / "two").iterdir():
        (tree / "files" / file.name).symlink_to(file)
    (tree / "folder").symlink_to(store / "one")
    (tree / "loop").symlink_to(tree)
    (tree / "nowhere.dcm").symlink_to(tmp_path / "gone")
    (tree / "cut.dcm").write_bytes(bytes(128) + b"DICM\x02\0\0\0UL\4\0")
    read = read_tree(tree)
    assert (read.files, read.damaged) == (42, 2)
    sheet, _ = draft_cohort(tree, INCLUDE_ALL)
    assert sorted(sheet["ct"]) == [str(store / "one"), str(tree / "files")]
    assert sheet["n_slices"].tolist() == [20, 20]


def test_one_series_with_unreadable_tags_does_not_end_the_draft(tmp_path):
    write_series(tmp_path / "good", slices(), PatientID="A", ImageType=["AXIAL"])
    for name, key, value, modality in (
        ("b", "ImagePositionPatient", b"1,0\\2\\3 ", "CT"),
        ("c", "ImagePositionPatient", b"1\\2 ", "MR"),
        ("d", "SliceThickness", b"3\\3 ", "CT"),
        ("e", "SliceThickness", b"NONE", "MR"),
        ("f", "KVP", b"120 kV", "CT"),
    ):
        folder = write_series(tmp_path / name, slices(), PatientID=name, Modality=modality)
        raw_tags(folder, {key: value})
    sheet, series = draft_cohort(tmp_path, INCLUDE_ALL)
    assert len(sheet) == len(series) == 6
    assert series["chosen"].sum() == 3  # good, d and f
    assert series["refused"].str.contains("ImagePositionPatient of slice.*unreadable").sum() == 1
    assert (series["refused"] == "MR, not CT").sum() == 2


def test_how_far_the_reading_has_come_is_told(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("livermets.core.progress.LOG_PROGRESS_S", 0)
    write_series(tmp_path, slices(), **STUDY)
    draft_cohort(tmp_path, INCLUDE_ALL)
    told = capsys.readouterr().err
    assert "20 files found" in told
    assert "7 of 20 files read, 1 series, 0 s left" in told
    assert "1 of 1 patients" in told


def test_the_memory_kept_of_a_file_is_small_however_large_its_header(tmp_path):
    """500,000 files at 1 kB are 0.5 GB."""
    folder = write_series(tmp_path / "ct", slices(100), heights=np.arange(100.0), **STUDY)
    for file in folder.iterdir():
        header = pydicom.dcmread(file)
        header.add_new(0x00111001, "OB", bytes(60_000))
        header.save_as(file)
    read_tree(tmp_path)  # modules and caches
    tracemalloc.start()
    tree = read_tree(tmp_path)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(tree.series[0].slices) == 100
    assert kept / 100 < 1000


def kept_bytes(n_files: int) -> int:
    """Bytes that are kept of an archive of this many files."""
    with pytest.MonkeyPatch.context() as patch:
        archive_of(n_files, patch)
        tracemalloc.start()
        tree = read_tree(Path("/exports"))
        kept, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert sum(len(series.slices) for series in tree.series) == n_files
    return kept


def test_every_further_header_takes_the_same_few_bytes():
    """`make bench-draft` measures 0.3 kB: of 500,000 files the draft keeps some 150 MB."""
    kept_bytes(10)  # modules and caches
    small, middle, large = map(kept_bytes, [200, 400, 600])
    assert (middle - small) / 200 < 800  # tables that grow in steps included
    assert (large - middle) / 200 < 800


def test_slices_that_each_name_a_study_of_their_own_are_one_series(tmp_path):
    """So does SimpleITK write them: ITK makes a study UID for each file that is given none."""
    folder = write_series(tmp_path / "ct", slices(), **PV, **STUDY)
    for file in folder.iterdir():
        header = pydicom.dcmread(file)
        header.StudyInstanceUID = generate_uid()
        header.save_as(file)
    assert drafted(tmp_path)["n_slices"] == 20
    assert import_ct(next(folder.iterdir()), "P1")[1]["n_slices"] == 20
