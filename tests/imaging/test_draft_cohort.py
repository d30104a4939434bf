"""Drafting the cohort sheet: every series is judged and one of them chosen."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers.dicom_series import raw_tags, write_series
from livermets.imaging.draft_cohort import SERIES_COLUMNS, draft_cohort, main
from livermets.study.config import load_config

ANY = {"max_slice_thickness_mm": None, "max_slice_step_mm": None, "kernels": None, "phases": None}
ANY = {**ANY, "unknown": "keep"}


def slices(n=20, seed=0):
    return np.random.default_rng(seed).integers(-1000, 1500, (n, 8, 10)).astype(np.int16)


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
        "1 slices missing",
        "another series of this patient fits better",
        "arterial phase",
        "derived, not original; coronal",
        "localiser",
        "only 3 slices",
    ]


def test_the_studys_criteria_judge_too(tmp_path):
    export(tmp_path)
    sheet, series = draft_cohort(tmp_path, {**ANY, "kernels": ["I30f"], "unknown": "keep"})
    refused = series["refused"].str.contains("reconstruction kernel B30s")
    assert refused.sum() == 1
    thick = series[series["chosen"]].iloc[0]
    assert thick["slice_thickness_mm"] == 5


def test_a_sheet_that_is_there_is_not_written_over(tmp_path, capsys):
    export(tmp_path / "dicom")
    (tmp_path / "study/config").mkdir(parents=True)
    (tmp_path / "study/config/patients.tsv").write_text("mine")
    main([str(tmp_path / "dicom"), str(tmp_path / "study")])
    assert (tmp_path / "study/config/patients.tsv").read_text() == "mine"
    draft = pd.read_csv(tmp_path / "study/config/patients.draft.tsv", sep="\t")
    assert len(draft) == 3
    assert "2 patients without a usable one" in capsys.readouterr().out
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit, match="no DICOM file"):
        main([str(tmp_path / "empty"), str(tmp_path / "study")])


def test_a_new_study_gets_a_model_of_the_package_index_and_an_own_configuration_stays(tmp_path):
    export(tmp_path / "dicom")
    main([str(tmp_path / "dicom"), str(tmp_path / "new")])
    config = load_config(yaml.safe_load((tmp_path / "new/config/config.yaml").read_text()))
    assert [model["kind"] for model in config["segmentation"]["models"]] == ["leuven"]
    (tmp_path / "old/config").mkdir(parents=True)
    (tmp_path / "old/config/config.yaml").write_text("seed: 7\n")
    main([str(tmp_path / "dicom"), str(tmp_path / "old")])
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
