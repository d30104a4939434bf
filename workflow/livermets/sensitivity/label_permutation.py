"""Negative controls: what the study's classification finds where there is nothing to find."""

import numpy as np
import pandas as pd
from scipy.stats import binom

from livermets.core.seeds import derive
from livermets.study.arms import Arm

EXCLUDED = 0.05  # intervals of 95 % leave the truth out this often ...
FEW = 20  # ... but somewhat oftener with fewer test patients, whose counts are not warned of


def deal_labels(patients: pd.DataFrame, seed: int) -> pd.Series:
    """Labels dealt at random to whole patients; each class keeps its number of them.

    patients : patient and label, one row each, in any order. Returns patient -> label.
    """
    known = patients.set_index("patient")["label"].sort_index()
    rng = np.random.default_rng(derive(seed, "shuffled labels"))
    return pd.Series(rng.permutation(known.to_numpy()), index=known.index)


def count_excluding(metrics: pd.DataFrame) -> list[dict]:
    """For each scheme, how many arms' intervals of the AUC by lesion leave out one half.

    metrics : of the classification of dealt labels, as `livermets.evaluation.evaluate.evaluate` returns

    Returns
    -------
    scheme, patients, arms (those with an interval), above, below, expected (by chance), allowed:
    where more are above and below, chance is an unlikely reason (one in twenty, were the arms
    independent), few: whether there are too few patients for that to be said, warn
    """
    auc = metrics[(metrics["metric"] == "auc") & (metrics["level"] == "lesion")]
    auc = auc[(auc["class"] == "") & np.isfinite(auc["low"])]
    auc = auc[auc["arm"].map(lambda arm: Arm.parse(arm).family) != "baseline"]
    found = []
    for scheme, rows in auc.groupby("scheme", sort=False):
        above, below = int((rows["low"] > 0.5).sum()), int((rows["high"] < 0.5).sum())
        limit = int(binom.ppf(0.95, len(rows), EXCLUDED))
        patients = int(rows["n_patients"].max())
        found.append(
            {"scheme": scheme, "patients": patients, "arms": len(rows), "above": above}
            | {"below": below, "expected": EXCLUDED * len(rows), "allowed": limit}
            | {"few": patients < FEW, "warn": above + below > limit and patients >= FEW}
        )
    return found
