"""The study of LIDC-IDRI: which lesions enter, and the plans of its studies."""

import sys
from pathlib import Path

import pandas as pd
import pytest
from helpers.run_study import ROOT, jobs, snakemake

sys.path.append(str(ROOT / "benchmarks"))

from lidc_cohort import (
    diameter_predictions,
    first_patients,
    read_lesions,
    size_matched,
    write_image_study,
)
from study_lidc import REDUCED, SETTINGS


@pytest.fixture(scope="module")
def data(real_data) -> Path:
    folder = real_data / "lidc_lesions"
    if not (folder / "lesions.csv").is_file():
        pytest.skip("the crops of LIDC-IDRI are not in LIVERMETS_TEST_DATA")
    return folder


def test_the_patients_whose_lesions_are_of_one_class_are_those_that_the_data_counts(data):
    lesions = read_lesions(data)
    of_patient = lesions.groupby("patient")
    assert of_patient["label"].nunique().max() == 1
    assert (len(of_patient), len(lesions)) == (359, 540)  # the README of the data
    sizes = of_patient.size().value_counts()
    assert [sizes[1], sizes[2], sizes[3], sizes[sizes.index > 3].sum()] == [252, 65, 26, 16]


def test_the_size_matched_lesions_are_of_5_to_10_mm_and_numbered_anew(data):
    part = size_matched(read_lesions(data))
    assert part["diameter_mm"].between(5, 10).all()
    assert part["patient"].nunique() == 205
    assert (part.groupby("patient")["lesion"].max() == part.groupby("patient").size()).all()


def test_a_trial_has_half_of_its_patients_of_each_class(data):
    lesions = first_patients(read_lesions(data), 28)
    labels = lesions.drop_duplicates("patient")["label"].value_counts()
    assert labels.to_dict() == {"benign": 14, "malignant": 14}


def test_the_diameter_scores_test_lesions_alone_and_larger_ones_higher(data):
    lesions = first_patients(read_lesions(data), 28)
    patients = list(lesions["patient"].unique())
    roles = ["test" if place % 2 else "train" for place in range(len(patients))]
    splits = pd.DataFrame({"split": "given", "patient": patients, "role": roles})
    scored = diameter_predictions(lesions, splits).merge(lesions, on=["patient", "lesion"])
    assert set(scored["patient"]) == set(patients[1::2])
    assert scored["score"].corr(scored["diameter_mm"], "spearman") == pytest.approx(1)


def test_the_study_with_densenet_plans_a_job_for_each_crop(data, tmp_path):
    lesions = first_patients(read_lesions(data), 8)
    write_image_study(tmp_path, data, lesions, SETTINGS | REDUCED)
    listed = snakemake(tmp_path, "-n")
    assert listed.returncode == 0, listed.stderr
    planned = jobs(listed)
    for rule in ("import_ct", "label_lesions", "slice_lesions"):
        assert planned[rule] == len(lesions), rule
    assert planned["train_densenet"] == 3
