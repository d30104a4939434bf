"""Variation of each feature over the lesions of a patient, after Pietsch et al. 2024.

Two measures. `cv` is the coefficient of variation, SD / mean, as in the study
(doi:10.1007/s00261-024-04511-5). It grows with the number of lesions where a feature is skewed, as
volume and most texture features are: a patient with four lesions rarely has the one that is far
off. Where one class has more lesions than the other (the paper: 28 against 9), its CV is larger
even if the lesions are equally unlike. `pair_cv` is the CV of two lesions, averaged over all pairs
of the patient: its expected value is the same for any number of lesions. Classes are compared by
it.

A CV needs a scale whose zero means "nothing" (Sokal & Rohlf, Biometry). Features without one are
left out, each with its reason.
"""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

# First-order features that are HU or sums of HU: 0 HU is water, not "nothing"
_HU = re.compile(
    r"_firstorder_(Mean|Median|Minimum|Maximum|10Percentile|90Percentile|RootMeanSquared|Energy"
    r"|TotalEnergy)$"
)
NEAR_ZERO = 1e-9  # of the largest value of the feature: a smaller mean is a rounding error
NO_RATIO = "it is measured in HU, whose zero (water) is arbitrary, so a ratio to it means nothing"
NEGATIVE = "it takes negative values, so its mean may be near zero and a ratio to it means nothing"
CONSTANT = "it does not vary between the lesions of any patient"
FEW = "too few patients have two lesions with a value and a mean above zero"
COLUMNS = ("patient", "label", "feature", "lesions", "mean", "cv", "pair_cv")


def features_left_out(features: pd.DataFrame, columns: Sequence[str]) -> dict[str, str]:
    """Find the features that have no meaningful CV.

    Parameters
    ----------
    features : data frame
        One row per lesion.
    columns : sequence of str
        The features.

    Returns
    -------
    dict of str to str
        Feature -> the reason.
    """
    reasons = {}
    for name in columns:
        if _HU.search(name):
            reasons[name] = NO_RATIO
        elif (features[name] < -NEAR_ZERO * features[name].abs().max()).any():
            reasons[name] = NEGATIVE
    return reasons


def lesion_variation(features: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Measure the variation of each feature over the lesions of each patient.

    Parameters
    ----------
    features : data frame
        One row per lesion: patient, label and features, which are 0 or above. Empty cells are
        passed over.
    columns : sequence of str
        The features.

    Returns
    -------
    data frame
        `COLUMNS`, a row for each patient with at least two lesions and each feature. `lesions`
        counts those with a value. `cv` and `pair_cv` are NaN with fewer than two, or where the mean
        is zero.
    """
    values = (
        features[list(columns)].to_numpy(float).clip(min=0)
    )  # entropies of flat lesions: -3e-16
    largest = np.nan_to_num(values).max(axis=0, initial=0)
    patients, first, number = np.unique(
        features["patient"].astype(str), return_index=True, return_inverse=True
    )
    several = [i for i in range(len(patients)) if (number == i).sum() >= 2]
    measures = [_variation(values[number == i], largest) for i in several]
    lesions, mean, cv, pair_cv = (
        np.concatenate([measure[place] for measure in measures] or [np.empty(0)])
        for place in range(4)
    )
    return pd.DataFrame(
        {
            "patient": np.repeat(patients[several], len(columns)).astype(str),
            "label": np.repeat(
                features["label"].astype(str).to_numpy()[first[several]], len(columns)
            ),
            "feature": np.tile(np.asarray(columns, dtype=str), len(several)),
            "lesions": lesions.astype(int),
            "mean": mean,
            "cv": cv,
            "pair_cv": pair_cv,
        },
        columns=list(COLUMNS),
    )


def _variation(values: np.ndarray, largest: np.ndarray) -> tuple[np.ndarray, ...]:
    """Number of values, mean, CV and pair CV of each feature (columns) of a patient's lesions."""
    measured = np.isfinite(values)
    number = measured.sum(axis=0)
    filled = np.where(measured, values, 0.0)
    missing = np.full(values.shape[1], np.nan)
    mean = np.divide(filled.sum(axis=0), number, out=missing.copy(), where=number > 0)
    squares = np.where(measured, (filled - np.nan_to_num(mean)) ** 2, 0.0).sum(axis=0)
    usable = (number >= 2) & (np.nan_to_num(mean) > NEAR_ZERO * largest)
    deviation = np.sqrt(squares / np.maximum(number - 1, 1))
    cv = np.divide(deviation, mean, out=missing.copy(), where=usable)
    pair_cv = missing.copy()
    for place in np.flatnonzero(usable):
        pair_cv[place] = mean_pair_cv(values[measured[:, place], place])
    return number, mean, cv, pair_cv


def mean_pair_cv(values: np.ndarray) -> float:
    """Average the CV of two lesions over all pairs; a pair of two zeros does not vary.

    The CV of two values a and b is `sqrt(2) * abs(a - b) / (a + b)`: from 0 to sqrt(2).

    Parameters
    ----------
    values : ndarray of float, shape (lesions,)
        Values of 0 or above, at least two.
    """
    first, second = np.triu_indices(len(values), 1)
    total = values[first] + values[second]
    apart = np.abs(values[first] - values[second])
    ratio = np.divide(apart, total, out=np.zeros_like(total), where=total > 0)
    return float(np.sqrt(2) * ratio.mean())
