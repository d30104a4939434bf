"""Jackknife over patients: how much a metric changes when one tested patient is left out.

A metric is computed once on all tested patients and once without each of them. The spread of these
values gives its variance, every lesion following its patient. Where patients have lesions of
several classes, they are one population instead of one for each class. For the AUC this is the
variance of DeLong (1988, doi:10.2307/2531595) and, with several lesions of a patient, of Obuchowski
(1997, doi:10.2307/2533958); it exists likewise for every other metric, needs no random numbers and
is the same in every run.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

NO_VARIANCE = 1e-14  # smaller variances are rounding errors


def delete_one_counts(patients: int) -> np.ndarray:
    """Count the patients of each recomputation: all in row 0, all but patient i in row i + 1.

    Parameters
    ----------
    patients : int
        Number of tested patients.

    Returns
    -------
    ndarray of float, shape (patients + 1, patients)
        1 for a patient who counts, 0 for the one who is left out.
    """
    return np.vstack([np.ones(patients), 1 - np.eye(patients)])


@dataclass(frozen=True)
class PatientSample:
    """The tested patients that a metric is computed from.

    Parameters
    ----------
    label : ndarray of str, shape (patients,)
        Class of each patient; empty for all where patients have lesions of several classes, so that
        they are drawn from one population.
    weight : ndarray of float, shape (patients,)
        Weight of each patient: the number of lesions, or 1 where patients count alike.
    in_class : mapping of str to ndarray of float, optional
        Class -> weight of each patient's lesions of this class, where patients have several.
    """

    label: np.ndarray
    weight: np.ndarray
    in_class: Mapping[str, np.ndarray] | None = None

    def effective_number(self, members: np.ndarray) -> float:
        """Number of equally weighted patients that tell as much as `members` (Kish 1965).

        A metric by lesion is decided almost by one patient alone who has thirty lesions where
        others have three: then few effective patients are left.
        """
        return _effective(self.weight[members])

    def effective_numbers(self) -> dict[str, float]:
        """Effective number of patients of each class, in the order of the class names."""
        if self.in_class is not None:
            return {name: _effective(self.in_class[name]) for name in sorted(self.in_class)}
        return {
            str(name): self.effective_number(self.label == name) for name in np.unique(self.label)
        }

    def number_in(self, name: str) -> int:
        """Number of patients with a lesion of a class."""
        members = self.label == name if self.in_class is None else self.in_class[name] > 0
        return int(members.sum())


def _effective(weight: np.ndarray) -> float:
    """Number of equally weighted patients that tell as much as patients of these weights."""
    squares = float((weight**2).sum())
    return float(weight.sum()) ** 2 / squares if squares > 0 else 0.0


@dataclass(frozen=True)
class Estimate:
    """A metric with its jackknife variance.

    Parameters
    ----------
    value : float
        The metric on all tested patients.
    deviation : ndarray of float, shape (patients,)
        What each patient adds to the standard error: the squares sum up to the variance. Deviations
        of two metrics of the same patients multiply to their covariance.
    degrees_of_freedom : float
        Degrees of freedom of the variance; 0 where nothing varies.
    """

    value: float
    deviation: np.ndarray
    degrees_of_freedom: float

    @property
    def variance(self) -> float:
        """The variance; 0 where it is a rounding error."""
        variance = float((self.deviation**2).sum())
        return variance if variance > NO_VARIANCE else 0.0


def jackknife(values: np.ndarray, patients: PatientSample) -> Estimate:
    """Compute the variance of a metric from its values without each patient, class by class.

    The degrees of freedom are Satterthwaite's (1946, doi:10.2307/3002019) for a sum of variances of
    classes. Those of a class are at most its effective number of patients less one, and fewer
    where few patients make most of the variance (few errors near an AUC of 1, or one patient with
    most lesions): 2 over the relative variance of the variance, by its fourth moment.

    Parameters
    ----------
    values : ndarray of float, shape (patients + 1,)
        The metric on each row of `delete_one_counts`.
    patients : PatientSample
        The patients, in the order of the counts.

    Returns
    -------
    Estimate
        Its deviations are NaN where a value is.
    """
    deviation = np.zeros(len(values) - 1)
    variances, quotients = 0.0, 0.0
    for name in np.unique(patients.label):
        members = patients.label == name
        without = values[1:][members]
        n = len(without)
        deviation[members] = math.sqrt((n - 1) / n) * (without - without.mean())
        squares = deviation[members] ** 2
        variance = float(squares.sum())
        if variance > NO_VARIANCE:
            most = patients.effective_number(members) - 1
            excess = float((squares**2).sum()) / variance**2 - 1 / n
            freedom = min(most, 2 / excess) if excess > 0 else most
            variances += variance
            quotients += variance**2 / max(freedom, 1e-9)
    return Estimate(float(values[0]), deviation, variances**2 / quotients if quotients else 0.0)
