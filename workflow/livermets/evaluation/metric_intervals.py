"""The interval of each metric: which patients it depends on, and how its variance behaves."""

import math
from dataclasses import dataclass

import numpy as np

from livermets.evaluation.expected_variance import (
    VarianceAt,
    auc_variance,
    noise_share,
    share_variance,
)
from livermets.evaluation.intervals import MIN_EFFECTIVE_PATIENTS, NONE, Bounds, Interval
from livermets.evaluation.jackknife import PatientSample, jackknife

NET_BENEFIT_PATIENTS = 30  # with 25 and few errors 88 % of its intervals hold the truth
SMALL_FOLDS = (
    "average precision within the small test part of a fold is higher than in many patients, so "
    "that an interval would hold the wrong value"
)
UNDEFINED = "the metric is not defined where one of the patients is left out"


@dataclass(frozen=True)
class MetricSample:
    """What the intervals of one arm's metrics are computed from.

    Parameters
    ----------
    patients : PatientSample
        The tested patients, with their weights at the level of evaluation.
    target : str or None
        The class that counts as positive; None where three or more classes are averaged.
    cross_validated : bool
        Whether the patients tested in one split trained the models of others.
    """

    patients: PatientSample
    target: str | None
    cross_validated: bool

    def interval(self, metric: str, values: np.ndarray, area: float = 0.5) -> Interval:
        """The interval of a metric from its values on the rows of `delete_one_counts`.

        Parameters
        ----------
        metric : str
            Name of the metric.
        values : ndarray of float, shape (patients + 1,)
            Its values.
        area : float
            The arm's AUC, from which follows how much a cross-validation enlarges the variance of
            other metrics; 0.5 enlarges it most.
        """
        patients = self.patients
        if metric == "calibration_intercept":
            # it is the share of the classes, which must vary with the patients for an interval
            patients = PatientSample(np.full(len(patients.label), ""), patients.weight)
        estimate = jackknife(values, patients)
        positive, negative = self._sides()
        freedom = positive + negative - 2  # where no patient changes a perfect value
        if metric == "auc":
            variance = auc_variance(positive, negative)
            return Interval(estimate, variance, (0.0, 1.0), self._surplus(None), freedom)
        surplus = self._surplus(area)
        if metric in ("sensitivity", "specificity"):
            number = positive if metric == "sensitivity" else negative
            return Interval(estimate, share_variance(number), (0.0, 1.0), surplus, number - 1)
        if metric in ("accuracy", "brier"):
            variance = share_variance(positive + negative)
            return Interval(estimate, variance, (0.0, 1.0), surplus, freedom)
        smaller = min(positive, negative)
        if metric in ("average_precision", "balanced_accuracy", "f1"):
            return Interval(estimate, share_variance(smaller), (0.0, 1.0), surplus, freedom)
        if metric == "mcc":
            signed = (-1.0, 1.0)
            return Interval(estimate, share_variance(smaller, signed), signed, surplus, freedom)
        return Interval(estimate, None, (-math.inf, math.inf), surplus)

    def reason(self, metric: str, value: float) -> str:
        """Why the metric has no interval: too few patients, in words; empty where it has one."""
        if not math.isfinite(value):
            return "the metric is not defined"
        if metric == "average_precision" and self.cross_validated:
            return SMALL_FOLDS
        if metric == "net_benefit" and len(self.patients.label) < NET_BENEFIT_PATIENTS:
            return f"an interval of the net benefit needs {NET_BENEFIT_PATIENTS} tested patients"
        for name, number in self._needed(metric).items():
            if number < MIN_EFFECTIVE_PATIENTS:
                members = self.patients.number_in(name)
                one = members == 1
                return (
                    f"class {name} has {members} tested patient{'' if one else 's'}, who "
                    f"tell{'s' if one else ''} as much as {number:.1f} with equally many "
                    f"lesions; an interval needs {MIN_EFFECTIVE_PATIENTS:.0f}"
                )
        return ""

    def _sides(self) -> tuple[float, float]:
        """Effective number of positive and of other patients; of classes, the smallest and rest."""
        numbers = self.patients.effective_numbers()
        target = self.target or min(numbers, key=lambda name: numbers[name])
        positive = numbers.get(target, 0.0)
        return max(positive, 1.0), max(sum(numbers.values()) - positive, 1.0)

    def _needed(self, metric: str) -> dict[str, float]:
        """Effective number of patients of each class that the metric depends on."""
        numbers = self.patients.effective_numbers()
        if self.target is None or metric not in ("sensitivity", "specificity"):
            return numbers
        is_target = metric == "sensitivity"
        return {name: n for name, n in numbers.items() if (name == self.target) == is_target}

    def _surplus(self, area: float | None) -> VarianceAt | None:
        """Factor of the variance in a cross-validation, at the given AUC or at any."""
        if not self.cross_validated:
            return None
        positive, negative = self._sides()
        return lambda value: 1 + noise_share(value if area is None else area, positive, negative)


def bounds_or_reason(sample: MetricSample, metric: str, interval: Interval) -> tuple[Bounds, str]:
    """The 95 % interval of a metric, or why there is none."""
    estimate = interval.estimate
    reason = sample.reason(metric, estimate.value)
    if not reason and not np.isfinite(estimate.deviation).all():
        reason = UNDEFINED
    if not reason and estimate.variance == 0 and estimate.value not in interval.value_range:
        reason = "it does not vary between the patients of a class"
    return (NONE, reason) if reason else (interval.bounds(), "")
