"""Negative controls in a study: the jobs they need, and the report of a study that has them."""

import numpy as np
import pandas as pd
import pytest
from helpers.run_study import (
    SMALL,
    feature_table,
    jobs,
    snakemake,
    write_config,
    write_phantom_study,
)


def control_study(folder, **config) -> None:
    table = feature_table(20)
    table["volume_ml"] = np.random.default_rng(1).lognormal(size=len(table))
    table.to_csv(folder / "mine.csv", index=False)
    classification = {"models": ["naive_bayes"], "resampling": ["none"], "tuning": SMALL}
    classification["baselines"] = ["majority"]
    given = {"features": "mine.csv", "patients": None, "classification": classification}
    given |= {"splits": {"cv": {"folds": 2, "validation": 0}, "holdout": None}}
    write_config(folder, given | config)


def test_the_rules_of_the_controls_run_only_where_they_are_asked_for(tmp_path):
    control_study(tmp_path)
    plain = jobs(snakemake(tmp_path, "-n"))
    assert not [name for name in plain if "shuffle" in name]
    assert plain["fit_baseline"] == 1
    control_study(tmp_path, controls=["permuted_labels", "volume_only"])
    asked = jobs(snakemake(tmp_path, "-n"))
    assert asked["refit_classifier"] == asked["split_permuted"] == 1
    assert asked["fit_baseline"] == asked["refit_baseline"] == 2  # volume beside majority


def test_a_network_learns_permuted_labels_too_and_an_arm_is_selected_by_them(tmp_path):
    fitted = {"models": ["knn", "naive_bayes"], "resampling": ["none"], "tuning": SMALL}
    again = {"classification": fitted, "densenet": {}, "controls": ["permuted_labels"]}
    write_phantom_study(tmp_path, 8, **again)
    asked = jobs(snakemake(tmp_path, "-n"))
    assert asked["train_densenet_permuted"] == asked["train_densenet"] == 4
    assert asked["reselect_arm"] == asked["assemble_densenet_permuted"] == 1


@pytest.mark.slow
def test_a_study_with_controls_reports_them(tmp_path):
    control_study(tmp_path, controls=["permuted_labels", "volume_only"])
    done = snakemake(tmp_path)
    assert done.returncode == 0, done.stderr
    true, permuted = (
        pd.read_parquet(tmp_path / "results" / folder / "features.parquet")
        for folder in (".", "permuted_labels")
    )
    assert permuted.groupby("patient")["label"].nunique().eq(1).all()
    pd.testing.assert_frame_equal(true.drop(columns="label"), permuted.drop(columns="label"))
    splits = pd.read_parquet(tmp_path / "results/permuted_labels/splits.parquet")
    label = permuted.drop_duplicates("patient").set_index("patient")["label"]
    each = splits.assign(label=splits["patient"].map(label)).groupby(["split", "role"])["label"]
    assert each.nunique().eq(2).all()
    metrics = pd.read_parquet(tmp_path / "results/metrics.parquet")
    shuffled = pd.read_parquet(tmp_path / "results/permuted_labels/metrics.parquet")
    where = "arm == 'naive_bayes-none' and level == 'lesion' and metric == 'auc'"
    assert metrics.query(where)["value"].iloc[0] > shuffled.query(where)["value"].iloc[0] + 0.1
    page = (tmp_path / "results/report.html").read_text()
    for text in ("Negative controls", "labels permuted between\npatients", "of 1 arms"):
        assert text in page
    assert "Difference from lesion volume" in page
    assert "Nothing to be done" in (again := snakemake(tmp_path, "-n")).stdout + again.stderr
