"""AUC, its variance and the p-value of a difference against R's pROC, one lesion a patient."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from livermets.evaluation.evaluate import evaluate
from livermets.evaluation.jackknife import PatientSample, delete_one_counts, jackknife
from livermets.evaluation.metrics import auc
from livermets.evaluation.paired_differences import compare_arms
from livermets.evaluation.scored_rows import ScoredRows
from scipy.special import expit
from scipy.stats import norm

SCRIPT = """
suppressMessages(library(pROC))
options(digits = 15)
table <- read.csv("scores.csv")
first <- roc(table$label, table$first, quiet = TRUE, direction = "<")
second <- roc(table$label, table$second, quiet = TRUE, direction = "<")
cat(auc(first), var(first), auc(second), var(second),
    roc.test(first, second, method = "delong")$p.value, sep = "\\n")
"""


def scores(patients: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    label = (np.arange(patients) % 5 < 2).astype(int)
    shared = rng.normal(size=patients)
    return pd.DataFrame(
        {
            "label": label,
            "first": expit(shared + rng.normal(size=patients) + 1.2 * label),
            "second": expit(shared + rng.normal(size=patients) + 0.6 * label),
        }
    )


def by_proc(table: pd.DataFrame, folder: Path) -> list[float]:
    """AUC and DeLong variance of both columns, and DeLong's p-value, by pROC."""
    if shutil.which("Rscript") is None:
        pytest.skip("R is not installed (Debian: r-base-core and r-cran-proc)")
    table.to_csv(folder / "scores.csv", index=False)
    done = subprocess.run(
        ["Rscript", "-e", SCRIPT], cwd=folder, capture_output=True, text=True, check=False
    )
    if "there is no package" in done.stderr:
        pytest.skip("R has no pROC (Debian: r-cran-proc)")
    assert done.returncode == 0, done.stderr
    return [float(line) for line in done.stdout.split()]


@pytest.mark.slow
@pytest.mark.parametrize("patients", [30, 400], ids=["30 patients", "400 patients"])
def test_auc_and_variance_are_procs_and_the_p_value_is_nearly_delongs(tmp_path, patients):
    table = scores(patients, seed=patients)
    first, first_variance, second, second_variance, p = by_proc(table, tmp_path)
    truth = table["label"].to_numpy(bool)
    sample = PatientSample(table["label"].to_numpy(str), np.ones(patients))
    expected = {"first": (first, first_variance), "second": (second, second_variance)}
    for name, (value, variance) in expected.items():
        rows = ScoredRows(truth, table[name].to_numpy(), np.arange(patients), np.ones(patients))
        estimate = jackknife(auc(rows, delete_one_counts(patients)), sample)
        assert estimate.value == pytest.approx(value, abs=1e-12)
        assert estimate.variance == pytest.approx(variance, rel=1e-9)
    names = np.where(truth, "pancreatic", "colorectal")
    columns = {"patient": np.char.mod("P%03d", np.arange(patients)), "lesion": 1, "label": names}
    arms = {"knn-none": "first", "baseline_volume": "second"}
    predictions = pd.concat(
        pd.DataFrame(columns | {"arm": arm, "split": "holdout", "score": table[name]})
        for arm, name in arms.items()
    )
    differences = compare_arms(predictions, ["colorectal", "pancreatic"], "pancreatic")
    ours = differences[differences["level"] == "patient"]["p"].item()
    tolerance = 0.12 if patients == 30 else 0.05
    # DeLong's test has the normal distribution and one variance; ours Student's t and score bounds
    assert norm.isf(ours / 2) == pytest.approx(norm.isf(p / 2), rel=tolerance)
    metrics = evaluate(predictions, ["colorectal", "pancreatic"], "pancreatic")
    row = metrics.query("arm == 'knn-none' and metric == 'auc' and level == 'patient'").iloc[0]
    half = norm.isf(0.025) * np.sqrt(first_variance)
    if patients == 400:
        assert (row["low"], row["high"]) == pytest.approx((first - half, first + half), abs=0.01)
