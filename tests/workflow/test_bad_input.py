"""What a person sees whose input cannot be used: through Snakemake, on the terminal.

That each check finds what it looks for, in all its forms, is tested where the check lives
(test_ct, test_masks, test_study, test_splits, test_segmentation). Here one patient stands for
each of them, and the message has to reach the person once, last, and without a traceback.
"""

import shutil
import time
from types import SimpleNamespace

import nibabel
import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from helpers.classes import CLASSES
from helpers.dicom_series import write_series
from helpers.run_study import (
    ROOT,
    feature_table,
    snakemake,
    write_config,
    write_phantom_study,
    write_sheet,
)
from livermets.cohort.cohort_table import read_cohort
from livermets.core.errors import BadInput
from livermets.core.jobs import job, refusals
from livermets.phantoms.phantom import make_phantom
from livermets.segmentation.model_archive import hash_model

HEADLINE = "The study stopped. To be put right:"
PHANTOM = {"separability": 1.0, "size": [12, 48, 48], "spacing_mm": [5.0, 5.0, 6.0]}
# What the message of each bad patient has to say, and at which stage they leave.
IMPORT = {
    "absent": ("the CT nowhere.nii.gz does not exist", "Correct the path"),
    "unreadable": ("cut.nii.gz is damaged or cut short", "copy the file again"),
    "empty-folder": ("there is no DICOM file in the folder", "directly holds the slices"),
    "two-series": ("holds 2 series (12 and 12 slices)", "a folder of its own"),
    "missing-slice": ("1 of 12 slices are missing", "complete"),
    "tilted": ("sheared by 8.0°", "tilt-corrected series"),
    "nan": ("3 voxels of the CT are NaN", "Export it again"),
}
REVIEW = {
    "other-geometry": ("of the given mask lies outside the CT", "drawn on this CT"),
    "no-liver": ("the given mask has no liver", "Draw the liver"),
    "strange-label": ("unknown label values 7", "`masks.labels`"),
    "absent-mask": ("the given mask nowhere.nii.gz does not exist", "Correct the path"),
}
BAD = {**IMPORT, **REVIEW}
GOOD_CT, GOOD_MASK = "good.ct.nii.gz", "good.mask.nii.gz"
FILES = {
    "good": (GOOD_CT, GOOD_MASK),
    "absent": ("nowhere.nii.gz", GOOD_MASK),
    "unreadable": ("cut.nii.gz", GOOD_MASK),
    "empty-folder": ("empty", GOOD_MASK),
    "two-series": ("two", GOOD_MASK),
    "missing-slice": ("gap", GOOD_MASK),
    "tilted": ("tilted", GOOD_MASK),
    "nan": ("nan.nii.gz", GOOD_MASK),
    "other-geometry": (GOOD_CT, "shifted.nii.gz"),
    "no-liver": (GOOD_CT, "no_liver.nii.gz"),
    "strange-label": (GOOD_CT, "strange.nii.gz"),
    "absent-mask": (GOOD_CT, "nowhere.nii.gz"),
}


def shown(process) -> list[str]:
    """The messages at the end of the terminal's output; no traceback stands before them."""
    output = process.stdout + process.stderr
    assert "Traceback" not in output, output
    assert output.count(HEADLINE) == 1, output
    last = output.split(HEADLINE)[1].strip().splitlines()
    return [line.removeprefix("* ") for line in last if line.startswith("* ")]


@pytest.fixture(scope="module")
def ward(tmp_path_factory):
    """A folder of images: a good patient, and one for each way of being bad."""
    folder = tmp_path_factory.mktemp("ward")
    ct, mask = write_phantom(folder, "good", "colorectal")
    voxels, labels = sitk.GetArrayFromImage(ct), sitk.GetArrayFromImage(mask)

    (folder / "cut.nii.gz").write_bytes((folder / "good.ct.nii.gz").read_bytes()[:-5000])
    (folder / "empty").mkdir()
    write_series(folder / "two", voxels, prefix="a")
    write_series(folder / "two", voxels[::-1], prefix="b")
    write_series(folder / "gap", voxels)
    (folder / "gap/slice35.dcm").unlink()  # the sixth of twelve
    write_series(folder / "tilted", voxels, lean_mm=2.5 * np.tan(np.radians(8)))
    spoilt = voxels.astype(np.float32)
    spoilt[4, 20, 20:23] = np.nan
    nibabel.save(nibabel.Nifti1Image(spoilt.T, np.eye(4)), folder / "nan.nii.gz")

    def save(array, name, shift_mm=0.0):
        image = sitk.GetImageFromArray(array)
        image.CopyInformation(mask)
        image.SetOrigin([value + shift_mm for value in mask.GetOrigin()])
        sitk.WriteImage(image, folder / name)

    save(labels, "shifted.nii.gz", shift_mm=1000.0)
    save(labels * (labels == 2), "no_liver.nii.gz")
    save(np.where(labels == 2, 7, labels), "strange.nii.gz")
    return folder


def write_phantom(folder, patient: str, label: str):
    """A tiny phantom's CT and mask, `{patient}.ct.nii.gz` and `{patient}.mask.nii.gz`."""
    images = make_phantom(patient, label, CLASSES, 1, **PHANTOM)
    for image, what in zip(images, ("ct", "mask"), strict=True):
        sitk.WriteImage(image, folder / f"{patient}.{what}.nii.gz")
    return images


def test_the_study_stops_and_names_every_bad_patient_once_with_what_to_do(ward):
    write_sheet(ward, [(patient, "colorectal", *FILES[patient]) for patient in FILES])
    write_config(ward, {"densenet": None})
    done = snakemake(ward, "results/cohort.tsv")
    assert done.returncode == 1
    messages = shown(done)
    assert len(messages) == len(BAD)
    for patient, words in BAD.items():
        (mine,) = (line for line in messages if line.startswith(f"patient {patient}: "))
        assert all(word in mine for word in words), mine
        assert "or set `on_bad_patient: exclude`" in mine
    assert not (ward / "results/cohort.tsv").exists()


def refuse_no_more(done, cohort: pd.DataFrame, bad) -> None:
    """The run went through, and every bad patient is in its tables with stage and reason."""
    assert done.returncode == 0, done.stderr
    assert HEADLINE not in done.stderr
    for stage, patients in [("import", IMPORT), ("review", REVIEW)]:
        for patient in patients.keys() & set(bad):
            assert not cohort.at[patient, "included"]
            assert cohort.at[patient, "stage"] == stage
            assert patients[patient][0] in cohort.at[patient, "reason"]
            assert f"excluded: patient {patient}: " in done.stderr


def test_a_bad_patient_may_be_excluded_and_is_listed_with_stage_and_reason(ward, tmp_path):
    folder = shutil.copytree(ward, tmp_path / "ward", ignore=shutil.ignore_patterns("results"))
    bad = ["tilted", "no-liver"]
    write_sheet(folder, [(name, "colorectal", *FILES[name]) for name in ["good", *bad]])
    write_config(folder, {"on_bad_patient": "exclude"})
    done = snakemake(folder, "results/cohort.tsv")
    cohort = pd.read_csv(folder / "results/cohort.tsv", sep="\t").set_index("patient")
    refuse_no_more(done, cohort, bad)
    assert cohort.at["good", "included"]


@pytest.mark.slow
def test_a_study_goes_on_without_eleven_bad_patients_and_its_flow_diagram_says_why(ward, tmp_path):
    folder = shutil.copytree(ward, tmp_path / "ward", ignore=shutil.ignore_patterns("results"))
    write_phantom_study(folder, 6, on_bad_patient="exclude")
    sheet = [line.split("\t") for line in (folder / "config/patients.tsv").read_text().split("\n")]
    good = [tuple(row) for row in sheet[1:] if len(row) == 4]
    write_sheet(folder, [*good, *((name, "colorectal", *FILES[name]) for name in BAD)])
    done = snakemake(folder)
    cohort = read_cohort(folder / "results/cohort.tsv").set_index("patient")
    refuse_no_more(done, cohort, BAD)
    assert cohort.index[cohort["included"]].tolist() == [name for name, *_ in good]
    diagram = " ".join((folder / "results/figures/flow.svg").read_text().split())
    for words in ("Cohort sheet: 17 patients", "Excluded: 11 patients", "Analysed: 6 patients"):
        assert words in diagram
    assert "7 at the import of the CT:" in diagram
    assert "4 at the review of the masks:" in diagram
    report = (folder / "results/report.html").read_text()
    assert all(name in report for name in BAD)


def test_every_bad_row_of_the_sheet_is_named_before_anything_runs(tmp_path):
    write_sheet(
        tmp_path,
        [
            ("A/1", "colorectal", "a.nii.gz", "m.nii.gz"),
            ("..", "colorectal", "a.nii.gz", "m.nii.gz"),
            ("Jane Doe", "colorectal", "a.nii.gz", "m.nii.gz"),
            ("A2", "colorectal", "a.nii.gz", "m.nii.gz"),
            ("A2", "pancreatic", "b.nii.gz", "m.nii.gz"),
            ("A3", "gastric", "a.nii.gz", "m.nii.gz"),
        ],
    )
    write_config(tmp_path, {})
    done = snakemake(tmp_path)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    (message,) = (line for line in done.stderr.splitlines() if line.startswith("livermets: "))
    for words in [
        "row 2: the patient id 'A/1' is not usable as a file name",
        "row 3: the patient id '..' is not usable",
        "row 4: the patient id 'Jane Doe' is not usable",
        "row 6: patient A2 is listed already in row 5; keep one row per patient",
        "row 7: patient A3 has the label 'gastric'; it must be one of colorectal, pancreatic",
    ]:
        assert words in message
    assert not (tmp_path / "results").exists()


def test_a_class_too_small_for_the_split_is_named_with_the_key_to_lower(tmp_path):
    table = feature_table(24)
    few = table["label"].eq("colorectal") | table["patient"].isin(["A01", "A03"])
    table[few].to_csv(tmp_path / "mine.csv", index=False)
    write_config(tmp_path, {"features": "mine.csv", "patients": None})
    done = snakemake(tmp_path)
    assert done.returncode == 1
    (message,) = shown(done)
    assert message.startswith("class pancreatic has 2 patients")
    assert "lower splits.holdout.test_per_class or add patients" in message


def test_a_model_that_is_not_the_one_named_is_not_run_and_said_once(tmp_path):
    write_phantom(tmp_path, "G", "pancreatic")
    write_sheet(tmp_path, [(name, "colorectal", "G.ct.nii.gz", "") for name in ("G1", "G2")])
    path = ROOT / "resources/demo/model.zip"
    model = {"name": "demo", "path": str(path), "sha256": "0" * 64, "labels": {"liver": 1}}
    write_config(tmp_path, {"segmentation": {"models": [model]}})
    done = snakemake(tmp_path, "review")
    assert done.returncode == 1
    (message,) = shown(done)
    assert message.startswith("segmentation model demo: ")
    assert hash_model(path) in message and "fetch it again" in message
    assert not (tmp_path / "results/models").exists()


def test_a_model_that_is_not_there_is_named_before_anything_runs(tmp_path):
    write_sheet(tmp_path, [("G1", "colorectal", "ct.nii.gz", "")])
    model = {"name": "lits", "path": "models/lits.zip", "sha256": "0" * 64, "labels": {"liver": 1}}
    write_config(tmp_path, {"segmentation": {"models": [model]}})
    done = snakemake(tmp_path, "-n")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "livermets: config: segmentation model lits: models/lits.zip does not" in done.stderr


def test_only_what_was_refused_in_this_run_is_repeated_and_each_message_once(tmp_path):
    def fail(name: str, problem: Exception) -> None:
        script = SimpleNamespace(log=[str(tmp_path / name)], rule="rule", wildcards=["P1"])
        with pytest.raises(SystemExit), job(script):
            raise problem

    fail("old.log", BadInput("of the last run"))
    time.sleep(0.05)
    start = time.time()
    fail("a.log", BadInput("the key is wrong; correct it"))
    fail("b.log", BadInput("the key is wrong; correct it"))
    fail("c.log", KeyError("a defect of ours"))
    assert refusals(tmp_path, start) == ["the key is wrong; correct it"]
    assert "Traceback" in (tmp_path / "c.log").read_text()
    assert "Traceback" not in (tmp_path / "a.log").read_text()
