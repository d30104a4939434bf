"""Outlier lesions: lesions that are unlike the other lesions of their patient.

A lesion is compared with the median of the patient's other lesions, feature by feature. The unit is
how far lesions commonly lie from their patient's median, over all patients: the few lesions of one
patient do not tell it. A distance above 3.5 (Iglewicz & Hoaglin 1993) is far. A lesion that is far
off in a quarter of the features is an outlier: a lesion to look at again, for another entity, a
necrosis, or a mask that is wrong. Features that are above zero are compared by their logarithm:
volume and texture vary by factors, and by differences every large lesion would be an outlier.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from livermets.study.names import lesion_key

FAR = 3.5  # robust standard deviations
SHARE = 0.25  # of the features
MIN_LESIONS = 3  # of a patient: of two unlike lesions neither is the outlier
MAD_TO_SD = 1.4826  # of a normal distribution
SIZES = ("diameter_mm", "volume_ml")
COLUMNS = (
    *("label", "lesions", "far_share", "outlier", "furthest_feature"),
    *("distance", *SIZES),
)  # after the key of the lesion


def lesion_distances(features: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Measure how far each lesion lies from the other lesions of its patient.

    Parameters
    ----------
    features : data frame
        One row per lesion: patient, lesion, label, features and, if there are, `SIZES`.
    columns : sequence of str
        The features. Negative values are allowed; one that rarely varies is passed over.

    Returns
    -------
    data frame
        The lesion's key and `COLUMNS`, one row for each lesion of a patient with at least
        `MIN_LESIONS`, the furthest first. `far_share` is the share of features in which it is far
        off, `distance` that of the feature in which it is furthest, in robust standard deviations,
        above or below the others.
    """
    key = lesion_key(features)
    values = _by_factors(features[list(columns)].to_numpy(float))
    patients = features["patient"].astype(str).to_numpy()
    unit = _common_distance(values, patients)
    distances = np.full(values.shape, np.nan)
    lesions = np.zeros(len(features), dtype=int)
    for patient in np.unique(patients):
        rows = np.flatnonzero(patients == patient)
        lesions[rows] = len(rows)
        if len(rows) < MIN_LESIONS:
            continue
        for row in rows:
            others = _median(values[rows[rows != row]])
            distances[row] = (values[row] - others) / unit
    with_distance = np.isfinite(distances).any(axis=1)
    table = features.loc[with_distance, [*key, "label"]].reset_index(drop=True)
    distances = distances[with_distance]
    size = np.abs(np.nan_to_num(distances))
    furthest = size.argmax(axis=1)
    measured = np.isfinite(distances).sum(axis=1)
    table["lesions"] = lesions[with_distance]
    table["far_share"] = (size > FAR).sum(axis=1) / measured
    table["outlier"] = table["far_share"] >= SHARE
    table["furthest_feature"] = np.asarray(columns, dtype=object)[furthest]
    table["distance"] = np.take_along_axis(distances, furthest[:, None], axis=1)[:, 0]
    for name in SIZES:
        there = (
            features[name].to_numpy(float) if name in features else np.full(len(features), np.nan)
        )
        table[name] = there[with_distance]
    ascending = [False, *[True] * len(key)]
    table = table.sort_values(["far_share", *key], ascending=ascending, ignore_index=True)
    return table[[*key, *COLUMNS]]


def _by_factors(values: np.ndarray) -> np.ndarray:
    """Take the logarithm of the columns whose values are all above zero."""
    positive = ~(values <= 0).any(axis=0)  # NaN is neither
    return np.where(positive, np.log(np.where(positive, values, 1.0)), values)


def _common_distance(values: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """The robust standard deviation within patients of each feature; NaN where it is 0."""
    apart = []
    for patient in np.unique(patients):
        rows = values[patients == patient]
        if len(rows) >= MIN_LESIONS:
            apart.append(np.abs(rows - _median(rows)))
    if not apart:
        return np.full(values.shape[1], np.nan)
    unit = MAD_TO_SD * _median(np.concatenate(apart))
    return np.where(unit > 0, unit, np.nan)


def _median(rows: np.ndarray) -> np.ndarray:
    """The median of each column over its finite values; NaN where there is none."""
    empty = ~np.isfinite(rows).any(axis=0)
    filled = np.where(empty, 0.0, rows)
    return np.where(empty, np.nan, np.nanmedian(filled, axis=0))
