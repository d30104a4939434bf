"""Label permutation: a negative control, in which the classification should find nothing."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binom

from livermets.core.seeds import derive_seed

EXPECTED_SHARE = 0.05  # of 95 % intervals that do not hold the true value
LEVEL = "patient"


def permute_labels(patients: pd.DataFrame, seed: int) -> pd.Series:
    """Permute the labels between whole patients; each class keeps its number of patients.

    Parameters
    ----------
    patients : DataFrame
        patient and label, one row for each patient, in any order.
    seed : int
        The study's seed.

    Returns
    -------
    Series
        Patient -> permuted label.
    """
    true_labels = patients.set_index("patient")["label"].sort_index()
    rng = np.random.default_rng(derive_seed(seed, "shuffled labels"))
    return pd.Series(rng.permutation(true_labels.to_numpy()), index=true_labels.index)


def count_intervals_excluding_chance(metrics: pd.DataFrame) -> list[dict[str, Any]]:
    """Count the arms of each scheme whose interval of the AUC by patient excludes 0.5.

    Baselines count: what lets them find something in permuted labels is as wrong as in other arms.

    Parameters
    ----------
    metrics : DataFrame
        Metrics of the classification of permuted labels, as
        `livermets.evaluation.evaluate.evaluate` returns them.

    Returns
    -------
    list of dict
        scheme; patients; arms (those with an interval); above and below (intervals that lie above
        and below 0.5); expected (number of both by chance); allowed (more than this many happen by
        chance one time in twenty, if the arms were independent); warn.
    """
    auc = metrics[(metrics["metric"] == "auc") & (metrics["level"] == LEVEL)]
    auc = auc[(auc["class"] == "") & np.isfinite(auc["low"])]
    schemes = []
    for scheme, rows in auc.groupby("scheme", sort=False):
        above, below = int((rows["low"] > 0.5).sum()), int((rows["high"] < 0.5).sum())
        allowed = int(binom.ppf(0.95, len(rows), EXPECTED_SHARE))
        patients = int(rows["n_patients"].max())
        schemes.append(
            {
                "scheme": scheme,
                "patients": patients,
                "arms": len(rows),
                "above": above,
                "below": below,
                "expected": EXPECTED_SHARE * len(rows),
                "allowed": allowed,
                "warn": above + below > allowed,
            }
        )
    return schemes
