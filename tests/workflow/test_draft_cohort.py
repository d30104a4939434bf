"""Inclusion criteria in a study, and that no identifier in the DICOM reaches any output."""

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
from helpers.dicom_exports import INCLUDE_ALL, slices
from helpers.dicom_series import write_series
from helpers.run_study import snakemake, write_config, write_sheet
from livermets.cohort.cohort_table import read_cohort
from livermets.report.flow_diagram import draw_flow

PAPER = {
    **INCLUDE_ALL,
    "max_slice_thickness_mm": 1.5,
    "kernels": ["B30s"],
    "phases": ["portal venous"],
}


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
    assert "1 by the inclusion criteria:" in said
    assert reason in said


def test_import_takes_the_series_that_was_drafted_or_says_what_is_missing(tmp_path):
    for name in ("a", "b"):
        write_series(tmp_path / name, slices(12), SeriesInstanceUID="1.2.3",
                     heights=np.arange(12) * 2.5 + 30 * (name == "b"))  # fmt: skip
    rows = ["patient\tlabel\tct\tmask\tn_slices", "P1\tcolorectal\ta|b\tm.nii.gz\t24"]
    rows.append("P2\tcolorectal\ta\tm.nii.gz\t24")
    (tmp_path / "config").mkdir()
    (tmp_path / "config/patients.tsv").write_text("\n".join(rows) + "\n")
    write_config(tmp_path, {"imaging": {"inclusion": INCLUDE_ALL}})
    done = snakemake(tmp_path, "-k", "results/ct/P1.nii.gz", "results/ct/P2.nii.gz")
    assert "patient P2: the CT has 12 slices, and the cohort sheet says 24" in done.stderr
    assert sitk.ReadImage(str(tmp_path / "results/ct/P1.nii.gz")).GetSize()[2] == 24
    assert not (tmp_path / "results/ct/P2.nii.gz").exists()


def test_snakemake_refuses_an_unsure_patient_and_a_path_that_it_takes_for_a_pattern(tmp_path):
    rows = ["patient\tlabel\tct\tunsure", "P1\tcolorectal\ta\tno patient id"]
    rows.append("P2\tcolorectal\tscan{1}\t")
    (tmp_path / "config").mkdir()
    (tmp_path / "config/patients.tsv").write_text("\n".join(rows) + "\n")
    (tmp_path / "scan{1}").mkdir()
    write_config(tmp_path, {})
    done = snakemake(tmp_path, "-n")
    assert done.returncode == 1
    assert "unsure who patient P1 is: no patient id" in done.stderr
    assert "patient P2: `ct` names scan{1}" in done.stderr
    assert "Traceback" not in done.stderr


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
            "radiomics": {"fan_out": "patient", "feature_classes": ["firstorder", "shape"]},
            "splits": {"holdout": None, "cv": {"folds": 2, "validation": 0}},
            "classification": {"models": ["naive_bayes"], "resampling": ["none"],
                               "tuning": {"iterations": 0}, "baselines": ["volume"]},
            "densenet": None,
        },
    )  # fmt: skip
    done = snakemake(study, "review", "results/report.html")
    assert done.returncode == 0, done.stderr
    drafted = subprocess.run(
        [sys.executable, "-m", "livermets.imaging.draft_cohort", str(study), str(tree)],
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
    series = pd.read_csv(study / "config/series.tsv", sep="\t", dtype=str)
    said = sheet.drop(columns="ct").to_csv() + series.drop(columns="path").to_csv()
    said += done.stdout + done.stderr + drafted.stdout
    assert not [secret for secret in secrets if secret in said]
