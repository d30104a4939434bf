"""Near duplicates: lesions of two patients too similar for chance, as one scan under two ids.

The distance of a lesion to its nearest neighbour among other patients is compared with that to the
sixth nearest. Where lesions lie at random in a space of m dimensions, (r1 / r6) ** m is the
smallest of five uniform random numbers, whatever the density (Facco et al. 2017,
doi:10.1038/s41598-017-11873-y), and m is estimated from the neighbours between. So every distance
has a probability, in any unit and for any set of features, and one threshold serves all tables.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from scipy.stats import chi2

# A pair is a duplicate where fewer than this many pairs as close are expected in a whole table
# without duplicates. Measured: 3e-3 or more in eight phantom cohorts and 30 or more in three
# published radiomics tables; 2e-5 or less for one lesion of these rounded to two decimals of a
# standard deviation, and 2e-6 or less for the lesions of a phantom under 1 HU of added noise.
MAX_EXPECTED_PAIRS = 1e-4
NEIGHBOURS = 6  # the sixth nearest sets the scale, so that up to five copies are found
MIN_LESIONS, MIN_FEATURES, MIN_PATIENTS = 12, 3, 3  # with fewer there is no verdict
MIN_DIFFERENT_SHARE = 0.5  # different values per lesion, below which a feature has too many ties
BLOCK_ELEMENTS = 1 << 22  # distances computed at once


@dataclass(frozen=True)
class PatientPair:
    """Two patients with lesions that are each other's nearest.

    Parameters
    ----------
    patients : tuple of str
        The two patients.
    lesions : tuple of pairs of int
        Numbers of the lesions: of the first patient, of the second.
    expected : float
        Number of pairs as close that are expected in the table by chance.
    """

    patients: tuple[str, str]
    lesions: tuple[tuple[int, int], ...]
    expected: float


def closest_pairs(table: pd.DataFrame, features: list[str]) -> list[PatientPair]:
    """Find pairs of patients with similar lesions, the least probable by chance first.

    Two lesions must be each other's nearest, both with features as standard scores and with these
    compressed by arsinh, because outliers are near each other in only one of the two. The larger
    probability counts. The probabilities of a pair's lesions are combined by Fisher's method and
    multiplied by the number of pairs of patients.

    Parameters
    ----------
    table : DataFrame
        patient, lesion and `features`. Lesions without half of the features are left out, then
        features that a lesion lacks.
    features : list of str
        Columns of numbers.

    Returns
    -------
    list of PatientPair
        Empty where there are too few lesions, features or patients.
    """
    table, values = _complete_features(table, features)
    patient = table["patient"].to_numpy(str)
    n_patients = len(set(patient))
    if len(table) < MIN_LESIONS or values.shape[1] < MIN_FEATURES or n_patients < MIN_PATIENTS:
        return []
    scores = _standard_scores(values)
    nearest, log_p = _nearest(scores, patient)
    nearest_arsinh, log_p_arsinh = _nearest(_standard_scores(np.arcsinh(scores)), patient)
    log_p = np.maximum(log_p, log_p_arsinh)
    rows = np.arange(len(table))
    mutual = (nearest == nearest_arsinh) & (nearest[nearest] == rows) & (rows < nearest)
    lesion = table["lesion"].to_numpy(int)
    lesion_pairs: dict[tuple[str, str], list[tuple[tuple[int, int], float]]] = {}
    for row in np.flatnonzero(mutual):
        a, b = sorted((row, nearest[row]), key=lambda index: patient[index])
        pair = (int(lesion[a]), int(lesion[b])), max(log_p[a], log_p[b])
        lesion_pairs.setdefault((str(patient[a]), str(patient[b])), []).append(pair)
    pairs = []
    for patients, lesions in lesion_pairs.items():
        fisher = chi2.sf(-2 * sum(log_p for _, log_p in lesions), 2 * len(lesions))
        expected = float(fisher * n_patients * (n_patients - 1) / 2)
        numbers = tuple(sorted(numbers for numbers, _ in lesions))
        pairs.append(PatientPair(patients, numbers, expected))
    return sorted(pairs, key=lambda pair: (pair.expected, pair.patients))


def _complete_features(table: pd.DataFrame, features: list[str]) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows, and their continuous features, without a missing value."""
    values = table[features].to_numpy(float)
    values = np.where(np.isfinite(values), values, np.nan)
    rows = np.isnan(values).mean(axis=1) <= 0.5
    table, values = table[rows], values[rows]
    values = values[:, ~np.isnan(values).any(axis=0)]
    different = np.array([len(np.unique(column)) for column in values.T])
    if len(different):
        values = values[:, different > MIN_DIFFERENT_SHARE * len(table)]
    return table, values


def _standard_scores(values: np.ndarray) -> np.ndarray:
    """Each column with mean 0 and standard deviation 1."""
    centred = values - values.mean(axis=0)
    return centred / centred.std(axis=0)


def _nearest(values: np.ndarray, patient: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Index of each row's nearest row of another patient, and the log probability of the distance.

    Parameters
    ----------
    values : ndarray of float, shape (rows, features)
        Standard scores.
    patient : ndarray of str, shape (rows,)
        The patient of each row.
    """
    k = min(NEIGHBOURS, min(len(patient) - np.unique(patient, return_counts=True)[1]))
    nearest, distance = np.empty(len(patient), int), np.empty((len(patient), k))
    step = max(1, BLOCK_ELEMENTS // len(patient))
    for start in range(0, len(patient), step):
        block = slice(start, start + step)
        to_others = cdist(values[block], values)
        to_others[patient[block, None] == patient[None]] = np.inf
        nearest[block] = to_others.argmin(axis=1)
        distance[block] = np.sort(np.partition(to_others, k - 1, axis=1)[:, :k], axis=1)
    first, last = distance[:, 0], distance[:, -1]
    ratio = np.divide(first, last, out=np.ones_like(first), where=last > 0)
    uniform = ratio ** _intrinsic_dimension(distance)
    # the smallest of k - 1 uniform numbers: 1 - (1 - uniform)^(k - 1), exact for tiny ones too
    with np.errstate(divide="ignore"):
        log_p = np.log(-np.expm1((k - 1) * np.log1p(-np.minimum(uniform, 1 - 1e-15))))
    return nearest, log_p


def _intrinsic_dimension(distance: np.ndarray) -> float:
    """Intrinsic dimension m, from the third neighbour on, because the first may be copies.

    (rj / rk) ** m is the j-th smallest of k - 1 uniform random numbers, whose logarithm is
    -(1/j + ... + 1/(k - 1)) on average.

    Parameters
    ----------
    distance : ndarray of float, shape (rows, k)
        Distances to the nearest rows, in rising order.
    """
    k = distance.shape[1]
    j = np.arange(min(3, k - 1), k)
    positive = distance[distance[:, j[0] - 1] > 0]
    if not len(positive):
        return 1.0  # all rows have copies: any dimension finds them
    spread = np.log(positive[:, -1:] / positive[:, j - 1]).mean()
    expected = np.mean([(1 / np.arange(first, k)).sum() for first in j])
    return float(expected / spread) if spread > 0 else 1.0
