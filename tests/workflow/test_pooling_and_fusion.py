"""Other ways than the mean from lesions to patients, and arms joined, in whole studies."""

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


FUSED = {
    "phantoms": {
        "size": [28, 96, 96],
        "spacing_mm": [2.5, 2.5, 4.0],
        "lesions_per_class": {"colorectal": 2, "pancreatic": 3},
    },
    "lesions": {"min_diameter_mm": 5},
    "radiomics": {"fan_out": "patient"},
    "classification": {
        "models": ["logistic_regression", "knn"],
        "resampling": ["none"],
        "tuning": {"iterations": 1, "folds": 2},
        "baselines": ["volume"],
    },
    "splits": {"holdout": None, "cv": {"folds": 2, "validation": 0}},
    "slices": {"size": 32, "max_per_lesion": 2},
    "densenet": {"epochs": 1, "batch_size": 8, "device": "cpu", "threads": 1},
    "fusion": {"stacking": True, "folds": 2, "embeddings_beside_radiomics": True},
}


def test_stacking_trains_the_network_on_inner_folds_and_only_where_it_is_asked_for(tmp_path):
    write_phantom_study(tmp_path, 12, **FUSED)
    listed = jobs(snakemake(tmp_path, "-n"))
    assert listed["train_densenet"] == 2
    assert listed["train_densenet_inner"] == 4  # two folds of two splits
    assert listed["embed_lesions"] == 2
    assert listed["score_inner_folds"] == listed["stack_scores"] == 1
    write_phantom_study(tmp_path, 12, **FUSED | {"fusion": {}})
    listed = jobs(snakemake(tmp_path, "-n"))
    assert not {"train_densenet_inner", "embed_lesions", "stack_scores"} & set(listed)
    write_phantom_study(
        tmp_path, 12, **FUSED | {"fusion": {}, "pooling": {"patient": ["attention"]}}
    )
    listed = jobs(snakemake(tmp_path, "-n"))
    assert listed["attend_lesions"] == listed["attend_embeddings"] == 1
    assert listed["embed_lesions"] == 2


@pytest.mark.slow
def test_joined_arms_stand_in_tables_audit_and_report_beside_each_alone(tmp_path):
    write_phantom_study(tmp_path, 12, **FUSED)
    done = snakemake(tmp_path)
    assert done.returncode == 0, done.stderr
    results = tmp_path / "results"
    splits = pd.read_parquet(results / "splits.parquet")
    tested = set(map(tuple, splits.loc[splits["role"] == "test", ["split", "patient"]].to_numpy()))
    learned = pd.read_parquet(results / "fusion/scores.parquet")
    assert not tested & set(map(tuple, learned[["split", "patient"]].to_numpy()))
    assert set(learned["patient"]) == set(splits["patient"])
    differences = pd.read_parquet(results / "differences.parquet")
    pairs = differences[differences["against"].isin(["fused radiomics", "fused network"])]
    assert set(zip(pairs["arm"], pairs["reference"], strict=True)) == {
        (arm, alone)
        for arm in ("fusion_stacking", "fusion_embeddings")
        for alone in ("selected", "densenet121")
    }
    audit = (results / "tables/audit.tsv").read_text()
    assert "Did the stacking of radiomics and DenseNet-121 learn from a patient it tests?" in audit
    page = (results / "report.html").read_text()
    assert "Radiomics and DenseNet-121, stacked scores" in page
    assert "Radiomics and DenseNet-121 joined against DenseNet-121 alone" in page
    assert snakemake(tmp_path, "-n").stdout.count("Nothing to be done") == 1


@pytest.mark.slow
def test_embeddings_of_another_network_are_compared_with_radiomics_and_miss_no_lesion(tmp_path):
    write_table_study(tmp_path)
    table = pd.read_csv(tmp_path / "mine.csv")
    rng = np.random.default_rng(3)
    other = table[["patient", "lesion"]].assign(
        e0=2.0 * (table["label"] == table["label"].iloc[0]) + rng.normal(size=len(table)),
        e1=rng.normal(size=len(table)),
    )
    other[1:].to_parquet(tmp_path / "other.parquet", index=False)
    write_table_study(tmp_path, embeddings="other.parquet")
    done = snakemake(tmp_path)
    assert done.returncode != 0
    missing = table.iloc[0]
    assert f"misses 1 of {len(table)} lesions: patient {missing['patient']} lesion" in done.stderr
    other.to_parquet(tmp_path / "other.parquet", index=False)
    done = snakemake(tmp_path)
    assert done.returncode == 0, done.stderr
    plain = "logistic_regression-none"
    differences = pd.read_parquet(tmp_path / "results/differences.parquet")
    pairs = differences[differences["arm"] == f"{plain}@radiomics_with_embeddings"]
    assert set(zip(pairs["against"], pairs["reference"], strict=True)) == {
        ("sets", f"{plain}@original"),
        ("embeddings", f"{plain}@embeddings"),
    }
    page = (tmp_path / "results/report.html").read_text()
    assert "radiomics with embeddings of another network" in page
