"""Drafting the cohort sheet, the inclusion criteria, and that nobody is named in any output."""

import gzip
import re
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pydicom
import pytest
import SimpleITK as sitk
from helpers.dicom_series import write_series
from helpers.run_study import snakemake, write_config, write_sheet
from livermets.core.exclusion import exclude_or_stop
from livermets.core.io import read_json
from livermets.imaging.contrast_phase import phase_from_text, phase_from_times
from livermets.imaging.draft_cohort import SERIES_COLUMNS, draft_cohort, main
from livermets.imaging.inclusion import unmet_criteria
from livermets.report.flow_diagram import draw_flow
from livermets.report.paper_tables import read_cohort

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
     ("Liver non-contrast", "native"), ("late arterial", None),
     ("CT TRIPHASIC LIVER (NON-ANGIOGRAPHIC)", None), ("Angio", "arterial"), ("Spaet venoes", None),
     ("Abdomen 1.5", None), ("", None)],
)  # fmt: skip
def test_a_phase_is_known_where_the_description_names_one_and_only_one(text, phase):
    assert phase_from_text(text, None) == phase


@pytest.mark.parametrize(
    ("acquired", "phase"),
    [("101535", "arterial"), ("101610.5", "portal venous"), ("101850", "delayed"),
     ("101550", None), ("101455", None), ("", None), ("at ten", None)],
    ids=["35 s", "70 s", "230 s", "between arterial and portal", "before the injection", "no time",
         "no number"],
)  # fmt: skip
def test_where_no_description_names_a_phase_the_time_since_the_injection_does(acquired, phase):
    assert phase_from_times("101500", acquired) == phase
    assert phase_from_times(None, acquired) is None


def test_criteria_name_what_is_not_met_and_the_unknown_is_a_choice():
    facts = {"slice_thickness_mm": 1.5, "slice_step_mm": 1.0, "kernel": "B30s",
             "phase": "portal venous"}  # fmt: skip
    assert unmet_criteria(facts, PAPER) == unmet_criteria(facts, ANY) == []
    assert unmet_criteria({**facts, "kernel": "b30S", "slice_thickness_mm": 1.52}, PAPER) == []
    bad = {"slice_thickness_mm": 5.0, "kernel": "I70f", "phase": "arterial"}
    assert unmet_criteria(bad, PAPER) == [
        "slice thickness 5 mm", "reconstruction kernel I70f", "contrast phase arterial",
    ]  # fmt: skip
    assert unmet_criteria(bad, ANY) == []
    assert unmet_criteria({}, PAPER) == []
    assert unmet_criteria({}, {**PAPER, "unknown": "exclude"}) == [
        "slice thickness not known", "reconstruction kernel not known", "contrast phase not known",
    ]  # fmt: skip
    assert unmet_criteria({"slice_step_mm": 3.0}, {**ANY, "max_slice_step_mm": 2}) == [
        "slice spacing 3 mm"
    ]


def test_who_does_not_meet_them_is_left_out_even_where_bad_patients_stop_the_study(tmp_path):
    from livermets.core.errors import NotIncluded

    def step():
        raise NotIncluded("P1", "slice thickness 5 mm", "Change `inclusion`")

    out, record = tmp_path / "ct.nii.gz", tmp_path / "ct.json"
    exclude_or_stop("import", step, policy="stop", outputs=[out], record=record)
    assert read_json(record)["excluded"] == {"stage": "inclusion", "reason": "slice thickness 5 mm"}
    assert out.stat().st_size == 0


def test_the_papers_criteria_leave_a_thick_ct_out_and_the_flow_diagram_says_so(tmp_path):
    write_series(tmp_path / "thick", slices(4), ConvolutionKernel="I70f", SliceThickness=5)
    write_sheet(tmp_path, [("P1", "colorectal", "thick", "none.nii.gz")])
    write_config(tmp_path, {"imaging": {"inclusion": PAPER}})
    done = snakemake(tmp_path, "results/cohort.tsv")
    assert done.returncode == 0, done.stderr  # the mask is not there, and nobody asks for it
    cohort = read_cohort(tmp_path / "results/cohort.tsv")
    reason = "slice thickness 5 mm; reconstruction kernel I70f"
    assert cohort[["included", "stage", "reason"]].to_numpy().tolist() == [
        [False, "inclusion", reason]
    ]
    splits = pd.DataFrame({"split": [], "patient": [], "role": []})
    draw_flow(tmp_path / "flow.svg", cohort=cohort, splits=splits, classes=["colorectal"])
    texts = re.findall(r"<text[^>]*>([^<]*)", (tmp_path / "flow.svg").read_text())
    said = " ".join(" ".join(texts).split())
    assert "1 by the inclusion criteria:" in said and reason in said


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
    assert list(sheet["patient"]) == ["P001", "P002", "P003"] and list(series.columns) == [
        *SERIES_COLUMNS
    ]
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
    "PatientAddress": "Waldweg 99", "ProtocolName": "Abdomen Qwertz",
    "OperatorsName": "MTA^Winnetou", "StationName": "CTRAUM11", "DeviceSerialNumber": "SN97531",
    "PatientComments": "comes from Buxtehude", "AcquisitionDate": "20190301",
    "ContrastBolusAgent": "given by Schwester Hildegard",
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
        if file.suffix == ".joblib":
            yield file, zlib.decompress(data)
        if file.suffix == ".parquet":
            table = pq.read_table(file)
            yield file, f"{table.schema.metadata} {table.to_pydict()}".encode()
        if file.name.endswith(".nrrd"):
            header, _, voxels = data.partition(b"\n\n")
            yield file, gzip.decompress(voxels) if b"encoding: gzip" in header else voxels


def planted_patient(folder: Path, seed: int) -> sitk.Image:
    """A CT with three lesions whose headers, folders and file names are full of identifiers."""
    hu = np.full((14, 40, 44), -100)
    hu[2:12, 6:34, 6:38] = 110
    for number, x in enumerate((10, 20, 30)):
        hu[5:8, 9 + seed : 15 + seed, x : x + 5 + number % 2] = 50
    labels = np.where(hu == 50, 2, hu == 110).astype(np.uint8)
    hu = hu + np.random.default_rng(seed).normal(0, 8, hu.shape).round().astype(int)
    write_series(folder, hu.astype(np.int16), heights=np.arange(14) * 2.5, **PLANTED)
    for k, file in enumerate(sorted(folder.iterdir())):
        series = pydicom.dcmread(file).SeriesInstanceUID
        file.rename(folder / f"{series}.{k}.dcm")
    mask = sitk.GetImageFromArray(labels)
    mask.SetSpacing((0.8, 0.7, 2.5))
    mask.SetOrigin((-50, -40, -300))
    return mask


@pytest.mark.slow
def test_no_identifier_planted_in_the_dicom_reaches_any_output(tmp_path):
    """Eight patients through a whole study, two who are refused, and the draft of the sheet."""
    study, tree = tmp_path / "study", tmp_path / "Zyxwvut_Qwertz"  # as archives name folders
    study.mkdir()
    rows = []
    for i in range(8):
        source = tree / f"1.2.840.99999.1.4711.{i}"
        mask = planted_patient(source, i)
        sitk.WriteImage(mask, str(study / f"m{i}.nii.gz"))
        rows.append((f"P{i}", ("colorectal", "pancreatic")[i % 2], str(source), f"m{i}.nii.gz"))
    broken, twice = tree / "1.2.840.99999.1.4711.8", tree / "1.2.840.99999.1.4711.9"
    write_series(broken, slices(2), **PLANTED)
    cut = broken / "1.2.840.99999.1.4711.3.dcm"
    cut.write_bytes(sorted(broken.iterdir())[0].read_bytes()[:-9])
    for name in "ab":
        write_series(twice, slices(4), prefix=name, **PLANTED)
    rows += [(p, "colorectal", str(f), "m0.nii.gz") for p, f in (("P8", broken), ("P9", twice))]
    write_sheet(study, rows)
    write_config(
        study,
        {
            "on_bad_patient": "exclude",
            "lesions": {"min_diameter_mm": 0},
            "radiomics": {"fan_out": "patient", "classes": ["firstorder", "shape"]},
            "splits": {"holdout": None, "cv": {"folds": 2, "validation": 0}},
            "classification": {"models": ["naive_bayes"], "resampling": ["none"],
                               "tuning": {"iterations": 0}, "baselines": ["volume"]},
            "densenet": None,
            "evaluation": {"bootstrap_draws": 100},
        },
    )  # fmt: skip
    done = snakemake(study, "review", "results/report.html")
    assert done.returncode == 0, done.stderr
    drafted = subprocess.run(
        [sys.executable, "-m", "livermets.imaging.draft_cohort", str(tree), str(study)],
        cwd=Path(__file__).parents[2] / "workflow", capture_output=True, text=True,
    )  # fmt: skip
    assert drafted.returncode == 0, drafted.stderr
    secrets = {part for value in PLANTED.values() for part in value.split("^")} - {"Dr", "MTA"}
    secrets |= {"Hildegard", "Hinterwald", "1.2.840.99999", "Waldweg", "Zyxwvut", "Qwertz"}
    secrets |= {"Buxtehude"}
    for file in (file for file in tree.rglob("*.dcm") if file != cut):
        header = pydicom.dcmread(file, stop_before_pixels=True)
        secrets |= {header.SeriesInstanceUID, header.SOPInstanceUID}
    found = list(contents(study / "results"))
    for file, data in found:
        for secret in secrets:
            assert secret.encode() not in data, (file, secret)
            assert secret.encode("utf-16-le") not in data, (file, secret)
    names = {file.name for file, _ in found}
    assert {"report.html", "index.html", "P0.seg.nrrd", "P9.log", "features.parquet"} <= names
    assert (study / "results/review/P0.seg.dcm").stat().st_size > 1000
    assert ">P9<" in (study / "results/report.html").read_text()
    sheet = pd.read_csv(study / "config/patients.draft.tsv", sep="\t", dtype=str)
    said = sheet.drop(columns="ct").to_csv() + (study / "config/series.tsv").read_text()
    said += done.stdout + done.stderr + drafted.stdout
    assert not [secret for secret in secrets if secret in said]
