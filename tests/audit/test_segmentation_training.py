"""Patients on whom a segmentation model was trained are named in the audit."""

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from helpers.refusals import refused
from livermets.audit.fingerprints import fingerprint
from livermets.audit.segmentation_training import (
    read_training_names,
    segmentation_training_check,
    training_slices,
)


def checked(cts, trained_on, prints=None, excluded=()):
    """The check of a cohort of these patients."""
    cohort = pd.DataFrame({"patient": list(cts)})
    cohort["included"] = ~cohort["patient"].isin(excluded)
    return segmentation_training_check(cohort, prints or {}, cts, trained_on)


def named(cts, trained_on, prints=None) -> dict[str, str]:
    """Patient -> the sentence of the audit on that patient."""
    check = checked(cts, {"leuven": trained_on}, prints)
    assert check.outcome == ("warned" if check.findings else "passed")
    return {finding.patients[0]: finding.text for finding in check.findings}


@pytest.mark.parametrize(
    ("patient", "ct", "entry", "name"),
    [
        ("CRLM-CT-1006", "dicom/a", "tcia_crlm", "CRLM-CT-1*"),
        ("P001", "dicom/CRLM-CT-1006/2001/portal", "tcia_crlm", "CRLM-CT-1*"),
        ("P001", "nifti/liver_12.nii.gz", "lits", "liver_12"),
        ("P001", "nifti/liver_012_0000.nii.gz", "lits", "liver_12"),
        ("volume_3", "a.nii", "lits", "volume-3"),
        ("P001", "3Dircadb1.07/PATIENT_DICOM", "lits", "3Dircadb1.7"),
        ("P001", "Train_Sets/CT/5/DICOM_anon", "chaos", "CT/5/DICOM_anon"),
        ("chaos-05", "dicom/b", "chaos", "CHAOS-5"),
        ("SITE-A-017", "dicom/c", "site-a-*", "site-a-*"),
    ],
    ids=[
        *("TCIA by id", "TCIA by folder", "decathlon", "decathlon in nnU-Net's style"),
        *("LiTS by id", "3D-IRCADb", "CHAOS by its folders", "CHAOS by id", "a pattern"),
    ],
)
def test_a_patient_with_the_name_of_a_training_case_is_named(patient, ct, entry, name):
    texts = named({patient: ct}, [entry])
    assert f"by the name {name})" in texts[patient] and "leuven" in texts[patient]


@pytest.mark.parametrize(
    ("patient", "ct"),
    [
        ("P012", "nifti/P012.nii.gz"),
        ("P001", "liver_study/ct_3.nii.gz"),
        ("P001", "nifti/liver_131.nii.gz"),  # of the test part
        ("chaos-3", "Test_Sets/CT/3/DICOM_anon"),
        ("CRLM-CT-0006", "dicom/a"),
    ],
    ids=["a plain id", "the folder of a study", "test part of LiTS", "of CHAOS", "another number"],
)
def test_a_patient_with_another_name_is_not(patient, ct):
    assert named({patient: ct}, ["lits", "tcia_crlm", "chaos"]) == {}


def images(seed: int) -> list[sitk.Image]:
    rng = np.random.default_rng(seed)
    hu = rng.integers(-1000, 1000, (6, 20, 20)).astype(np.int16)
    labels = np.zeros(hu.shape, np.uint8)
    return [sitk.GetImageFromArray(array) for array in (hu, labels, labels)]


def test_a_scan_of_the_training_data_is_found_under_another_name_flipped_and_cut(tmp_path):
    trained = {f"A{i}": fingerprint(*images(i)) for i in range(3)}
    own = tmp_path / "own.trained_on.txt"
    own.write_text(training_slices(trained))
    parts = [image[:, ::-1, 1:5] for image in images(1)]
    cohort = {"P1": fingerprint(*images(8)), "P2": fingerprint(*parts)}
    texts = named({"P1": "p1.nii.gz", "P2": "p2.nii.gz"}, [str(own)], cohort)
    assert list(texts) == ["P2"]
    assert "4 of 4 CT slices are equal" in texts["P2"]


def test_a_patient_with_a_given_mask_is_no_concern_of_the_model():
    check = checked({}, {"leuven": ["tcia_crlm"]})
    assert check.outcome == "not applicable"


def test_a_patient_who_is_not_in_the_study_is_not_named():
    cts = {"CRLM-CT-1006": "a", "CRLM-CT-1007": "b"}
    check = checked(cts, {"leuven": ["tcia_crlm"]}, excluded=["CRLM-CT-1006"])
    assert [finding.patients for finding in check.findings] == [("CRLM-CT-1007",)]


def test_a_model_whose_training_data_are_not_known_leaves_the_question_open():
    check = checked({"CRLM-CT-1006": "a"}, {"leuven": []})
    assert check.outcome == "not looked at"
    assert check.impossible == "the training data of leuven are not known (`trained_on`)"


def test_the_audit_says_what_it_compared_and_of_which_model_it_knows_nothing():
    check = checked({"P1": "a", "P2": "b"}, {"own": ["chaos"], "x": ["P9"], "leuven": []})
    assert check.outcome == "passed"
    assert check.looked_at == (
        "2 segmented patients and the training data of own, x (names and hashes: 61); the training "
        "data of leuven are not known (`trained_on`)"
    )


def test_a_list_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    with refused("trained_on", "own.txt", "chaos, lits"):
        read_training_names([str(tmp_path / "own.txt")])
