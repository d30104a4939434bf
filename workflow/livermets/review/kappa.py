"""Cohen's kappa of two readers and a decision, with an interval from a bootstrap over patients."""

from collections.abc import Sequence

import numpy as np

# With fewer patients in whom both, one alone or neither decided so, resampled patients say too
# little: where none differ, each resample agrees wholly, and the interval is a single point.
MIN_PATIENTS = 3
RESAMPLES = 2000
PERCENTILES = (2.5, 97.5)


def cohens_kappa(both: int, only_1: int, only_2: int, neither: int) -> float:
    """Compute Cohen's kappa of two readers and a decision that is taken or not.

    Returns
    -------
    float
        NaN where chance alone would make them agree about everything, or nothing was read.

    Examples
    --------
    >>> round(cohens_kappa(20, 5, 10, 15), 6)
    0.4
    """
    return float(_kappas(np.array([both, only_1, only_2, neither])))


def kappa_interval(counts: Sequence[Sequence[int]], seed: int) -> tuple[float, float]:
    """Compute the 95 % interval of kappa by resampling patients (percentiles).

    Scans and lesions of a patient are not independent, so whole patients are drawn.

    Parameters
    ----------
    counts : sequence of sequence of int
        For each patient: how often both, the first alone, the second alone and neither of the
        readers decided so.
    seed : int
        Of the resamples.

    Returns
    -------
    low : float
    high : float
        The bounds; NaN where `lacking_patients` says why there is no interval.
    """
    if lacking_patients(counts):
        return float("nan"), float("nan")
    table = np.asarray(counts)
    n = len(table)
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), RESAMPLES)
    kappas = _kappas(weights @ table)
    low, high = np.percentile(kappas[np.isfinite(kappas)], PERCENTILES)
    return float(low), float(high)


def lacking_patients(counts: Sequence[Sequence[int]]) -> str:
    """Say why kappa has no interval, in words; "" where it has one.

    Parameters
    ----------
    counts : sequence of sequence of int
        As for `kappa_interval`.
    """
    table = np.asarray(counts).reshape(-1, 4)
    patients = {
        "both decided so": int((table[:, 0] > 0).sum()),
        "the readers differ": int((table[:, 1:3] > 0).any(axis=1).sum()),
        "neither decided so": int((table[:, 3] > 0).sum()),
    }
    few = [f"{words} in {n}" for words, n in patients.items() if n < MIN_PATIENTS]
    if not few:
        return ""
    return f"{', '.join(few)} of {len(table)} patients; an interval needs {MIN_PATIENTS} of each"


def _kappas(counts: np.ndarray) -> np.ndarray:
    """Kappa of counts whose last axis is both, only the first, only the second, neither."""
    both, only_1, only_2, neither = np.moveaxis(counts, -1, 0)
    n = counts.sum(axis=-1)
    first, second = both + only_1, both + only_2
    with np.errstate(divide="ignore", invalid="ignore"):
        by_chance = (first * second + (n - first) * (n - second)) / n**2
        kappa: np.ndarray = ((both + neither) / n - by_chance) / (1 - by_chance)
    return np.where(by_chance < 1, kappa, np.nan)
