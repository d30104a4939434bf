"""Sample size: how many parameters a cohort can carry, and how many patients a model needs.

The criteria of Riley et al. 2020 (10.1136/bmj.m441) for a model of a binary outcome, of which the
derivation is in Riley et al. 2018 (10.1002/sim.7992):

- shrinkage: the coefficients are expected to shrink by 10 % at most in new patients;
- optimism: the apparent Nagelkerke R² is expected to exceed the true one by 0.05 at most;
- risk: the 95 % interval of the overall share of the class is at most 0.05 to each side.

The formulas count patients. Lesions of one patient resemble each other, so more lesions do not
replace patients. They are for regression without a penalty; penalties and selection of features do
not replace patients either (Riley et al. 2021, 10.1016/j.jclinepi.2020.12.005). Only the standard
library is needed, so that a study is planned without loading more.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist

from livermets.study.patient_labels import has_several

SHRINKAGE = 0.9
OPTIMISM = 0.05  # of Nagelkerke's R²
MARGIN = 0.05  # half the width of the interval of the overall risk
EXPLAINED = 0.15  # Nagelkerke's R² to assume where nothing is known, Riley et al. 2020
AUCS = (0.7, 0.8, 0.9)  # of models with which radiomics of liver metastases has been published
_Z = 1.96  # as in the paper


@dataclass(frozen=True)
class PatientsNeeded:
    """Patients that each criterion asks for.

    Parameters
    ----------
    shrinkage, optimism, risk : int
        Least number of patients by each criterion.
    """

    shrinkage: int
    optimism: int
    risk: int

    @property
    def all_criteria(self) -> int:
        """Least number of patients that meets all three."""
        return max(self.shrinkage, self.optimism, self.risk)


@dataclass(frozen=True)
class Assumption:
    """How well a model is assumed to tell the classes apart.

    Parameters
    ----------
    name : str
        In words.
    r2 : float
        Its Cox–Snell R².
    """

    name: str
    r2: float


def largest_r2(prevalence: float) -> float:
    """Compute the largest Cox–Snell R² that a model of a binary outcome can have.

    >>> round(largest_r2(0.5), 2)
    0.75
    """
    null = prevalence * math.log(prevalence) + (1 - prevalence) * math.log(1 - prevalence)
    return 1 - math.exp(2 * null)


def r2_of_auc(auc: float, prevalence: float) -> float:
    """Compute the Cox–Snell R² of a model with an AUC.

    Its linear predictor is taken to be normal with equal variance in both classes, as Riley et al.
    2021 (10.1002/sim.8806) do by simulation; here the likelihood ratio is integrated.

    Parameters
    ----------
    auc : float
        AUC, above 0.5 and below 1.
    prevalence : float
        Share of the class among the patients, between 0 and 1.

    Returns
    -------
    float
        Cox–Snell R².
    """
    distance = math.sqrt(2) * NormalDist().inv_cdf(auc)
    others, of_class = NormalDist(0, 1), NormalDist(distance, 1)
    steps = 2000
    width = (distance + 16) / steps
    information = 0.0  # mean log likelihood ratio of the model to the overall risk
    for step in range(steps + 1):
        x = -8 + step * width
        with_class, without = prevalence * of_class.pdf(x), (1 - prevalence) * others.pdf(x)
        both = with_class + without
        for part, share in ((with_class, prevalence), (without, 1 - prevalence)):
            if part > 0:
                information += part * math.log(part / both / share) * width
    return 1 - math.exp(-2 * information)


def patients_needed(parameters: int, prevalence: float, r2: float) -> PatientsNeeded:
    """Compute the patients that a model needs.

    Parameters
    ----------
    parameters : int
        Candidate parameters: features before any of them is selected by the outcome.
    prevalence : float
        Share of the class among the patients, between 0 and 1.
    r2 : float
        Cox–Snell R² that the model is assumed to have.

    Returns
    -------
    PatientsNeeded
        By each criterion, rounded up.

    Raises
    ------
    ValueError
        The R² is not between 0 and the largest that is possible.
    """
    _check(prevalence, r2)
    return PatientsNeeded(
        math.ceil(parameters * _patients_per_parameter(r2, SHRINKAGE)),
        math.ceil(parameters * _patients_per_parameter(r2, _shrinkage_of_optimism(prevalence, r2))),
        math.ceil((_Z / MARGIN) ** 2 * prevalence * (1 - prevalence)),
    )


def parameters_supported(patients: int, prevalence: float, r2: float) -> int:
    """Compute the most candidate parameters that meet the criteria of shrinkage and optimism.

    The criterion of the overall risk does not depend on parameters: `risk_margin`.

    Parameters
    ----------
    patients : int
        Number of patients.
    prevalence, r2 : float
        As in `patients_needed`.

    Returns
    -------
    int
        Number of parameters, 0 where the cohort carries none.
    """
    _check(prevalence, r2)
    shrinkage = max(SHRINKAGE, _shrinkage_of_optimism(prevalence, r2))
    return math.floor(patients / _patients_per_parameter(r2, shrinkage))


def risk_margin(patients: int, prevalence: float) -> float:
    """Compute half the width of the 95 % interval of the overall share of a class."""
    return _Z * math.sqrt(prevalence * (1 - prevalence) / patients)


def assumptions(prevalence: float) -> list[Assumption]:
    """List the performances to assume: where nothing is known, and by AUC.

    Parameters
    ----------
    prevalence : float
        Share of the class among the patients, between 0 and 1.

    Returns
    -------
    list of Assumption
        From the least to the best performance.
    """
    unknown = Assumption("15 % of the variation explained", EXPLAINED * largest_r2(prevalence))
    by_auc = [Assumption(f"an AUC of {auc:.2f}", r2_of_auc(auc, prevalence)) for auc in AUCS]
    return sorted([unknown, *by_auc], key=lambda assumption: assumption.r2)


def smallest_class(labels: Iterable[str]) -> tuple[str, int, int]:
    """Find the class with the fewest patients.

    The criteria are the same for a class and for the rest. Of three or more classes, the smallest
    against the rest needs the most patients.

    Parameters
    ----------
    labels : iterable of str
        Class of each patient.

    Returns
    -------
    tuple
        Class, its number of patients, the number of all patients.
    """
    counts = Counter(labels)
    label = min(counts, key=lambda label: (counts[label], label))
    return label, counts[label], counts.total()


def describe_cohort(labels: Iterable[str]) -> str:
    """Say in a sentence how many features a cohort can carry; "" with fewer than two classes.

    "" also where patients have lesions of several classes, which the criteria do not know.

    Parameters
    ----------
    labels : iterable of str
        Class of each patient.

    Returns
    -------
    str
        The sentence, for a log and for the plan of a study.
    """
    labels = list(labels)
    if len(set(labels)) < 2 or has_several(labels):
        return ""
    label, few, patients = smallest_class(labels)
    share = few / patients
    counts = [
        f"{parameters_supported(patients, share, r2_of_auc(auc, share))} at an AUC of {auc:.2f}"
        for auc in AUCS
    ]
    return (
        f"{patients} patients, {few} of class {label}, can carry few candidate features: "
        f"{', '.join(counts)} (Riley et al. 2020)"
    )


def _patients_per_parameter(r2: float, shrinkage: float) -> float:
    return 1 / ((shrinkage - 1) * math.log(1 - r2 / shrinkage))


def _shrinkage_of_optimism(prevalence: float, r2: float) -> float:
    """The shrinkage at which the optimism of Nagelkerke's R² is as large as allowed."""
    return r2 / (r2 + OPTIMISM * largest_r2(prevalence))


def _check(prevalence: float, r2: float) -> None:
    if not 0 < prevalence < 1:
        raise ValueError(f"the prevalence is {prevalence}, give one between 0 and 1")
    if not 0 < r2 < min(largest_r2(prevalence), SHRINKAGE):
        raise ValueError(
            f"R² is {r2:.3f}, give one between 0 and {largest_r2(prevalence):.3f}, the largest"
            f" possible with a prevalence of {prevalence}"
        )
