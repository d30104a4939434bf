"""Intervals and p-values: how far a metric of tested patients may lie from that of all patients.

What an interval means. The study tested certain patients; another study would have tested others.
If it were repeated many times and a 95 % interval computed each time, about 95 of 100 intervals
would hold the value in all such patients. The number of patients of each class is held as it is
(but for the calibration intercept, which is about these numbers). The patient is the unit, because
lesions of one patient resemble each other: intervals that draw lesions are too narrow. How often
the intervals of this module hold the value is simulated by `make bench-coverage`.

The trained models are taken as they are: the interval speaks about these models (in a
cross-validation, about the mean of the models of its folds), not about models that other training
patients would give. In a cross-validation, however, the patients tested in one fold have trained
the models of the others, so that errors of different folds are related and the variance is larger
than in a hold-out (Bates et al. 2023, doi:10.1080/01621459.2023.2197686). See
`expected_variance.noise_share`.

How an interval is computed. All values that the data do not refute are inside: a value is refuted
where the metric lies more than t standard errors from it. The standard error is the one that the
metric would have at that value (a score interval, Wilson 1927, doi:10.1080/01621459.1927.10502953;
for the AUC Newcombe 2006, doi:10.1002/sim.2324, with the variance of Hanley & McNeil 1982,
doi:10.1148/radiology.143.1.7063747), in proportion to the jackknife's (`jackknife`). So an interval
stays within the metric's range, and exists where the tested patients show no error at all.
Differences join the intervals of both arms (MOVER; Zou 2007, doi:10.1037/1082-989X.12.4.399;
Newcombe 1998), and their p-value is read from the same intervals: it is below 0.05 where the 95 %
interval leaves out 0, and nowhere else.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import stdtr, stdtrit

from livermets.evaluation.expected_variance import VarianceAt
from livermets.evaluation.jackknife import Estimate

CONFIDENCE = 0.95
# With fewer effective patients of a class, how much patients differ cannot be told: no interval.
MIN_EFFECTIVE_PATIENTS = 2.0
# The jackknife's variance of few patients is uncertain. It is averaged with the variance expected
# of independent patients, which counts as much as one degree of freedom.
PRIOR_FREEDOM = 1.0


class Bounds(NamedTuple):
    """Lower and upper bound of an interval; NaN where there is none."""

    low: float
    high: float


NONE = Bounds(math.nan, math.nan)


@dataclass(frozen=True)
class Interval:
    """A metric with what its 95 % interval is computed from.

    Parameters
    ----------
    estimate : Estimate
        The metric and its variance.
    variance_at : callable or None
        The variance that the metric of independent patients would have, by its true value. None:
        the variance does not depend on the value, and the metric has no end of its range.
    value_range : tuple of float
        Lowest and highest value of the metric.
    surplus_at : callable or None
        Factor of the variance by the true value, which the jackknife does not see; None: 1.
    fallback_freedom : float
        Degrees of freedom where the metric is at an end of its range and no patient changes it.
    """

    estimate: Estimate
    variance_at: VarianceAt | None = None
    value_range: tuple[float, float] = (0.0, 1.0)
    surplus_at: VarianceAt | None = None
    fallback_freedom: float = 1.0

    def bounds(self) -> Bounds:
        """Lower and upper bound; NaN where the metric is undefined without one of the patients."""
        value, variance = self.estimate.value, self.estimate.variance
        freedom = self.estimate.degrees_of_freedom
        if not math.isfinite(value) or not np.isfinite(self.estimate.deviation).all():
            return NONE
        if variance == 0 and value not in self.value_range:
            return Bounds(value, value)  # such as the AUC of a score that is the same for all
        if self.variance_at is None:
            factor = self.surplus_at(value) if self.surplus_at else 1.0
            margin = t_quantile(freedom) * math.sqrt(variance * factor)
            return Bounds(value - margin, value + margin)
        scale, freedom = self._scale(variance, freedom)
        squared = t_quantile(freedom) ** 2 * scale

        def refuted(candidate: float) -> float:
            """Positive where the data refute this true value."""
            factor = self.surplus_at(candidate) if self.surplus_at else 1.0
            return (value - candidate) ** 2 - squared * factor * self._expected(candidate)

        low, high = (_end(value, end, refuted) for end in self.value_range)
        return Bounds(low, high)

    @property
    def varies(self) -> bool:
        """Whether the metric is uncertain at all."""
        return self.estimate.variance > 0 or self.estimate.value in self.value_range

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the interval."""
        if self.variance_at is None:
            return self.estimate.degrees_of_freedom
        return self._scale(self.estimate.variance, self.estimate.degrees_of_freedom)[1]

    def _scale(self, variance: float, freedom: float) -> tuple[float, float]:
        """Factor from the expected variance to the measured one, and its degrees of freedom."""
        expected = self._expected(self.estimate.value)
        if variance == 0 or expected <= 0:
            return 1.0, self.fallback_freedom
        total = freedom + PRIOR_FREEDOM
        return (PRIOR_FREEDOM + freedom * variance / expected) / total, total

    def _expected(self, value: float) -> float:
        assert self.variance_at is not None
        return self.variance_at(value)


def t_quantile(freedom: float) -> float:
    """Half the width of a 95 % interval in standard errors, by Student's t distribution."""
    return -float(stdtrit(max(freedom, 1.0), (1 - CONFIDENCE) / 2))


def _end(value: float, end: float, refuted: VarianceAt) -> float:
    """The value between the estimate and an end of the range from which on the data refute it."""
    step = math.copysign(1e-9, end - value)
    if abs(end - value) < 2e-9 or refuted(end - step) <= 0:
        return end
    near = value + step
    return float(brentq(refuted, near, end - step, xtol=1e-10)) if refuted(near) < 0 else value


@dataclass(frozen=True)
class Difference:
    """The difference of one metric of two arms on the same patients.

    Parameters
    ----------
    first, second : Interval
        The metric of both arms.
    """

    first: Interval
    second: Interval

    @property
    def value(self) -> float:
        """The first metric minus the second."""
        return self.first.estimate.value - self.second.estimate.value

    @property
    def alike(self) -> bool:
        """Whether the two metrics are equal on any choice of the patients: nothing to compare."""
        first, second = self.first.estimate, self.second.estimate
        return (
            abs(self.value) < 1e-12
            and first.variance > 0
            and bool(np.allclose(first.deviation, second.deviation, rtol=0, atol=1e-9))
        )

    def bounds(self) -> Bounds:
        """Lower and upper bound of the difference; NaN where one of the arms has none."""
        first, second = self.first.bounds(), self.second.bounds()
        if math.isnan(first.low) or math.isnan(second.low) or self.alike:
            return NONE
        a, b = self.first.estimate.value, self.second.estimate.value
        correlation = self._correlation()

        def margin(one: float, other: float) -> float:
            squared = one**2 + other**2 - 2 * correlation * one * other
            return math.sqrt(max(squared, 0.0))

        low = self.value - margin(a - first.low, second.high - b)
        high = self.value + margin(first.high - a, b - second.low)
        return Bounds(low, high)

    def p_value(self) -> float:
        """Two-sided p-value of no difference, from the 95 % interval.

        The distance of the interval's end from the difference is t standard errors; the p-value is
        that of the difference in these standard errors. It is below 0.05 where the interval leaves
        out 0, and nowhere else. NaN where there is no interval.
        """
        low, high = self.bounds()
        if math.isnan(low):
            return math.nan
        margin = self.value - low if self.value > 0 else high - self.value
        freedoms = [interval.freedom for interval in (self.first, self.second) if interval.varies]
        freedom = max(min(freedoms), 1.0) if freedoms else 1.0
        if margin <= 0:
            return 1.0
        t = abs(self.value) / margin * t_quantile(freedom)
        return float(2 * stdtr(freedom, -t))

    def _correlation(self) -> float:
        """Correlation of the two metrics over patients; 0 where one does not vary."""
        first, second = self.first.estimate, self.second.estimate
        product = first.variance * second.variance
        if product == 0:
            return 0.0
        return float(np.clip(first.deviation @ second.deviation / math.sqrt(product), -1, 1))
