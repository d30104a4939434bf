"""Drafting the cohort sheet, the inclusion criteria, and that nobody is named in any output."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
import pytest
import SimpleITK as sitk
from dicom_series import write_series
from livermets.draft_cohort import SERIES, draft_cohort, main
from livermets.exclusion import attempt
from livermets.inclusion import phase_of, unmet
from livermets.runtime import read_json
from studies import snakemake, write_config, write_sheet

ANY = {"max_slice_thickness_mm": None, "max_slice_step_mm": None, "kernels": None, "phases": None}
ANY = {**ANY, "unknown": "keep"}
PAPER = {**ANY, "max_slice_thickness_mm": 1.5, "kernels": ["B30s"], "phases": ["portal venous"]}


def slices(n=20, seed=0):
    return np.random.default_rng(seed).integers(-1000, 1500, (n, 8, 10)).astype(np.int16)


# --- criteria ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "phase"),
    [("Abdomen portalvenös 1.5 B30s", "portal venous"), ("ABD_PV_1.0", "portal venous"),
     ("Leber 70s", "portal venous"), ("Thorax CTA", "arterial"), ("nativ 5.0", "native"),
     ("Liver non-contrast", "native"), ("late arterial", None), ("Spaet venoes", None),
     ("Abdomen 1.5", None), ("", None)],
)  # fmt: skip
def test_a_phase_is_known_where_the_description_names_one_and_only_one(text, phase):
    assert phase_of(text, None) == phase


def test_criteria_name_what_is_not_met_and_the_unknown_is_a_choice():
    facts = {"slice_thickness_mm": 1.5, "slice_step_mm": 1.0, "kernel": "B30s",
             "phase": "portal venous"}  # fmt: skip
    assert unmet(facts, PAPER) == unmet(facts, ANY) == []
    assert unmet({**facts, "kernel": "b30S", "slice_thickness_mm": 1.52}, PAPER) == []
    bad = {"slice_thickness_mm": 5.0, "kernel": "I70f", "phase": "arterial"}
    assert unmet(bad, PAPER) == [
        "slice thickness 5 mm", "reconstruction kernel I70f", "contrast phase arterial",
    ]  # fmt: skip
    assert unmet(bad, ANY) == []
    assert unmet({}, PAPER) == []
    assert unmet({}, {**PAPER, "unknown": "exclude"}) == [
        "slice thickness not known", "reconstruction kernel not known", "contrast phase not known",
    ]  # fmt: skip
    assert unmet({"slice_step_mm": 3.0}, {**ANY, "max_slice_step_mm": 2}) == ["slice spacing 3 mm"]


def test_who_does_not_meet_them_is_left_out_even_where_bad_patients_stop_the_study(tmp_path):
    from livermets.errors import NotIncluded

    def step():
        raise NotIncluded("P1", "slice thickness 5 mm", "Change `inclusion`")

    out, record = tmp_path / "ct.nii.gz", tmp_path / "ct.json"
    attempt("import", step, policy="stop", outputs=[out], record=record)
    assert read_json(record)["excluded"] == {"stage": "inclusion", "reason": "slice thickness 5 mm"}
    assert out.stat().st_size == 0


# --- the draft ---------------------------------------------------------------------------------


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
    assert list(sheet["patient"]) == ["P001", "P002", "P003"] and list(series.columns) == [*SERIES]
    assert len(series) == 7
    (chosen,) = series[series["chosen"]].to_dict("records")
    assert (chosen["slice_thickness_mm"], chosen["kernel"]) == (1.5, "B30s")
    assert (chosen["phase"], chosen["delay_s"], chosen["contrast"]) == ("portal venous", 90, True)
    (ct,) = (path for path in sheet["ct"] if path)
    assert Path(ct).name.startswith("thin") and Path(ct).parent == tmp_path / "a/all"
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
    assert len(draft) == 3 and "2 patients without a usable one" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="no DICOM file"):
        (tmp_path / "empty").mkdir()
        main([str(tmp_path / "empty"), str(tmp_path / "study")])


def test_real_exports_are_sorted_out(real_data):
    sheet, series = draft_cohort(real_data / "dicom_edge/pydicom", ANY)
    assert (sheet["ct"] == "").all()  # nothing in there is a whole portal venous CT
    assert (series["refused"] != "").all()
    assert series["refused"].str.contains("161 slices missing").sum() == 1
    assert series["refused"].str.contains("MR, not CT").any()


# --- nobody is named ---------------------------------------------------------------------------

PLANTED = {
    "PatientName": "Zyxwvut^Qwertz", "PatientID": "MRN98765432", "PatientBirthDate": "19470811",
    "AccessionNumber": "ACC55667788", "InstitutionName": "Spital Hinterwald",
    "ReferringPhysicianName": "Dr^Blofeld", "StudyInstanceUID": "1.2.840.99999.1.4711.1",
    "FrameOfReferenceUID": "1.2.840.99999.1.4711.2", "StudyDate": "20190228",
    "OtherPatientIDs": "OTHER13572468", "SeriesDescription": "PV Zyxwvut", "StudyID": "ST24681357",
    "PatientAddress": "Waldweg 99", "ContrastBolusAgent": "given by Schwester Hildegard",
}  # fmt: skip


def contents(folder: Path):
    """Every file with its bytes, and unpacked where it is compressed."""
    for file in folder.rglob("*"):
        if not file.is_file():
            continue
        data = file.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        yield file, data
        if file.name.endswith(".nrrd"):
            header, _, voxels = data.partition(b"\n\n")
            yield file, gzip.decompress(voxels) if b"encoding: gzip" in header else voxels


@pytest.mark.slow
def test_no_identifier_planted_in_the_dicom_reaches_any_output(tmp_path):
    hu = np.full((14, 40, 44), -100, np.int16)
    hu[2:12, 6:34, 6:38] = 110
    hu[5:8, 12:20, 12:20] = 50
    source = write_series(tmp_path / "dicom", hu, heights=np.arange(14) * 2.5, **PLANTED)
    for k, file in enumerate(sorted(source.iterdir())):  # named as exports often are
        series = pydicom.dcmread(file).SeriesInstanceUID
        file.rename(source / f"{series}.{k}.dcm")
    study = tmp_path / "study"
    write_sheet(study, [("P1", "colorectal", str(source), "m.nii.gz"),
                        ("P2", "pancreatic", str(tmp_path / "broken"), "m.nii.gz")])  # fmt: skip
    write_series(tmp_path / "broken", hu[:2], **PLANTED)
    cut = tmp_path / "broken/1.2.840.99999.1.4711.3.dcm"
    cut.write_bytes(sorted((tmp_path / "broken").iterdir())[0].read_bytes()[:-9])
    labels = np.where(hu == 50, 2, hu == 110).astype(np.uint8)
    mask = sitk.GetImageFromArray(labels)
    mask.SetSpacing((0.8, 0.7, 2.5))
    mask.SetOrigin((-50, -40, -300))
    sitk.WriteImage(mask, str(study / "m.nii.gz"))
    write_config(study, {"on_bad_patient": "exclude"})
    done = snakemake(study, "review", "results/cohort.tsv")
    assert done.returncode == 0, done.stderr
    drafted = subprocess.run(
        [sys.executable, "-m", "livermets.draft_cohort", str(tmp_path / "dicom"), str(study)],
        cwd=Path(__file__).parents[1] / "workflow", capture_output=True, text=True,
    )  # fmt: skip
    assert drafted.returncode == 0, drafted.stderr
    series = json.dumps(pydicom.dcmread(next(source.iterdir())).SeriesInstanceUID)[1:-1]
    secrets = {part for value in PLANTED.values() for part in value.split("^")} - {"Dr"}
    secrets |= {"Hildegard", "Hinterwald", "1.2.840.99999", "Waldweg", series}
    checked = 0
    for file, data in contents(study / "results"):
        checked += 1
        for secret in secrets:
            assert secret.encode() not in data, (file, secret)
            assert secret.encode("utf-16-le") not in data, (file, secret)
    assert checked > 15 and (study / "results/review/P1.seg.dcm").stat().st_size > 1000
    for name in ("series.tsv", "patients.draft.tsv"):
        text = (study / "config" / name).read_text()
        for secret in secrets - ({series} if name == "patients.draft.tsv" else set()):
            assert secret not in text
    said = done.stdout + done.stderr + drafted.stdout
    assert not [secret for secret in secrets if secret in said]
