"""Comparison of the classes: whether the lesions of a patient are more unlike in one of them."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from livermets.core.seeds import derive_seed
from livermets.heterogeneity.patient_permutation import least_p_value, permutation_p_values

COLUMNS = (
    *("class", "feature", "n_class", "n_others", "cv_class", "cv_others"),
    *("pair_cv_class", "pair_cv_others", "difference", "low", "high", "p", "p_adjusted"),
    *("p_published", "volume_rho"),
)
LARGEST_LEAST_P = 0.05  # groups that cannot come below it are too small for any finding


def contrasts(classes: Sequence[str], positive: str) -> list[str]:
    """List the classes that are each compared with all others; of two the positive one alone."""
    return [positive] if len(classes) == 2 else list(classes)


def too_few(
    variation: pd.DataFrame, classes: Sequence[str], min_patients: int, permutations: int
) -> str:
    """Say why there are too few patients to compare the classes; empty where there are enough."""
    number = variation.groupby("label")["patient"].nunique().reindex(list(classes), fill_value=0)
    counted = ", ".join(f"{name}: {n}" for name, n in number.items())
    if (number < min_patients).any():
        return (
            f"too few: {min_patients} patients of each class with two lesions or more are needed, "
            f"and there are {counted}"
        )
    least = max(least_p_value(n, number.sum() - n, permutations) for n in number)
    if least > LARGEST_LEAST_P:
        return (
            f"too few: no division of these patients ({counted}) gives a p-value below {least:.2g}"
        )
    return ""


def compare_classes(
    variation: pd.DataFrame,
    classes: Sequence[str],
    positive: str,
    min_patients: int,
    permutations: int,
    seed: int,
    volume: pd.Series | None = None,
) -> pd.DataFrame:
    """Compare each feature's variation over the lesions between the classes, by patient.

    Parameters
    ----------
    variation : data frame
        As `livermets.heterogeneity.variation.lesion_variation` returns it.
    classes : sequence of str
        Class names.
    positive : str
        Of two classes the one that is compared with the other.
    min_patients : int
        Features with fewer patients of a class are left out.
    permutations : int
        Number of permutations.
    seed : int
        The study's seed.
    volume : series of float, optional
        Patient -> variation of the lesions' volumes (`pair_cv`).

    Returns
    -------
    data frame
        `COLUMNS`. cv_class and cv_others are the mean CV of the patients of both groups, as Pietsch
        et al. give them, and p_published their test (unpaired t, here Welch's, not corrected).
        difference is that of pair_cv with its 95 % interval (Welch); p and p_adjusted are its
        p-values by permutation. volume_rho is Spearman's correlation with the variation of volume.
    """
    plain, pairs = (
        variation.set_index(["patient", "feature"])[name].unstack().sort_index()  # noqa: PD010
        for name in ("cv", "pair_cv")
    )
    label = variation.drop_duplicates("patient").set_index("patient")["label"].loc[pairs.index]
    counts = pairs.notna().groupby(label).sum()
    kept = list(pairs.columns[(counts >= min_patients).all()])
    values, published = pairs[kept].to_numpy(float), plain[kept].to_numpy(float)
    rho = [_rho(pairs[feature], volume) for feature in kept]
    tables = []
    for name in contrasts(classes, positive):
        member = (label == name).to_numpy()
        draws = derive_seed(seed, "heterogeneity", name)
        p, p_adjusted = permutation_p_values(values, member, permutations, draws)
        columns = _differences(values, published, member)
        columns |= {"p": p, "p_adjusted": p_adjusted, "volume_rho": np.array(rho)}
        named = {"class": name, "feature": kept}
        tables.append(pd.DataFrame(named | columns, columns=list(COLUMNS)))
    table = pd.concat(tables, ignore_index=True)
    order = ["class", "p_adjusted", "p", "feature"]
    return table.sort_values(order, kind="stable", ignore_index=True)


def _differences(
    values: np.ndarray, published: np.ndarray, member: np.ndarray
) -> dict[str, np.ndarray]:
    """The means of both groups, the differences with intervals, and the published test."""

    def welch(table: np.ndarray) -> Any:
        return stats.ttest_ind(table[member], table[~member], equal_var=False, nan_policy="omit")

    def means(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.nanmean(table[member], axis=0), np.nanmean(table[~member], axis=0)

    interval = welch(values).confidence_interval(0.95)
    (pairs_class, pairs_others), (cv_class, cv_others) = means(values), means(published)
    return {
        "n_class": np.isfinite(values[member]).sum(axis=0),
        "n_others": np.isfinite(values[~member]).sum(axis=0),
        "cv_class": cv_class,
        "cv_others": cv_others,
        "pair_cv_class": pairs_class,
        "pair_cv_others": pairs_others,
        "difference": pairs_class - pairs_others,
        "low": np.asarray(interval.low, float),
        "high": np.asarray(interval.high, float),
        "p_published": np.asarray(welch(published).pvalue, float),
    }


def _rho(values: pd.Series, volume: pd.Series | None) -> float:
    """Spearman's correlation over the patients; NaN without volumes or where one is constant."""
    if volume is None:
        return math.nan
    both = pd.concat([values, volume], axis=1, join="inner").dropna()
    if len(both) < 3 or (both.nunique() < 2).any():
        return math.nan
    return float(stats.spearmanr(both.iloc[:, 0], both.iloc[:, 1]).statistic)
