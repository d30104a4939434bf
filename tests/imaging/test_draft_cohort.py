"""Drafting the cohort sheet: every series is judged, one is chosen, a person overrules."""

import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
import pytest
import yaml
from helpers.dicom_series import raw_tags, write_series
from livermets.imaging.ct import import_ct
from livermets.imaging.draft_cohort import draft_cohort, main
from livermets.imaging.draft_headers import read_tree
from livermets.imaging.draft_series import SERIES_COLUMNS
from livermets.study.cohort_sheet import listed_paths
from livermets.study.config import load_config

ANY = {"max_slice_thickness_mm": None, "max_slice_step_mm": None, "kernels": None, "phases": None}
ANY = {**ANY, "unknown": "keep"}


def slices(n=20, seed=0):
    return np.random.default_rng(seed).integers(-1000, 1500, (n, 8, 10)).astype(np.int16)


def chosen_of(series: pd.DataFrame) -> dict:
    """The one series that was chosen, by column."""
    (row,) = series[series["chosen"]].to_dict("records")
    return row


def export(tree: Path) -> None:
    """Patient A: a localiser, an arterial, two portal venous series and a reformation in two
    folders; patient B: a series with a gap; patient C: three slices."""
    a = {"PatientID": "MRN-A", "StudyInstanceUID": "1.2.3.1"}
    said = {"SeriesDescription": "Abdomen PV", "ContrastBolusAgent": "Ultravist"}
    write_series(tree / "a/loc", slices(2), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"], **a,
                 AcquisitionTime="101500")  # fmt: skip
    write_series(tree / "a/all", slices(), prefix="art", SeriesDescription="Abdomen arteriell", **a)
    write_series(tree / "a/all", slices(), prefix="thick", SliceThickness=5, **said, **a)
    thin = {**said, "SliceThickness": 1.5, "ConvolutionKernel": "B30s"}
    write_series(tree / "a/all", slices(), prefix="thin", AcquisitionTime="101630.25", **thin, **a)
    write_series(tree / "a/mpr", slices(), ImageType=["DERIVED", "SECONDARY", "MPR"], **said, **a,
                 orientation=(1, 0, 0, 0, 0, -1))  # fmt: skip
    gap = np.delete(np.arange(21) * 2.5, 7)
    write_series(tree / "b", slices(), heights=gap, PatientID="MRN-B", StudyInstanceUID="1.2.3.2")
    write_series(tree / "c", slices(3), PatientID="MRN-C", StudyInstanceUID="1.2.3.3")
    (tree / "a/notes.txt").write_text("not DICOM")


def test_every_series_is_judged_and_the_fitting_one_is_chosen(tmp_path):
    export(tmp_path)
    sheet, series = draft_cohort(tmp_path, ANY)
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
    sheet, series = draft_cohort(tmp_path, {**ANY, "kernels": ["I30f"], "unknown": "keep"})
    assert series["refused"].str.contains("reconstruction kernel B30s").sum() == 1
    thick = series[series["chosen"]].iloc[0]
    assert thick["slice_thickness_mm"] == 5


def test_a_sheet_that_is_there_is_not_written_over(tmp_path, capsys):
    export(tmp_path / "dicom")
    (tmp_path / "study/config").mkdir(parents=True)
    (tmp_path / "study/config/patients.tsv").write_text("patient\tlabel\tct\n")
    main([str(tmp_path / "study"), str(tmp_path / "dicom")])
    assert (tmp_path / "study/config/patients.tsv").read_text() == "patient\tlabel\tct\n"
    draft = pd.read_csv(tmp_path / "study/config/patients.draft.tsv", sep="\t")
    assert len(draft) == 3
    assert "2 patients without a usable one" in capsys.readouterr().out
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit, match="no DICOM file"):
        main([str(tmp_path / "study"), str(tmp_path / "empty")])


def test_a_new_study_gets_a_model_of_the_package_index_and_an_own_configuration_stays(tmp_path):
    export(tmp_path / "dicom")
    main([str(tmp_path / "new"), str(tmp_path / "dicom")])
    config = load_config(yaml.safe_load((tmp_path / "new/config/config.yaml").read_text()))
    assert [model["kind"] for model in config["segmentation"]["models"]] == ["leuven"]
    (tmp_path / "old/config").mkdir(parents=True)
    (tmp_path / "old/config/config.yaml").write_text("seed: 7\n")
    main([str(tmp_path / "old"), str(tmp_path / "dicom")])
    assert (tmp_path / "old/config/config.yaml").read_text() == "seed: 7\n"


def test_real_exports_are_sorted_out(real_data):
    sheet, series = draft_cohort(real_data / "dicom_edge/pydicom", ANY)
    assert (sheet["ct"] == "").all()  # nothing in there is a whole portal venous CT
    assert (series["refused"] != "").all()
    assert series["refused"].str.contains("161 slices missing").sum() == 1
    assert series["refused"].str.contains("MR, not CT").any()


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
    sheet, series = draft_cohort(tmp_path, ANY)
    assert len(sheet) == len(series) == 6
    assert series["chosen"].sum() == 3  # good, d and f
    assert series["refused"].str.contains("ImagePositionPatient of slice.*unreadable").sum() == 1
    assert (series["refused"] == "MR, not CT").sum() == 2


PV = {"SeriesDescription": "Abdomen PV", "ContrastBolusAgent": "Ultravist"}
STUDY = {"PatientID": "A1", "StudyInstanceUID": "1.2.3.1", "StudyDate": "20200101"}
LATER = {**STUDY, "StudyInstanceUID": "1.2.3.2", "StudyDate": "20200325"}


def drafted(tree: Path, criteria=ANY) -> dict:
    """The row of the only patient of a sheet, which import reads as drafted."""
    sheet, _ = draft_cohort(tree, criteria)
    (row,) = sheet.to_dict("records")
    if row["ct"]:
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
    _, series = draft_cohort(tmp_path, ANY)
    assert series["n_slices"].tolist() == [12, 12]
    assert series["patient"].tolist() == ["P001", "P001"]
    assert drafted(tmp_path)["n_slices"] == 12


def test_a_study_without_patient_id_in_several_folders_is_one_patient(tmp_path):
    anonymous = {**STUDY, "PatientID": "ANONYMOUS", "PatientName": ""}
    for name in "abcde":
        write_series(tmp_path / name, slices(12), **anonymous)
    other = {**anonymous, "StudyInstanceUID": "1.2.3.9"}
    write_series(tmp_path / "f", slices(12), **other)
    sheet, series = draft_cohort(tmp_path, ANY)
    assert sorted(series.groupby("patient").size()) == [1, 5]
    assert sheet["unsure"].str.contains("no patient id").all()


NO_CT = {
    "a mask of 0 and 255": (lambda: np.where(slices() > 0, 255, 0) - 1024, {}, "a mask, not a CT"),
    "a map of 118 labels": (lambda: np.abs(slices()) % 118, {}, "no HU"),
    "a mask of 8 bits": (slices, {"BitsStored": 8}, "8 bits a voxel"),
    "a dose report": (slices, {"SeriesDescription": "Dose Report"}, "dose report"),
    "a screenshot": (slices, {"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, "SCREEN SAVE"),
    "a projection": (slices, {"ImageType": ["DERIVED", "SECONDARY", "MIP"]}, "MIP"),
    "no positions": (slices, {"ImagePositionPatient": None}, "without a position"),
    "a chest": (slices, {"SeriesDescription": "Chest venous"}, "another region of the body"),
    "a delayed phase": (slices, {"SeriesDescription": "venous delayed 3 min"}, "delayed phase"),
}


@pytest.mark.parametrize(("hu", "tags", "reason"), NO_CT.values(), ids=NO_CT)
def test_what_is_no_portal_venous_ct_of_the_abdomen_is_not_offered(tmp_path, hu, tags, reason):
    write_series(tmp_path / "ct", hu(), **{**STUDY, **tags})
    assert drafted(tmp_path)["ct"] == ""
    _, series = draft_cohort(tmp_path, ANY)
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
    _, series = draft_cohort(tmp_path, ANY)
    assert series["chosen"].tolist() == [True, False]
    assert Path(series["path"][0]).name == "z"
    assert reason in series["remarks"][1].partition("behind the best: ")[2]


def test_what_speaks_against_the_only_series_is_remarked_and_does_not_refuse_it(tmp_path):
    tags = {"ImageType": ["DERIVED", "SECONDARY", "PROCESSED"], "LossyImageCompression": "01"}
    write_series(tmp_path / "ct", slices(), **STUDY, **tags)
    _, series = draft_cohort(tmp_path, ANY)
    (row,) = series.to_dict("records")
    assert row["chosen"]
    assert row["remarks"] == "derived, not original; compressed with loss (JPEG)"
    assert (row["path"], row["lossy"]) == (str(tmp_path / "ct"), True)
    assert import_ct(tmp_path / "ct", "P1")[1]["lossy_compression"] is True


def edit(study: Path, **cells) -> pd.DataFrame:
    """Write cells into series.tsv by the name of the folder of a series, as a person does."""
    path = study / "config/series.tsv"
    series = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    for name, values in cells.items():
        series.loc[series["path"].str.endswith(name), list(values)] = list(values.values())
    series.to_csv(path, sep="\t", index=False)
    return series


def read_sheet_of(study: Path, name: str = "patients.draft.tsv") -> pd.DataFrame:
    sheet = pd.read_csv(study / "config" / name, sep="\t", dtype=str, keep_default_na=False)
    return sheet.set_index("patient")


def test_a_person_overrules_the_ranking_in_the_table_of_series(tmp_path):
    study = tmp_path / "study"
    write_series(tmp_path / "dicom/thin", slices(), **STUDY, **PV)
    write_series(tmp_path / "dicom/art", slices(12), **STUDY, SeriesDescription="arteriell")
    main([str(study), str(tmp_path / "dicom")])
    assert read_sheet_of(study, "patients.tsv")["ct"].item().endswith("thin")
    edit(study, art={"use": "yes"})
    main([str(study)])
    row = read_sheet_of(study).iloc[0]
    assert (Path(row["ct"]).name, row["n_slices"]) == ("art", "12")
    main([str(study), str(tmp_path / "dicom")])  # the tree read again keeps what the person wrote
    assert Path(read_sheet_of(study)["ct"].item()).name == "art"
    edit(study, art={"use": "no"}, thin={"use": "no"})
    main([str(study)])
    assert read_sheet_of(study)["ct"].item() == ""
    edit(study, art={"use": "perhaps"})
    with pytest.raises(SystemExit, match="'perhaps' in the column `use`"):
        main([str(study)])
    edit(study, art={"use": "yes"}, thin={"use": "yes"})
    with pytest.raises(SystemExit, match="2 series with `yes`"):
        main([str(study)])


def test_a_tree_that_grows_leaves_each_patient_their_id_and_their_label(tmp_path):
    study, dicom = tmp_path / "study", tmp_path / "dicom"
    for name in "bd":
        write_series(dicom / name, slices(), **{**STUDY, "PatientID": f"{name}1",
                     "StudyInstanceUID": f"1.{ord(name)}"})  # fmt: skip
    main([str(study), str(dicom)])
    first = read_sheet_of(study, "patients.tsv")
    first["label"] = [Path(path).name for path in first["ct"]]
    first.reset_index().to_csv(study / "config/patients.tsv", sep="\t", index=False)
    for name in "ace":
        write_series(dicom / name, slices(), **{**STUDY, "PatientID": f"{name}1",
                     "StudyInstanceUID": f"1.{ord(name)}"})  # fmt: skip
    main([str(study), str(dicom)])
    grown = read_sheet_of(study)
    assert len(grown) == 5
    assert grown.loc[first.index, "ct"].tolist() == first["ct"].tolist()
    assert grown["label"].tolist() == [
        Path(path).name if patient in first.index else "" for patient, path in grown["ct"].items()
    ]


def test_the_id_of_a_patient_whose_scans_are_gone_is_not_given_to_another(tmp_path):
    study, dicom = tmp_path / "study", tmp_path / "dicom"
    folder = write_series(dicom / "a", slices(), **STUDY)
    main([str(study), str(dicom)])
    shutil.rmtree(folder)
    write_series(dicom / "b", slices(), **{**LATER, "PatientID": "B2"})
    main([str(study), str(dicom)])
    assert list(read_sheet_of(study).index) == ["P002"]


def test_a_sheet_without_cts_keeps_no_cells(tmp_path):
    study, dicom = tmp_path / "study", tmp_path / "dicom"
    write_series(dicom, slices(), **STUDY)
    (study / "config").mkdir(parents=True)
    (study / "config/patients.tsv").write_text("patient\tlabel\nP9\tcolorectal\n")
    main([str(study), str(dicom)])
    assert read_sheet_of(study)["label"].tolist() == [""]


def test_what_a_person_decided_on_unsure_patients_stays(tmp_path):
    study, dicom = tmp_path / "study", tmp_path / "dicom"
    for number, name in enumerate("ab"):
        write_series(dicom / name, slices(), **{**STUDY, "PatientID": "", "PatientName": "",
                     "StudyInstanceUID": f"1.{number}"})  # fmt: skip
    main([str(study), str(dicom)])
    assert (read_sheet_of(study, "patients.tsv")["unsure"] != "").all()
    edit(study, a={"patient": "P001", "unsure": ""}, b={"patient": "P001", "unsure": ""})
    main([str(study), str(dicom)])
    assert read_sheet_of(study)["unsure"].tolist() == [""]


def test_how_far_the_reading_has_come_is_told(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("livermets.core.progress.LOG_PROGRESS_S", 0)
    write_series(tmp_path, slices(), **STUDY)
    draft_cohort(tmp_path, ANY)
    told = capsys.readouterr().err
    assert "7 files read, 1 series" in told
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


def test_the_derived_ct_of_a_real_patient_is_offered_with_a_remark(dicom_folder):
    folder = dicom_folder("crlm_1006")
    criteria = load_config({})["imaging"]["inclusion"]
    sheet, series = draft_cohort(folder, criteria)
    assert (sheet["ct"].item(), sheet["n_slices"].item()) == (str(folder.resolve()), 51)
    assert series["remarks"].item() == "derived, not original"


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
    sheet, _ = draft_cohort(tree, ANY)
    assert sorted(sheet["ct"]) == [str(store / "one"), str(tree / "files")]
    assert sheet["n_slices"].tolist() == [20, 20]


IDENTIFYING = {
    "PatientName": "Zyxwvut^Qwertz", "PatientID": "MRN98765432", "PatientBirthDate": "19470811",
    "StudyInstanceUID": "1.2.840.99999.1.4711.1", "FrameOfReferenceUID": "1.2.840.99999.1.4711.2",
    "StudyDate": "20190228", "SeriesDescription": "PV Zyxwvut", "ProtocolName": "Abdomen Qwertz",
    "ContrastBolusAgent": "given by Hildegard", "SeriesInstanceUID": "1.2.840.99999.1.4711.3",
}  # fmt: skip


def test_nothing_that_identifies_a_person_is_written_but_the_paths(tmp_path, capsys):
    study, dicom = tmp_path / "study", tmp_path / "dicom"
    write_series(dicom / "a", slices(), **IDENTIFYING)
    late = {"StudyDate": "20190601", "StudyInstanceUID": "1.2.840.99999.1.4711.8"}
    write_series(dicom / "b", slices(), **{**IDENTIFYING, **late, "PatientBirthDate": "19470812"})
    write_series(dicom / "c", slices(2), **{**IDENTIFYING, **late, "PatientID": ""})
    main([str(study), str(dicom)])
    written = capsys.readouterr()
    text = written.out + written.err
    for file in (study / "config").glob("*.tsv"):
        text += file.read_text()
    assert "P002" in text
    words = ["Zyxwvut", "Qwertz", "MRN98765432", "19470811", "2019", "Hildegard", "1.2.840.99999"]
    assert not [word for word in words if word in text]


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
    _, series = draft_cohort(tmp_path, ANY)
    assert series["path"].is_unique
    assert len(series) == 6
    assert (series["path"] == str(tmp_path / "a")).sum() == 1  # the CT beside reports
