"""Three classes through Snakemake: a feature table becomes a report."""

import numpy as np
import pandas as pd
import pytest
from helpers.classes import THREE_CLASSES as THREE
from helpers.run_study import SMALL, feature_table, snakemake, write_config


@pytest.mark.slow
def test_a_feature_table_of_three_classes_becomes_a_report(tmp_path):
    table = feature_table(30)
    number = table["patient"].str[1:].astype(int)
    table["label"] = np.array(THREE)[number % 3]
    table["a"] += 2 * (number % 3 == 1)
    table.to_csv(tmp_path / "mine.csv", index=False)
    config = {"features": "mine.csv", "patients": None, "classes": THREE}
    config["classification"] = {"models": ["naive_bayes", "svm"], "resampling": ["none", "smote"]}
    config["classification"]["tuning"] = SMALL
    config |= {"splits": {"cv": {"folds": 2}}}
    write_config(tmp_path, config)
    done = snakemake(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Each class against the rest" in (tmp_path / "results/report.html").read_text()
    rest = pd.read_table(tmp_path / "results/tables/one_vs_rest.tsv")
    assert set(rest["class"]) == set(THREE)
