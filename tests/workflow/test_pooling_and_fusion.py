"""Other ways than the mean from lesions to patients, in whole studies."""

import numpy as np
import pandas as pd
import pytest
from helpers.run_study import SMALL, feature_table, jobs, snakemake, write_config


def write_table_study(folder, **config) -> None:
    """A study from a table with volumes; two classifiers, of which one is selected."""
    table = feature_table()
    table["volume_ml"] = np.random.default_rng(1).lognormal(size=len(table))
    table.to_csv(folder / "mine.csv", index=False)
    few = {"models": ["knn", "naive_bayes"], "resampling": ["none"], "baselines": ["volume"]}
    write_config(
        folder,
        {
            "features": "mine.csv",
            "patients": None,
            "splits": {"cv": {"folds": 2}, "holdout": None},
            "classification": few | {"tuning": SMALL},
            **config,
        },
    )


def test_lesions_are_pooled_where_it_is_asked_for_and_never_otherwise(tmp_path):
    write_table_study(tmp_path)
    assert not {"pool_lesions", "attend_lesions"} & set(jobs(snakemake(tmp_path, "-n")))
    write_table_study(tmp_path, pooling={"patient": ["volume", "largest", "attention"]})
    listed = jobs(snakemake(tmp_path, "-n"))
    assert listed["pool_lesions"] == 2
    assert listed["attend_lesions"] == 1


@pytest.mark.slow
def test_pooled_arms_stand_in_tables_and_report_beside_the_mean(tmp_path):
    write_table_study(tmp_path, pooling={"patient": ["largest", "attention"]})
    done = snakemake(tmp_path)
    assert done.returncode == 0, done.stderr
    differences = pd.read_parquet(tmp_path / "results/differences.parquet")
    pairs = differences[differences["against"] == "pooling"]
    assert set(pairs["arm"]) == {"selected~largest", "radiomics~attention"}
    assert set(pairs["reference"]) == {"selected"}
    metrics = pd.read_parquet(tmp_path / "results/metrics.parquet")
    auc = metrics.query("metric == 'auc' and level == 'patient'").set_index("arm")["value"]
    assert auc["radiomics~attention"] > 0.8
    page = (tmp_path / "results/report.html").read_text()
    assert "Selected by inner cross-validation, largest lesion" in page
    assert "Radiomics, attention over lesions" in page
    assert "Other ways from slices to lesion to patient against the mean" in page
    assert snakemake(tmp_path, "-n").stdout.count("Nothing to be done") == 1
