"""Arms of feature sets in a whole study: fitted where they are asked for, and nowhere else."""

import numpy as np
import pandas as pd
import pytest
from helpers.run_study import SMALL, feature_table, jobs, snakemake, write_config

PLAIN = "logistic_regression-none"


@pytest.fixture
def config(tmp_path):
    """A small study from a table with two sets; only the set `original` tells the classes apart."""
    table = feature_table().rename(columns={c: f"original_glcm_{c}" for c in "abcde"})
    noise = np.random.default_rng(1).normal(size=(len(table), 2))
    table[["shuffled_glcm_a", "shuffled_glcm_b"]] = noise
    table.to_csv(tmp_path / "mine.csv", index=False)
    few = {"models": ["knn"], "resampling": ["none"], "baselines": ["majority"], "tuning": SMALL}
    return {
        "features": "mine.csv",
        "patients": None,
        "splits": {"cv": {"folds": 2}, "holdout": None},
        "classification": few,
    }


BOTH = {"original": ["original"], "alone": ["shuffled"]}


def test_sets_are_compared_only_where_it_is_asked_for_and_never_on_permuted_labels(
    tmp_path, config
):
    write_config(tmp_path, config)
    listed = jobs(snakemake(tmp_path, "-n"))
    assert "fit_feature_sets" not in listed
    assert listed["fit_classifier"] == 1
    config["classification"]["compare_feature_sets"] = BOTH
    config["controls"] = ["permuted_labels"]
    write_config(tmp_path, config)
    listed = jobs(snakemake(tmp_path, "-n"))
    assert listed["fit_feature_sets"] == 2
    assert listed["refit_classifier"] == 1
    assert listed["fit_classifier"] == 1


@pytest.mark.slow
def test_compared_sets_stand_in_tables_and_report_until_they_are_asked_for_no_more(
    tmp_path, config
):
    config["classification"]["compare_feature_sets"] = BOTH
    write_config(tmp_path, config)
    done = snakemake(tmp_path)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "results/report.html").read_text()
    assert "What each feature set adds" in page
    assert "alone (shuffled)" in page
    metrics = pd.read_parquet(tmp_path / "results/metrics.parquet")
    value = metrics.query("metric == 'auc' and level == 'lesion'").set_index("arm")["value"]
    assert value[f"{PLAIN}@original"] > 0.8 > value[f"{PLAIN}@alone"]
    del config["classification"][
        "compare_feature_sets"
    ]  # their tables lie there still, and stay out
    write_config(tmp_path, config)
    assert snakemake(tmp_path).returncode == 0
    assert not pd.read_parquet(tmp_path / "results/metrics.parquet")["arm"].str.contains("@").any()
