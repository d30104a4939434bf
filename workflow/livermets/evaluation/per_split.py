"""The AUC in each single split, and an interval that does not hold the trained models fixed.

The intervals of `livermets.evaluation.intervals` speak about the models that were trained. How much
the AUC changes where other patients train is seen in the spread between the splits of a
cross-validation. The corrected resampled t interval (Nadeau & Bengio 2003,
doi:10.1023/A:1024068626366) speaks about the mean AUC of models that are trained on as many other
patients.
"""

import math

import numpy as np
import pandas as pd

from livermets.evaluation.intervals import NONE, Bounds, t_quantile
from livermets.evaluation.levels import levels_of
from livermets.evaluation.metrics import auc
from livermets.evaluation.scored_arms import arm_tables, scheme_patients, scored_repeat

COLUMNS = ("arm", "scheme", "level", "split", "auc", "n_patients", "n_positive")
SUMMARY = ("arm", "scheme", "level", "splits", "mean", "low", "high", "least", "most")
ROUNDING = 1e-9  # smaller differences between splits are rounding errors
MIN_SPLITS = 3  # with fewer the spread between them says nothing


def auc_per_split(predictions: pd.DataFrame, classes: list[str], positive: str) -> pd.DataFrame:
    """Compute the AUC of every arm in each split of the schemes that have several.

    Parameters
    ----------
    predictions : DataFrame
        As in `livermets.evaluation.evaluate.evaluate`.
    classes : list of str
        Class names.
    positive : str
        The class that `score` is the probability of.

    Returns
    -------
    DataFrame
        The columns `COLUMNS`; `auc` is NaN where a split tests one class alone. `n_positive` counts
        patients. With three or more classes the AUC is the mean of each against the rest.
    """
    levels = levels_of(predictions)
    rows = []
    for (arm, scheme), table in arm_tables(predictions, classes, positive).items():
        if table["split"].nunique() < 2:
            continue
        for split, part in table.groupby("split", sort=False):
            tested = scheme_patients(part)
            record = {"arm": arm, "scheme": scheme, "split": split}
            record["n_patients"] = len(tested.patients)
            record["n_positive"] = int((tested.in_class.get(positive, np.zeros(1)) > 0).sum())
            for level in levels:
                scored = scored_repeat(part, level, classes, positive, tested.patients)
                areas = [auc(of_class, tested.counts[:1])[0] for of_class in scored.rows.values()]
                rows.append(record | {"level": level, "auc": float(np.mean(areas))})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def summarise_splits(areas: pd.DataFrame, splits: pd.DataFrame) -> pd.DataFrame:
    """Summarise the AUCs of each arm's splits: mean, corrected interval, least and most.

    Parameters
    ----------
    areas : DataFrame
        As `auc_per_split` returns it.
    splits : DataFrame
        split, patient, role.

    Returns
    -------
    DataFrame
        The columns `SUMMARY`. Splits of one class are left out.
    """
    sizes = splits.assign(test=splits["role"] == "test").groupby("split")["test"]
    ratio = sizes.sum() / (sizes.count() - sizes.sum())  # tested patients to training patients
    rows = []
    for (arm, scheme, level), part in areas.groupby(["arm", "scheme", "level"], sort=False):
        defined = part[part["auc"].notna()]
        if defined.empty:
            continue
        values = defined["auc"].to_numpy()
        share = float(ratio.reindex(defined["split"]).mean())
        low, high = corrected_interval(values, share)
        record = {"arm": arm, "scheme": scheme, "level": level, "splits": len(values)}
        record |= {"mean": values.mean(), "low": low, "high": high}
        rows.append(record | {"least": values.min(), "most": values.max()})
    return pd.DataFrame(rows, columns=list(SUMMARY))


def corrected_interval(values: np.ndarray, test_to_train: float) -> Bounds:
    """Compute the corrected resampled t interval of a mean over splits, within [0, 1].

    Parameters
    ----------
    values : ndarray of float, shape (splits,)
        The metric in each split.
    test_to_train : float
        Tested patients for each training patient. The training parts of two splits share patients,
        so that the variance of the mean is (1 / splits + this) times that of a split.

    Returns
    -------
    Bounds
        NaN with fewer than `MIN_SPLITS` splits, and where a split is at an end of the range: the
        spread between the splits is then too small.
    """
    number = len(values)
    at_an_end = bool(((values <= 0) | (values >= 1)).any())
    same = number > 0 and float(np.ptp(values)) < ROUNDING
    if number < MIN_SPLITS or at_an_end or same or not math.isfinite(test_to_train):
        return NONE
    error = values.std(ddof=1) * math.sqrt(1 / number + test_to_train)
    margin = t_quantile(number - 1) * error
    mean = float(values.mean())
    return Bounds(max(mean - margin, 0.0), min(mean + margin, 1.0))
