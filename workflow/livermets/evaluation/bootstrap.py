"""Bootstrap over patients: 95 % intervals of metrics, and p-values of their differences.

What an interval means. The study tested certain patients; another study would have tested others.
The interval says how far a metric may lie from its value in all such patients for that reason
alone: if the study were repeated many times with new test patients and an interval computed each
time, about 95 of 100 intervals would hold the value in all patients. The trained models are taken
as they are. How much the metric would change with other training patients, the interval does not
say.

How it is computed. Test patients are drawn with replacement, as many of each class as there are,
and every lesion follows its patient. The metric is computed on every draw; percentiles of the
draws, moved outwards where there are few patients, bound the interval. Patients are drawn and not
lesions, because lesions of one patient resemble each other: an interval from draws of lesions is
too narrow (Obuchowski 1997, doi:10.2307/2533958; Field & Welsh 2007,
doi:10.1111/j.1467-9868.2007.00593.x).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student

MAX_UNDEFINED = 0.1  # share of undefined draws above which there is no interval


class Interval(NamedTuple):
    """Bounds of an interval (NaN where there is none), and the number of undefined draws."""

    low: float
    high: float
    undefined_draws: int


@dataclass(frozen=True)
class SampleSize:
    """The number of patients that a value is computed from.

    Parameters
    ----------
    patients : float
        Number of patients, or the effective number where their weights differ
        (`effective_sample_size`).
    strata : int
        Number of classes that the patients are drawn from.
    trials : int, optional
        Number of patients for the exact binomial bound where all draws are equal: those of the
        smaller class where a metric depends on both. None: `patients`.
    """

    patients: float
    strata: int = 1
    trials: int | None = None

    @property
    def degrees_of_freedom(self) -> float:
        """Patients less one for each stratum."""
        return self.patients - self.strata

    @property
    def small_sample_factor(self) -> float:
        """Factor by which the bootstrap's standard error is too small.

        The bootstrap divides sums of squares by the number of patients, an unbiased estimate by
        the degrees of freedom.
        """
        return math.sqrt(self.patients / self.degrees_of_freedom)


def draw_patients(strata: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """Count how often each patient is drawn; every class keeps its number of patients.

    Parameters
    ----------
    strata : ndarray, shape (patients,)
        Class of each patient.
    draws : int
        Number of draws.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    ndarray of float, shape (draws + 1, patients)
        Row 0 is the cohort itself, where every patient counts once.
    """
    rng = np.random.default_rng(seed)
    counts = np.ones((draws + 1, len(strata)))
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        probability = np.full(len(members), 1 / len(members))
        counts[1:, members] = rng.multinomial(len(members), probability, size=draws)
    return counts


def effective_sample_size(weights: np.ndarray, strata: np.ndarray) -> float:
    """Compute the number of equally weighted patients of the same information (Kish 1965).

    A metric by lesion is decided almost by one patient alone who has thirty lesions where others
    have three: then few degrees of freedom are left.

    Parameters
    ----------
    weights : ndarray, shape (patients,)
        Weight of each patient: the number of lesions, or 1.
    strata : ndarray, shape (patients,)
        Class of each patient.
    """
    parts = [weights[strata == stratum] for stratum in np.unique(strata)]
    return float(sum(part.sum() ** 2 / (part**2).sum() for part in parts))


def interval(
    values: np.ndarray,
    sample_size: SampleSize | None = None,
    confidence: float = 0.95,
    value_range: tuple[float, float] | None = None,
) -> Interval:
    """Compute the percentile interval of the draws.

    With `sample_size` the percentiles are moved outwards as Student's t asks for so few patients
    (Hesterberg 2015, doi:10.1080/00031305.2015.1089789): of intervals of an AUC from 8 patients, 86
    % hold the true value with plain percentiles and 92 % with these. There is no interval without a
    degree of freedom, or where more than a tenth of the draws are undefined (NaN). Percentiles stay
    within the range of the metric: an AUC's within [0, 1].

    If all draws lie at one end of `value_range`, percentiles would claim certainty. The other bound
    is then the exact binomial one (Clopper & Pearson 1934, doi:10.1093/biomet/26.4.404) for as many
    patients without an error, or without a success: 0.40 to 1 for four patients.

    Parameters
    ----------
    values : ndarray, shape (draws,)
        The metric on every draw.
    sample_size : SampleSize, optional
        The patients that the metric is computed from; None: plain percentiles.
    confidence : float
        Share of intervals that should hold the true value.
    value_range : tuple of float, optional
        Lowest and highest value that the metric can have.

    Returns
    -------
    Interval
        Lower and upper bound, and the number of undefined draws.
    """
    defined = values[np.isfinite(values)]
    undefined = len(values) - len(defined)
    too_few_patients = sample_size is not None and sample_size.degrees_of_freedom < 1
    if too_few_patients or not len(defined) or undefined > MAX_UNDEFINED * len(values):
        return Interval(np.nan, np.nan, undefined)
    low, high = np.quantile(defined, quantiles(sample_size, confidence))
    if value_range is not None and sample_size is not None and high - low < 1e-12:
        trials = sample_size.trials or sample_size.patients
        exact = ((1 - confidence) / 2) ** (1 / trials)
        lowest, highest = value_range
        if highest - low < 1e-12:
            low = lowest + exact * (highest - lowest)
        elif high - lowest < 1e-12:
            high = highest - exact * (highest - lowest)
    return Interval(float(low), float(high), undefined)


def quantiles(
    sample_size: SampleSize | None = None, confidence: float = 0.95
) -> tuple[float, float]:
    """Choose the quantiles of the draws that bound an interval: 0.025 and 0.975, or further out."""
    tail = (1 - confidence) / 2
    if sample_size is not None:
        t = student.isf(tail, sample_size.degrees_of_freedom)
        tail = float(norm.sf(sample_size.small_sample_factor * t))
    return tail, 1 - tail


def two_sided_p(
    difference: float, draws: np.ndarray, sample_size: SampleSize | None = None
) -> float:
    """Compute the p-value of a zero difference, by its bootstrap standard error and Student's t.

    Without `sample_size` the normal distribution is taken, as in pROC's bootstrap test
    (doi:10.1186/1471-2105-12-77). Counting the draws beyond zero would bound the p-value from below
    by their number, which Holm's correction over many arms would reach.

    Parameters
    ----------
    difference : float
        Difference in the cohort itself.
    draws : ndarray, shape (draws,)
        Difference on every draw.
    sample_size : SampleSize, optional
        The patients that the difference is computed from.

    Returns
    -------
    float
        NaN where it does not exist.
    """
    defined = draws[np.isfinite(draws)]
    if not np.isfinite(difference) or len(defined) < 2:
        return np.nan
    if sample_size is not None and sample_size.degrees_of_freedom < 1:
        return np.nan
    error = defined.std(ddof=1)
    if error < 1e-12:
        return 1.0 if abs(difference) < 1e-12 else np.nan
    if sample_size is None:
        return float(2 * norm.sf(abs(difference) / error))
    t = abs(difference) / (error * sample_size.small_sample_factor)
    return float(2 * student.sf(t, sample_size.degrees_of_freedom))


def holm(p: np.ndarray) -> np.ndarray:
    """Adjust p-values by Holm (step-down Bonferroni); NaN stays NaN and is not counted."""
    adjusted = np.full(len(p), np.nan)
    finite = np.flatnonzero(np.isfinite(p))
    order = finite[np.argsort(p[finite], kind="stable")]
    steps = p[order] * (len(order) - np.arange(len(order)))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return adjusted


def with_holm(table: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Add `p_holm` to the table: `p` corrected over the rows of each group of `by`."""
    adjusted = pd.Series(np.nan, index=table.index, dtype=float)
    for _, index in table.groupby(list(by)).groups.items():
        adjusted[index] = holm(table.loc[index, "p"].to_numpy(float))
    return table.assign(p_holm=adjusted)
