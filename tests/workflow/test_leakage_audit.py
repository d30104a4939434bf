"""The leakage audit in a study: a finding stops the run, and the patients are named."""

import pandas as pd
import pytest
from helpers.run_study import SMALL, feature_table, snakemake, write_config


def test_the_run_stops_with_the_patients_named(tmp_path):
    table = feature_table()
    again = table[table["patient"] == "A03"].assign(patient="A99")
    again[list("abcde")] += 1e-4
    pd.concat([table, again]).to_csv(tmp_path / "mine.csv", index=False)
    write_config(tmp_path, {"features": "mine.csv", "patients": None})
    done = snakemake(tmp_path, "results/audit/data.json")
    assert done.returncode != 0
    assert "patients A03 and A99 have nearly the same features" in done.stderr
    log = (tmp_path / "results/logs/audit_data.log").read_text()
    assert "A03 and A99" in log
    assert "Traceback" not in log
    write_config(
        tmp_path,
        {
            "features": "mine.csv",
            "patients": None,
            "audit": {"known_distinct_pairs": [["A03", "A99"]]},
        },
    )
    done = snakemake(tmp_path, "results/audit/data.json")
    assert done.returncode == 0, done.stderr
    assert "a person found them" in (tmp_path / "results/audit/data.json").read_text()
    write_config(
        tmp_path,
        {"features": "mine.csv", "patients": None, "exclude": {"A99": "same scan as A03"}},
    )
    done = snakemake(tmp_path, "results/audit/data.json")
    assert done.returncode == 0, done.stderr
    assert "A99" not in (tmp_path / "results/audit/data.json").read_text()
    cohort = pd.read_csv(tmp_path / "results/cohort.tsv", sep="\t").set_index("patient")
    assert cohort.loc["A99", ["included", "stage", "reason"]].tolist() == [
        False,
        "config",
        "same scan as A03",
    ]


@pytest.mark.slow
def test_a_table_that_tests_training_patients_stops_the_report(tmp_path):
    feature_table().to_csv(tmp_path / "mine.csv", index=False)
    config = {"features": "mine.csv", "patients": None, "splits": {"cv": None}}
    config["classification"] = {"models": ["naive_bayes"], "resampling": ["none"], "tuning": SMALL}
    write_config(tmp_path, config)
    done = snakemake(tmp_path, "results/audit.json")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "results/tables/audit.tsv").read_text().count("passed") > 5
    mine = pd.read_parquet(tmp_path / "results/predictions/naive_bayes-none.parquet")
    splits = pd.read_parquet(tmp_path / "results/splits.parquet")
    learned = splits.loc[splits["role"] == "train", "patient"].iloc[0]
    mine.loc[0, "patient"] = learned
    mine.assign(arm="mine").to_parquet(tmp_path / "results/predictions/mine.parquet")
    done = snakemake(tmp_path, "results/report.html")
    assert done.returncode != 0
    assert not (tmp_path / "results/report.html").exists()
    assert learned in (tmp_path / "results/logs/audit_predictions.log").read_text()
