"""Near duplicates: lesions of two patients too similar for chance, as one scan under two ids.

The distance of a lesion to its nearest neighbour among other patients is compared with that to the
sixth nearest. Where lesions lie at random in a space of m dimensions, (r1 / r6) ** m is the
smallest of five uniform random numbers, whatever the density (Facco et al. 2017,
doi:10.1038/s41598-017-11873-y), and m is estimated from the neighbours between. So every distance
has a probability, in any unit and for any set of features, and one threshold serves all tables.

Where a lesion has more than five copies the sixth nearest is a copy too, so the comparison is
repeated with the 18th and the 54th. Where values are missing a distance is taken over the features
that both lesions have.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from scipy.stats import chi2

from livermets.audit.lesion_names import LesionName, lesion_names
from livermets.audit.many_valued import many_valued

# A pair is a duplicate where fewer than this many pairs as close are expected in a whole table
# without duplicates. Measured: 3e-3 or more in eight phantom cohorts and 30 or more in three
# published radiomics tables; 2e-5 or less for one lesion of these rounded to two decimals of a
# standard deviation, and 2e-6 or less for the lesions of a phantom under 1 HU of added noise.
MAX_EXPECTED_PAIRS = 1e-4
NEIGHBOURS = (6, 18, 54)  # each finds up to one copy less in single lesions, a third where all are
MIN_LESIONS, MIN_FEATURES, MIN_PATIENTS = 12, 3, 3  # with fewer there is no verdict
MIN_COMMON = 10  # features that two lesions must both have, or half of all where these are fewer
BLOCK_ELEMENTS = 1 << 22  # distances computed at once


@dataclass(frozen=True)
class PatientPair:
    """Two patients with lesions that are each other's nearest.

    Parameters
    ----------
    patients : tuple of str
        The two patients.
    lesions : tuple of pairs of int or str
        The lesions by `lesion_names`: of the first patient, of the second.
    expected : float
        Number of pairs as close that are expected in the table by chance.
    """

    patients: tuple[str, str]
    lesions: tuple[tuple[LesionName, LesionName], ...]
    expected: float


@dataclass(frozen=True)
class Comparison:
    """A comparison of all lesions with those of other patients.

    Parameters
    ----------
    pairs : list of PatientPair
        Pairs of patients with similar lesions, the least probable by chance first.
    impossible : str
        Why the lesions cannot be compared; "" where they were.
    left_out : tuple of (str, int or str)
        Patient and name of lesions that could not be compared, for want of values.
    """

    pairs: list[PatientPair]
    impossible: str = ""
    left_out: tuple[tuple[str, LesionName], ...] = ()


def compare_lesions(table: pd.DataFrame, features: Sequence[str]) -> Comparison:
    """Find pairs of patients with similar lesions, the least probable by chance first.

    Two lesions must be each other's nearest, both with features as standard scores and with these
    compressed by arsinh, because outliers are near each other in only one of the two. The larger
    probability counts. The probabilities of a pair's lesions are combined by Fisher's method and
    multiplied by the number of pairs of patients.

    Parameters
    ----------
    table : DataFrame
        patient, scan (if any), lesion and `features`; values may be missing.
    features : sequence of str
        Columns of numbers. Those with few different values are left out, see `many_valued`.
    """
    values = table[list(features)].to_numpy(float)
    values = np.where(np.isfinite(values), values, np.nan)
    values = values[:, many_valued(values)]
    patient = table["patient"].to_numpy(str)
    if reason := _too_little(values, patient):
        return Comparison([], reason)
    scores = _standard_scores(values)
    nearest, log_p = _nearest(scores, patient)
    nearest_arsinh, log_p_arsinh = _nearest(_standard_scores(np.arcsinh(scores)), patient)
    log_p = np.maximum(log_p, log_p_arsinh)
    rows = np.arange(len(table))
    mutual = (nearest == nearest_arsinh) & (nearest[nearest] == rows) & (rows < nearest)
    names = list(zip(patient.tolist(), lesion_names(table), strict=True))
    left_out = tuple(names[row] for row in np.flatnonzero(nearest < 0))
    if len(left_out) == len(names):
        return Comparison([], "no two patients have enough features in common", left_out)
    closest = [(int(row), int(nearest[row])) for row in np.flatnonzero(mutual)]
    return Comparison(_patient_pairs(closest, names, log_p), "", left_out)


def _too_little(values: np.ndarray, patient: np.ndarray) -> str:
    """Why there is no verdict on so few patients, lesions or many-valued features; else ""."""
    measured = ~np.isnan(values).all(axis=1)
    counts = {
        f"{values.shape[1]} features with many different values": (values.shape[1], MIN_FEATURES),
        f"{np.count_nonzero(measured)} lesions with such values": (measured.sum(), MIN_LESIONS),
        f"{len(set(patient[measured]))} patients": (len(set(patient[measured])), MIN_PATIENTS),
    }
    return next(
        (
            f"the table has {what}, and {least} are needed"
            for what, (n, least) in counts.items()
            if n < least
        ),
        "",
    )


def _patient_pairs(
    closest: list[tuple[int, int]], names: list[tuple[str, LesionName]], log_p: np.ndarray
) -> list[PatientPair]:
    """Pairs of patients from pairs of rows, the least probable by chance first.

    Parameters
    ----------
    closest : list of (int, int)
        Rows that are each other's nearest.
    names : list of (str, int or str)
        Patient and lesion of each row.
    log_p : ndarray of float, shape (rows,)
        Logarithm of the probability of each row's distance to its nearest.
    """
    lesion_pairs: dict[tuple[str, str], list[tuple[tuple[LesionName, LesionName], float]]] = {}
    for rows in closest:
        a, b = sorted(rows, key=lambda row: names[row][0])
        pair = (names[a][1], names[b][1]), float(max(log_p[a], log_p[b]))
        lesion_pairs.setdefault((names[a][0], names[b][0]), []).append(pair)
    n_patients = len({patient for patient, _ in names})
    pairs = []
    for patients, lesions in lesion_pairs.items():
        fisher = chi2.sf(-2 * sum(log_p for _, log_p in lesions), 2 * len(lesions))
        expected = float(fisher * n_patients * (n_patients - 1) / 2)
        numbers = tuple(sorted(numbers for numbers, _ in lesions))
        pairs.append(PatientPair(patients, numbers, expected))
    return sorted(pairs, key=lambda pair: (pair.expected, pair.patients))


def _standard_scores(values: np.ndarray) -> np.ndarray:
    """Each column with mean 0 and standard deviation 1; NaN stays."""
    # a power of two, so that no digit changes: the square of 1e200 is no number
    power = np.floor(np.log2(np.nanmax(np.abs(values), axis=0)))
    values = np.ldexp(values, -power.astype(int))
    centred = values - np.nanmean(values, axis=0)
    return centred / np.nanstd(centred, axis=0)


def _nearest(scores: np.ndarray, patient: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Index of each row's nearest row of another patient, and the log probability of the distance.

    Parameters
    ----------
    scores : ndarray of float, shape (rows, features)
        Standard scores; NaN where a value is missing.
    patient : ndarray of str, shape (rows,)
        The patient of each row.

    Returns
    -------
    tuple of ndarray, shape (rows,)
        The index is -1, and the probability 1, where too few rows can be compared with a row.
    """
    n = len(patient)
    others = n - int(np.unique(patient, return_counts=True)[1].max())
    first = min(NEIGHBOURS[0], others)
    ranks = [first, *(k for k in NEIGHBOURS[1:] if k <= others)]
    nearest, distance = np.empty(n, int), np.empty((n, ranks[-1]))
    step = max(1, BLOCK_ELEMENTS // n)
    for start in range(0, n, step):
        block = slice(start, start + step)
        to_others = _distances(scores, block)
        to_others[patient[block, None] == patient[None]] = np.inf
        nearest[block] = to_others.argmin(axis=1)
        partition = np.partition(to_others, [k - 1 for k in ranks], axis=1)
        distance[block] = np.sort(partition[:, : ranks[-1]], axis=1)
    # more ranks, more chances: those after the first share a second chance
    log_p = np.min(
        [_log_probability(distance[:, :k]) + np.log(len(ranks)) * (k > first) for k in ranks],
        axis=0,
    )
    comparable = np.isfinite(distance[:, first - 1])
    return np.where(comparable, nearest, -1), np.minimum(log_p, 0)


def _distances(scores: np.ndarray, block: slice) -> np.ndarray:
    """Distances of the rows of a block to all rows, over the features that both rows have.

    A distance over some of the features is brought to the scale of all. It is infinite where two
    rows have fewer than `MIN_COMMON` features, and fewer than half of all, in common.
    """
    missing = np.isnan(scores)
    if not missing.any():
        return cdist(scores[block], scores)
    n_features = scores.shape[1]
    filled, absent = np.where(missing, 0.0, scores), missing.astype(float)
    squares = filled**2
    # with zeros for missing values, a feature that one row lacks adds the other's square
    one_sided = squares[block] @ absent.T + absent[block] @ squares.T
    common = (1 - absent[block]) @ (1 - absent).T
    squared = np.maximum(cdist(filled[block], filled) ** 2 - one_sided, 0)
    squared[squared < 1e-12 * one_sided] = 0  # nothing but the rounding of the subtraction
    distance: np.ndarray = np.sqrt(squared * n_features / np.maximum(common, 1))
    distance[common < min(MIN_COMMON, max(MIN_FEATURES, n_features / 2))] = np.inf
    return distance


def _log_probability(distance: np.ndarray) -> np.ndarray:
    """Logarithm of the probability of a nearest neighbour as near as each row's.

    Parameters
    ----------
    distance : ndarray of float, shape (rows, k)
        Distances to the nearest rows, in rising order.
    """
    k = distance.shape[1]
    first, last = distance[:, 0], distance[:, -1]
    ratio = np.divide(first, last, out=np.ones_like(first), where=(last > 0) & np.isfinite(last))
    uniform = ratio ** _intrinsic_dimension(distance[np.isfinite(last)])
    # the smallest of k - 1 uniform numbers: 1 - (1 - uniform)^(k - 1), exact for tiny ones too
    with np.errstate(divide="ignore"):
        log_p: np.ndarray = np.log(-np.expm1((k - 1) * np.log1p(-np.minimum(uniform, 1 - 1e-15))))
    return log_p


def _intrinsic_dimension(distance: np.ndarray) -> float:
    """Intrinsic dimension m, from the neighbour halfway on, because the first may be copies.

    (rj / rk) ** m is the j-th smallest of k - 1 uniform random numbers, whose logarithm is
    -(1/j + ... + 1/(k - 1)) on average.

    Parameters
    ----------
    distance : ndarray of float, shape (rows, k)
        Distances to the nearest rows, in rising order.
    """
    k = distance.shape[1]
    j = np.arange(min(max(3, k // 2), k - 1), k)
    positive = distance[distance[:, j[0] - 1] > 0]
    if not len(positive):
        return 1.0  # all rows have copies: any dimension finds them
    # in the mean over few neighbours the lesions with copies weigh little; among many neighbours
    # some have copies beyond halfway, which the median leaves out
    spread = np.log(positive[:, -1:] / positive[:, j - 1]).mean(axis=1)
    spread = spread.mean() if k <= NEIGHBOURS[0] else np.median(spread)
    expected = np.mean([(1 / np.arange(first, k)).sum() for first in j])
    return float(expected / spread) if spread > 0 else 1.0
