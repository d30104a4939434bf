"""Bootstrap over patients, the independent units, stratified by class.

Lesions of a patient resemble each other, so an interval that resamples lesions is too narrow
(Obuchowski 1997, doi:10.2307/2533958; Field & Welsh 2007, doi:10.1111/j.1467-9868.2007.00593.x).
"""

import math

import numpy as np

UNDEFINED_LIMIT = 0.1  # an interval from fewer than 90 % of the draws is not given


def draw_patients(strata: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """How often each patient is drawn, (draws + 1, patients); row 0 is the cohort itself.

    Every class keeps its number of patients. `strata` is the class of each patient (patients,).
    """
    rng = np.random.default_rng(seed)
    counts = np.ones((draws + 1, len(strata)))
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        share = np.full(len(members), 1 / len(members))
        counts[1:, members] = rng.multinomial(len(members), share, size=draws)
    return counts


def interval(values: np.ndarray, confidence: float = 0.95) -> tuple[float, float, int]:
    """Percentile interval of the draws (draws,), and how many of them are undefined.

    NaN draws are left out and counted; with more than a tenth of them there is no interval.
    Percentiles never leave the range of the metric, so an AUC's stay in [0, 1].
    """
    defined = values[np.isfinite(values)]
    undefined = len(values) - len(defined)
    if not len(defined) or undefined > UNDEFINED_LIMIT * len(values):
        return np.nan, np.nan, undefined
    tail = (1 - confidence) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return float(low), float(high), undefined


def two_sided_p(value: float, draws: np.ndarray) -> float:
    """p-value of a difference being zero, by its bootstrap standard error and the normal law.

    As pROC's bootstrap test does (doi:10.1186/1471-2105-12-77); unlike counting draws beyond
    zero, it is not bounded by their number, which Holm's correction over many arms would reach.
    """
    defined = draws[np.isfinite(draws)]
    if not np.isfinite(value) or len(defined) < 2:
        return np.nan
    error = defined.std(ddof=1)
    if error < 1e-12:
        return 1.0 if abs(value) < 1e-12 else np.nan
    return math.erfc(abs(value) / error / math.sqrt(2))


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's adjusted p-values (step-down Bonferroni); NaN stays NaN and is not counted."""
    adjusted = np.full(len(p), np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known], kind="stable")]
    steps = p[order] * (len(order) - np.arange(len(order)))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return adjusted
