"""The command `make cohort`: what a person wrote stays, and nothing identifies anyone."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml
from helpers.dicom_exports import LATER, PV, STUDY, export, slices
from helpers.dicom_series import write_series
from livermets.imaging.draft_cohort import main
from livermets.study.config import load_config


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


def test_a_new_study_gets_a_model_of_the_package_index_and_an_own_configuration_stays(
    tmp_path, capsys
):
    export(tmp_path / "dicom")
    main([str(tmp_path / "new"), str(tmp_path / "dicom")])
    said = capsys.readouterr().out
    assert "new/config/config.yaml names a segmentation model" in said
    assert "(colorectal, pancreatic; " in said
    assert said.endswith(f"snakemake --cores 8 --directory {tmp_path / 'new'} review\n")
    config = load_config(yaml.safe_load((tmp_path / "new/config/config.yaml").read_text()))
    assert [model["kind"] for model in config["segmentation"]["models"]] == ["leuven"]
    (tmp_path / "old/config").mkdir(parents=True)
    own = "classes: [colon, lung]\npositive: lung\n"
    (tmp_path / "old/config/config.yaml").write_text(own)
    main([str(tmp_path / "old"), str(tmp_path / "dicom")])
    assert (tmp_path / "old/config/config.yaml").read_text() == own
    said = capsys.readouterr().out
    assert "(colon, lung; " in said and "segmentation model" not in said


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
