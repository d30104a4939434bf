"""A feature table in which lesions carry the label, from the table to the report."""

import json

import pandas as pd
import pytest
from helpers.feature_tables import mixed_features
from helpers.run_study import SMALL, snakemake, write_config


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


def test_from_images_lesions_carry_no_label_and_planning_says_what_to_do(tmp_path):
    write_study(tmp_path, features=None, patients="config/patients.tsv", label_of="lesion")
    done = snakemake(tmp_path, "-n")
    assert done.returncode == 1
    assert "`label_of: lesion` needs a feature table" in done.stderr
    assert "Traceback" not in done.stderr


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
