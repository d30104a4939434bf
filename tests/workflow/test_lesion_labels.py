"""Lesions that carry the label, from a feature table or the scans of a sheet to the report."""

import json

import pandas as pd
import pytest
from helpers.classes import CLASSES
from helpers.feature_tables import mixed_features
from helpers.run_study import SMALL, jobs, snakemake, write_config, write_phantom_study


def write_study(folder, **config) -> None:
    """A study of a table in which every third patient has lesions of both classes."""
    mixed_features(30).to_csv(folder / "mine.csv", index=False)
    classification = {"models": ["naive_bayes"], "resampling": ["none"], "tuning": SMALL}
    given = {"features": "mine.csv", "patients": None, "splits": {"cv": {"folds": 2}}}
    write_config(folder, given | {"classification": classification} | config)


def test_a_table_with_patients_of_both_classes_stops_with_their_names_and_the_remedy(tmp_path):
    write_study(tmp_path)
    done = snakemake(tmp_path, "results/features.parquet")
    assert done.returncode != 0
    assert "patient P000 has the labels colorectal and pancreatic, and P003" in done.stderr
    assert "`label_of: lesion`" in done.stderr


def write_scans(folder, scans: dict[str, str]) -> None:
    """A study of tiny phantoms: id of the scan -> class, and DenseNet-121 for one epoch."""
    write_phantom_study(
        folder,
        1,
        label_of="lesion",
        radiomics={"fan_out": "patient"},
        classification={
            "models": ["naive_bayes"],
            "resampling": ["none"],
            "tuning": {"iterations": 0},
            "baselines": ["volume"],
        },
        splits={"holdout": None, "cv": {"folds": 2, "validation": 0}},
        controls=[],
        slices={"size": 32, "max_per_lesion": 2},
        densenet={"epochs": 1, "batch_size": 8, "device": "cpu"},
        evaluation={
            "primary_comparison": {"arm": "naive_bayes-none", "reference": "baseline_volume"}
        },
    )
    rows = ["patient\tscan\tlabel\tct\tmask"]
    for scan, label in scans.items():
        patient, name = scan.split("@")
        path = f"phantoms/{scan}"
        rows.append(f"{patient}\t{name}\t{label}\t{path}.ct.nii.gz\t{path}.mask.nii.gz")
    (folder / "config/patients.tsv").write_text("\n".join(rows) + "\n")


# every second patient has a scan of each class
SCANS = {
    f"M{n}@{name}": CLASSES[(n // 2 + (name == "left" and n % 2)) % 2]
    for n in range(8)
    for name in ("left", "right")
}


def test_the_label_of_each_row_of_a_sheet_with_scans_is_that_of_its_lesions(tmp_path):
    write_scans(tmp_path, SCANS)
    listed = snakemake(tmp_path, "-n")
    assert listed.returncode == 0, listed.stderr
    assert jobs(listed)["train_densenet"] == 2


def test_a_sheet_without_scans_cannot_label_lesions_and_planning_says_what_to_do(tmp_path):
    write_phantom_study(tmp_path, 4, label_of="lesion")
    done = snakemake(tmp_path, "-n")
    assert done.returncode == 1
    assert "the sheet needs a column `scan`" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_scans_with_labels_of_their_own_become_a_report_by_lesion(tmp_path):
    write_scans(tmp_path, SCANS)
    done = snakemake(tmp_path)
    assert done.returncode == 0, done.stderr
    results = tmp_path / "results"
    cohort = pd.read_table(results / "cohort.tsv").set_index("patient")
    assert cohort.loc["M1", "label"] == "colorectal + pancreatic"
    features = pd.read_parquet(results / "features.parquet")
    of_scans = dict(
        zip(features["patient"] + "@" + features["scan"], features["label"], strict=True)
    )
    assert of_scans == {scan: SCANS[scan] for scan in of_scans}
    keys = ["patient", "scan", "lesion", "label"]
    for arm in ("naive_bayes-none", "densenet121"):
        scored = pd.read_parquet(results / f"predictions/{arm}.parquet")
        pd.testing.assert_frame_equal(
            scored[keys].sort_values(keys, ignore_index=True),
            features[keys].sort_values(keys, ignore_index=True),
        )
    metrics = pd.read_parquet(results / "metrics.parquet")
    assert set(metrics["level"]) == {"lesion", "lesion_weighted"}
    assert json.loads((results / "audit.json").read_text())["passed"]
    assert "there are no results by patient" in (results / "report.html").read_text()


@pytest.mark.slow
def test_lesions_with_labels_of_their_own_become_a_report_by_lesion(tmp_path):
    named = {"arm": "naive_bayes-none", "reference": "baseline_volume"}
    write_study(tmp_path, label_of="lesion", evaluation={"primary_comparison": named})
    done = snakemake(tmp_path)
    assert done.returncode == 0, done.stderr
    check_results(tmp_path / "results")


def check_results(results) -> None:
    """Look at the tables and the page of a finished study."""
    cohort = pd.read_table(results / "cohort.tsv").set_index("patient")
    assert (cohort["label"] == "colorectal + pancreatic").sum() == 10
    splits = pd.read_parquet(results / "splits.parquet")
    assert not splits.duplicated(["split", "patient"]).any()
    features = pd.read_parquet(results / "features.parquet")
    roles = splits.merge(features[["patient", "label"]], on="patient")
    classes = roles.groupby(["split", "role"])["label"].nunique()
    assert (classes.drop("validation", level="role") == 2).all()

    metrics = pd.read_parquet(results / "metrics.parquet")
    assert set(metrics["level"]) == {"lesion", "lesion_weighted"}
    auc = metrics.query("metric == 'auc' and scheme == 'cv' and level == 'lesion'")
    auc = auc.set_index("arm")
    assert auc.loc["naive_bayes-none", "low"] > 0.85  # two standard deviations apart, 90 lesions
    assert auc.loc["baseline_volume", "low"] < 0.5 < auc.loc["baseline_volume", "high"]
    assert auc.loc["naive_bayes-none", "n_positive"] == (features["label"] == "pancreatic").sum()
    pairs = pd.read_parquet(results / "differences.parquet")
    assert list(pairs.loc[pairs["primary"], "level"]) == ["lesion"]

    assert json.loads((results / "audit.json").read_text())["passed"]
    page = (results / "report.html").read_text()
    assert "10 of 30 patients have lesions of several classes" in page
    assert "there are no results by patient" in page
    assert "AUC by patient" not in page
