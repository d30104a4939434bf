"""Lesions of two patients that are too alike: one scan under two ids, read or saved twice.

A lesion's nearest neighbour among other patients is judged by how far the sixth nearest is. Where
lesions lie at random in a space of m dimensions, (r1 / r6) ** m is the smallest of five uniform
numbers whatever the density (Facco et al. 2017, doi:10.1038/s41598-017-11873-y), and m follows
from the neighbours between. So a chance comes with every distance, in any unit and for any set of
features, and one threshold serves all tables.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from scipy.stats import chi2

# A pair is a duplicate where fewer than this many such pairs are expected in a whole table without
# any. Measured: 3e-3 or more in eight phantom cohorts and 30 or more in three published radiomics
# tables; 2e-5 or less for one lesion of these rounded to two decimals of a standard deviation, and
# 2e-6 or less for the lesions of a phantom under 1 HU of added noise.
EXPECTED = 1e-4
NEIGHBOURS = 6  # the sixth nearest sets the scale, so up to five copies are seen
LESIONS, FEATURES = 12, 3  # with fewer, nothing can be said
CONTINUOUS = 0.5  # a feature with fewer different values than this share of the lesions ties
BLOCK = 1 << 22  # distances computed at once


@dataclass(frozen=True)
class Pair:
    """Two patients, their lesions that are each other's nearest, and how many such pairs chance
    would bring into the table.
    """

    patients: tuple[str, str]
    lesions: tuple[tuple[int, int], ...]
    expected: float


def closest_pairs(table: pd.DataFrame, features: list[str]) -> list[Pair]:
    """Pairs of patients by how surprisingly close they are, the most surprising first.

    table : patient, lesion and `features` (numbers; lesions without half of them are left out, then
        features that some lesion lacks). Empty where there are too few lesions or features.

    The nearest lesion has to be the same one, and its chance is the larger one, with features as
    standard scores and with the same compressed by arsinh: outliers are near each other in the one
    or the other. Chances of a pair's lesions are combined by Fisher's method and multiplied by the
    number of pairs of patients.
    """
    table, values = _comparable(table, features)
    owner = table["patient"].to_numpy(str)
    patients = len(set(owner))
    if len(table) < LESIONS or values.shape[1] < FEATURES or patients < 3:
        return []
    scores = _standardised(values)
    spaces = [_nearest(space, owner) for space in (scores, _standardised(np.arcsinh(scores)))]
    (nearest, log_p), (again, log_p_again) = spaces
    log_p = np.maximum(log_p, log_p_again)
    here = np.arange(len(table))
    mutual = (nearest == again) & (nearest[nearest] == here) & (here < nearest)
    lesion = table["lesion"].to_numpy(int)
    found: dict[tuple[str, str], list[tuple[tuple[int, int], float]]] = {}
    for one in np.flatnonzero(mutual):
        a, b = sorted((one, nearest[one]), key=lambda row: owner[row])
        two = (int(lesion[a]), int(lesion[b]))
        chance = max(log_p[a], log_p[b])
        found.setdefault((str(owner[a]), str(owner[b])), []).append((two, chance))
    pairs = []
    for names, lesions in found.items():
        fisher = chi2.sf(-2 * sum(chance for _, chance in lesions), 2 * len(lesions))
        expected = float(fisher * patients * (patients - 1) / 2)
        pairs.append(Pair(names, tuple(sorted(two for two, _ in lesions)), expected))
    return sorted(pairs, key=lambda pair: (pair.expected, pair.patients))


def _comparable(table: pd.DataFrame, features: list[str]) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows and continuous features without a missing value."""
    values = table[features].to_numpy(float)
    values = np.where(np.isfinite(values), values, np.nan)
    rows = np.isnan(values).mean(axis=1) <= 0.5
    table, values = table[rows], values[rows]
    values = values[:, ~np.isnan(values).any(axis=0)]
    different = np.array([len(np.unique(column)) for column in values.T])
    return table, values[:, different > CONTINUOUS * len(table)] if len(different) else values


def _standardised(values: np.ndarray) -> np.ndarray:
    centred = values - values.mean(axis=0)
    return centred / centred.std(axis=0)


def _nearest(values: np.ndarray, owner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each row's nearest row of another patient, and the log chance of it being that near."""
    k = min(NEIGHBOURS, min(len(owner) - np.unique(owner, return_counts=True)[1]))
    nearest, distance = np.empty(len(owner), int), np.empty((len(owner), k))
    step = max(1, BLOCK // len(owner))
    for start in range(0, len(owner), step):
        block = slice(start, start + step)
        away = cdist(values[block], values)
        away[owner[block, None] == owner[None]] = np.inf
        nearest[block] = away.argmin(axis=1)
        distance[block] = np.sort(np.partition(away, k - 1, axis=1)[:, :k], axis=1)
    first, last = distance[:, 0], distance[:, -1]
    ratio = np.divide(first, last, out=np.ones_like(first), where=last > 0)
    share = ratio ** _dimension(distance)
    # the smallest of k - 1 uniform numbers: 1 - (1 - share)^(k - 1), also where share is tiny
    with np.errstate(divide="ignore"):
        log_p = np.log(-np.expm1((k - 1) * np.log1p(-np.minimum(share, 1 - 1e-15))))
    return nearest, log_p


def _dimension(distance: np.ndarray) -> float:
    """Intrinsic dimension m, from the third neighbour on: the first may be copies.

    distance : (rows, k) to the nearest rows in rising order. (rj / rk) ** m is the j-th smallest of
        k - 1 uniform numbers, whose logarithm is -(1/j + ... + 1/(k - 1)) on average.
    """
    k = distance.shape[1]
    j = np.arange(min(3, k - 1), k)
    known = distance[distance[:, j[0] - 1] > 0]
    if not len(known):
        return 1.0  # everything has copies: any dimension says so
    spread = np.log(known[:, -1:] / known[:, j - 1]).mean()
    expected = np.mean([(1 / np.arange(first, k)).sum() for first in j])
    return float(expected / spread) if spread > 0 else 1.0
