"""Expected variance of a metric where the true value is given, as score intervals need it."""

import math
from collections.abc import Callable

from scipy.special import ndtri

# Parameters of a typical model. It decides only how fast the surplus of a cross-validation's
# variance falls as the AUC rises; without information it is always a factor of two.
MODEL_PARAMETERS = 10

VarianceAt = Callable[[float], float]  # true value -> variance


def auc_variance(positive: float, negative: float) -> VarianceAt:
    """Variance of an AUC of independent patients as a function of its true value.

    Parameters
    ----------
    positive, negative : float
        Effective number of patients of both classes.

    Returns
    -------
    callable
        AUC -> variance (Hanley & McNeil 1982, doi:10.1148/radiology.143.1.7063747, in the form of
        Newcombe 2006, doi:10.1002/sim.2324, method 5).
    """
    pairs, mean = positive * negative, (positive + negative) / 2

    def variance(area: float) -> float:
        surplus = (mean - 1) * ((1 - area) / (2 - area) + area / (1 + area))
        return area * (1 - area) * (1 + surplus) / pairs

    return variance


def share_variance(number: float, value_range: tuple[float, float] = (0.0, 1.0)) -> VarianceAt:
    """Variance of a share of `number` independent patients, or of a metric that behaves like one.

    Parameters
    ----------
    number : float
        Effective number of patients.
    value_range : tuple of float
        Lowest and highest value of the metric, at which it does not vary.
    """
    lowest, highest = value_range

    def variance(value: float) -> float:
        return (value - lowest) * (highest - value) / number

    return variance


def noise_share(area: float, positive: float, negative: float) -> float:
    """Estimate the share of noise in what a model has learned, from its AUC and its patients.

    In a cross-validation a patient's noise enters twice: once as the patient is tested, once as the
    patient trains the models of the other folds. The variance is therefore 1 + this share of that
    in a hold-out. Without information all is noise and the factor is 2, as in any degenerate
    U-statistic. A linear model of p parameters has learned the direction `effect + noise`, where
    noise has the squared length q = p (1/n + 1/m) in units of the effect. From the distance of the
    classes that it reaches, d = sqrt(2) times the normal quantile of the AUC, follows the distance
    D of the best direction by d^2 = D^4 / (D^2 + q), and the share of noise q / (D^2 + q).

    Parameters
    ----------
    area : float
        AUC in all patients; below 0.5 nothing was learned.
    positive, negative : float
        Number of patients of both classes.

    Returns
    -------
    float
        Between 0 and 1.
    """
    if area <= 0.5:
        return 1.0
    if area >= 1:
        return 0.0
    reached = 2 * float(ndtri(area)) ** 2
    noise = MODEL_PARAMETERS * (1 / positive + 1 / negative)
    best = (reached + math.sqrt(reached**2 + 4 * noise * reached)) / 2
    return noise / (best + noise)
