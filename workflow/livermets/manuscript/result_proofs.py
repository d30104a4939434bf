"""Proofs about results: metrics, intervals, comparisons, tests."""

import numpy as np
import pandas as pd

from livermets.evaluation.levels import headline_level
from livermets.manuscript.cohort_proofs import COHORT
from livermets.manuscript.proof import CONFIG, Proof, proves
from livermets.manuscript.run_files import RunFiles
from livermets.manuscript.wording import counted, enumerate_words
from livermets.study.arms import BASELINES, Arm, baseline_arm
from livermets.study.schemes import TITLES

METRICS, DIFFERENCES = "metrics.parquet", "differences.parquet"
NEEDED = ("auc", "sensitivity", "specificity", "balanced_accuracy")  # of a task with two classes
NON_RADIOMIC = ("clinical", "volume", "burden")  # baselines
SIMPLE = ("logistic_regression", "naive_bayes")  # classical models
INTERNAL, EXTERNAL = ("holdout", "cv", "given"), ("site", "external")


@proves(METRICS)
def metrics(run: RunFiles) -> Proof:
    """Whether discrimination and classification are measured, not accuracy alone."""
    names = list(_metrics(run)["metric"].unique())
    return Proof(METRICS, enumerate_words(names), met=set(NEEDED) <= set(names))


@proves(METRICS)
def intervals(run: RunFiles) -> Proof:
    """Whether AUCs have intervals."""
    aucs = _aucs(run)
    bounded = int(np.isfinite(aucs["low"].astype(float)).sum())
    text = f"95 % interval of {bounded} of {len(aucs)} AUCs by {_level(run)}"
    return Proof(METRICS, text, met=bounded > 0)


@proves(METRICS)
def calibration(run: RunFiles) -> Proof:
    """Whether slope and intercept of the calibration are measured."""
    rows = _metrics(run)
    rows = rows[rows["metric"].str.startswith("calibration") & (rows["level"] == _level(run))]
    finite = int(np.isfinite(rows["value"].astype(float)).sum())
    names = enumerate_words(rows["metric"].unique())
    return Proof(METRICS, f"{names or 'no calibration'} ({finite} values)", met=finite > 0)


@proves(METRICS)
def performance(run: RunFiles) -> Proof:
    """The AUC of the arm of the primary comparison; without one, of no arm in particular."""
    aucs = _aucs(run)
    pairs = run.table(DIFFERENCES)
    named = None if pairs is None or pairs.empty else pairs[pairs["primary"].astype(bool)]
    if named is None or named.empty:
        return Proof(METRICS, f"{counted(aucs['arm'].nunique(), 'arm')} with AUC by {_level(run)}")
    arm = str(named.iloc[0]["arm"])
    shown = [
        f"{TITLES.get(row['scheme'], row['scheme']).lower()} {_value(row)}"
        for row in aucs[aucs["arm"] == arm].to_dict("records")
    ]
    return Proof(METRICS, f"AUC by {_level(run)} of {Arm.parse(arm).title}: {'; '.join(shown)}")


@proves(METRICS)
def sensitivity_specificity(run: RunFiles) -> Proof:
    """Whether sensitivity and specificity have intervals."""
    rows = _metrics(run)
    rows = rows[
        rows["metric"].isin(["sensitivity", "specificity"]) & (rows["level"] == _level(run))
    ]
    bounded = int(np.isfinite(rows["low"].astype(float)).sum())
    text = f"sensitivity and specificity with interval: {bounded} of {len(rows)}"
    return Proof(METRICS, text, met=bounded > 0)


@proves(DIFFERENCES)
def comparisons(run: RunFiles) -> Proof:
    """How many pairs of arms were compared."""
    pairs = run.table(DIFFERENCES)
    assert pairs is not None
    text = f"{counted(len(pairs), 'difference')} of AUCs, p-values corrected by Holm"
    return Proof(DIFFERENCES, text, met=not pairs.empty)


@proves(METRICS)
def non_radiomic(run: RunFiles) -> Proof:
    """Whether a model without radiomics stands in the same table."""
    arms = set(_metrics(run)["arm"])
    there = [BASELINES[name] for name in NON_RADIOMIC if baseline_arm(name) in arms]
    return Proof(METRICS, enumerate_words(there) or "no such baseline", met=bool(there))


@proves(METRICS)
def simple_models(run: RunFiles) -> Proof:
    """Whether a classical model stands in the same table."""
    arms = [Arm.parse(name) for name in _metrics(run)["arm"].unique()]
    there = list(dict.fromkeys(arm.model_title for arm in arms if arm.model in SIMPLE))
    return Proof(METRICS, enumerate_words(there) or "no such model", met=bool(there))


@proves(METRICS)
def internal_test(run: RunFiles) -> Proof:
    """Whether patients of the same cohort were tested."""
    return _tested(run, INTERNAL)


@proves(METRICS)
def external_test(run: RunFiles) -> Proof:
    """Whether patients of sites were tested that had no part in training."""
    return _tested(run, EXTERNAL)


def _tested(run: RunFiles, schemes: tuple[str, ...]) -> Proof:
    rows = _aucs(run).groupby("scheme", sort=False)["n_patients"].max()
    there = [
        f"{TITLES[name].lower()}, {rows[name]:.0f} patients" for name in schemes if name in rows
    ]
    return Proof(METRICS, enumerate_words(there) or "no such test", met=bool(there))


@proves(DIFFERENCES, "subgroups.parquet")
def confounders(run: RunFiles) -> Proof:
    """Whether the size of lesions was compared with the models, and patients with subgroups."""
    pairs = run.table(DIFFERENCES)
    groups = run.table("subgroups.parquet")
    assert pairs is not None and groups is not None
    volume = int((pairs["reference"] == baseline_arm("volume")).sum())
    by_volume = f"{counted(volume, 'difference')} from lesion volume"
    text = f"{by_volume}; {counted(len(groups), 'row')} by subgroup"
    return Proof(DIFFERENCES, text, met=volume > 0 and not groups.empty)


@proves("subgroups.parquet")
def subgroups(run: RunFiles) -> Proof:
    """Whether performance is given by subgroups; which of them matter, a person must say."""
    groups = run.table("subgroups.parquet")
    assert groups is not None
    text = f"{counted(len(groups), 'row')} of performance by subgroup"
    return Proof("subgroups.parquet", text, met=None)


@proves(METRICS)
def threshold(run: RunFiles) -> Proof:
    """What the models give, and from which score on a patient is called positive."""
    chosen = run.config["evaluation"]["threshold"]
    return Proof(
        METRICS, f"probability of {run.config['positive']}; evaluation.threshold: {chosen}"
    )


@proves(COHORT)
def robustness(run: RunFiles) -> Proof:
    """Which sensitivity analyses the run has."""
    files = {
        "permutation_test.json": "permuted labels (permutation test)",
        "permuted_labels/metrics.parquet": "permuted labels",
        "mask_comparison/aucs.tsv": "masks before correction",
        "icc.parquet": "perturbed lesions",
        "by_size.json": "lesions of one size",
    }
    there = {name: words for name, words in files.items() if run.has(name)}
    if not there:
        return Proof(CONFIG, "no sensitivity analysis in this run", met=False)
    return Proof(next(iter(there)), enumerate_words(there.values()))


@proves("confusion.parquet")
def errors(run: RunFiles) -> Proof:
    """That misclassified patients are counted; what they have in common, a person must say."""
    return Proof("confusion.parquet", "misclassified patients and lesions are counted", met=None)


def _metrics(run: RunFiles) -> pd.DataFrame:
    assert run.metrics is not None
    return run.metrics


def _aucs(run: RunFiles) -> pd.DataFrame:
    rows = _metrics(run)
    named = (rows["metric"] == "auc") & (rows["class"] == "")
    return rows[named & (rows["level"] == _level(run))]


def _level(run: RunFiles) -> str:
    """The level of the main result: by patient, or by lesion where lesions carry the label."""
    return headline_level(_metrics(run)["level"])


def _value(row: dict) -> str:
    if not np.isfinite(row["low"]):
        return f"{row['value']:.2f} (no interval)"
    return f"{row['value']:.2f} ({row['low']:.2f} to {row['high']:.2f})"
