"""Explanation in whole studies: asked for, it is in the report; not asked for, nothing is run."""

import numpy as np
import pandas as pd
import pytest
from helpers.run_study import (
    SMALL,
    feature_table,
    jobs,
    snakemake,
    write_config,
)
from helpers.run_study import write_phantom_study as phantoms

RULES = {"explain_arm", "summarise_shap", "leave_out_lesions", "look_at_split", "summarise_network"}


def write_table_study(folder, **config) -> None:
    """A study from a table; two classifiers, of which one is selected."""
    table = feature_table()
    table["volume_ml"] = np.random.default_rng(1).lognormal(size=len(table))
    table.to_csv(folder / "mine.csv", index=False)
    few = {"models": ["logistic_regression", "svm"], "resampling": ["none"], "baselines": []}
    write_config(
        folder,
        {
            "features": "mine.csv",
            "patients": None,
            "splits": {"cv": {"folds": 2}, "holdout": None},
            "classification": few | {"tuning": SMALL},
            "pooling": {"patient": ["largest"]},
            **config,
        },
    )


def test_models_are_explained_where_it_is_asked_for_and_never_otherwise(tmp_path):
    write_table_study(tmp_path)
    assert not RULES & set(jobs(snakemake(tmp_path, "-n")))
    write_table_study(tmp_path, explanation={})
    listed = jobs(snakemake(tmp_path, "-n"))
    assert RULES & set(listed) == {"explain_arm", "summarise_shap", "leave_out_lesions"}
    assert listed["explain_arm"] == 1
    write_table_study(tmp_path, explanation={"arms": ["svm-none", "logistic_regression-none"]})
    assert jobs(snakemake(tmp_path, "-n"))["explain_arm"] == 2


def test_the_network_of_each_split_is_looked_at_in_a_job_of_its_own(tmp_path):
    network = {"densenet": {"epochs": 1}, "slices": {"size": 32}}
    phantoms(tmp_path, 8, explanation={}, **network)
    listed = jobs(snakemake(tmp_path, "-n"))
    assert listed["look_at_split"] == listed["train_densenet"] == 4
    assert listed["summarise_network"] == 1


def test_an_arm_that_the_study_does_not_have_is_refused_before_anything_runs(tmp_path):
    write_table_study(tmp_path, explanation={"arms": ["knn-none"]})
    refused = snakemake(tmp_path, "-n")
    assert refused.returncode != 0
    assert "`explanation.arms` names 'knn-none'" in refused.stdout + refused.stderr


@pytest.mark.slow
def test_what_the_scores_are_made_of_stands_in_tables_and_report(tmp_path):
    write_table_study(tmp_path, explanation={"lesions": 10, "background": 10})
    done = snakemake(tmp_path)
    assert done.returncode == 0, done.stderr
    shap = pd.read_csv(tmp_path / "results/tables/shap.tsv", sep="\t")
    assert shap["share"].sum() == pytest.approx(1)
    told_apart = shap["group"].isin(["a", "b", "c"])  # d and e are noise
    assert shap.loc[told_apart, "share"].sum() > 0.6
    effects = pd.read_csv(tmp_path / "results/tables/lesion_effects.tsv", sep="\t")
    assert set(effects["arm"]) == {"selected", "selected~largest"}
    of_mean = effects[effects["arm"] == "selected"]
    by_hand = (of_mean["score"] * of_mean["lesions"] - of_mean["lesion_score"]) / (
        of_mean["lesions"] - 1
    )
    np.testing.assert_allclose(of_mean["score_without"], by_hand, atol=1e-8)
    page = (tmp_path / "results/report.html").read_text()
    assert "What did the models look at?" in page
    assert "Which lesion decided a patient?" in page
    assert "Is the black border the cue?" not in page
    assert snakemake(tmp_path, "-n").stdout.count("Nothing to be done") == 1


@pytest.mark.slow
@pytest.mark.training
def test_what_the_network_looked_at_stands_in_the_report(tmp_path):
    network = {"densenet": {"epochs": 1, "threads": 1}, "slices": {"size": 32, "max_per_lesion": 2}}
    split = {"holdout": None, "cv": {"folds": 2, "validation": 0}}
    phantoms(tmp_path, 8, explanation={"lesions": 5}, splits=split, **network)
    done = snakemake(tmp_path)
    assert done.returncode == 0, done.stderr
    occlusion = pd.read_csv(tmp_path / "results/tables/occlusion.tsv", sep="\t")
    assert list(occlusion["variant"].unique()) == ["as_is", "rim", "inside", "silhouette"]
    metrics = pd.read_parquet(tmp_path / "results/metrics.parquet")
    arm = metrics.query("arm == 'densenet121' and metric == 'auc' and level == 'patient'")
    whole = occlusion.query("variant == 'as_is' and level == 'patient'")
    assert whole["auc"].iloc[0] == pytest.approx(arm["value"].iloc[0], abs=1e-9)
    page = (tmp_path / "results/report.html").read_text()
    assert "Is the black border the cue?" in page
    assert "Example lesions of each class with the map of Grad-CAM" in page
