"""Permutation test between patients of two groups, for many features at once.

The labels are permuted between patients, of all features alike, so that features which go together
stay together. The statistic is Welch's t: permuting it holds its level even where patients of one
class are measured less precisely, as those with few lesions are (Janssen 1997,
doi:10.1016/S0167-7152(97)00043-6). p-values are corrected for the number of features by the largest
statistic, step by step (Westfall & Young 1993; Ge, Dudoit & Speed 2003, doi:10.1007/BF02595811),
which costs less power than Holm's where features resemble each other.
"""

import math
from itertools import combinations

import numpy as np


def permutation_p_values(
    values: np.ndarray, group: np.ndarray, permutations: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Compute two-sided p-values of the difference of two groups, raw and corrected.

    Parameters
    ----------
    values : ndarray of float, shape (patients, features)
        A value of each patient; NaN where there is none.
    group : ndarray of bool, shape (patients,)
        The first group.
    permutations : int
        Number of permutations; where all of them are fewer, every one is made.
    seed : int
        Seed of the permutations.

    Returns
    -------
    p : ndarray of float, shape (features,)
        p-value of each feature alone.
    p_adjusted : ndarray of float, shape (features,)
        p-value corrected for all features: the chance of one false finding or more.
    """
    draws = permuted_groups(group, permutations, seed)
    observed = np.abs(welch_t(values, group[None])[0])
    order = np.argsort(-observed, kind="stable")
    permuted = np.abs(welch_t(values, draws))[:, order]
    observed = observed[order] * (1 - 1e-12)  # equal sums in another order are as large
    # of each feature the largest statistic of it and of those with a smaller one
    largest = np.maximum.accumulate(permuted[:, ::-1], axis=1)[:, ::-1]
    p, p_adjusted = np.empty((2, len(order)))
    p[order] = (permuted >= observed).mean(axis=0)
    p_adjusted[order] = np.maximum.accumulate((largest >= observed).mean(axis=0))
    return p, p_adjusted


def permuted_groups(group: np.ndarray, permutations: int, seed: int) -> np.ndarray:
    """Draw permutations of the group, the given one first; all of them where they are few.

    Returns
    -------
    ndarray of bool, shape (permutations, patients)
        The members of the first group in each permutation.
    """
    n, members = len(group), int(group.sum())
    if math.comb(n, members) <= permutations:
        draws = np.zeros((math.comb(n, members), n), dtype=bool)
        for line, chosen in zip(draws, combinations(range(n), members), strict=True):
            line[list(chosen)] = True
        return draws
    rng = np.random.default_rng(seed)
    rest = rng.permuted(np.tile(group, (permutations - 1, 1)), axis=1)
    return np.vstack([group[None], rest])


def least_p_value(first: int, second: int, permutations: int) -> float:
    """Compute the least two-sided p-value that two groups of these sizes can have."""
    extremes = 2 if first == second else 1  # the groups changed over have the same |t|
    return max(extremes / math.comb(first + second, first), 1 / permutations)


def welch_t(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Compute Welch's t of each feature for many divisions of the patients at once.

    Parameters
    ----------
    values : ndarray of float, shape (patients, features)
        NaN where a patient has no value.
    groups : ndarray of bool, shape (divisions, patients)
        The first group of each division.

    Returns
    -------
    ndarray of float, shape (divisions, features)
        t; 0 where a group has fewer than two patients with a value, or nothing varies.
    """
    measured = np.isfinite(values)
    centre = np.where(measured, values, 0).sum(axis=0) / np.maximum(measured.sum(axis=0), 1)
    centred = np.where(measured, values - centre, 0.0)
    parts = []
    for members in (groups.astype(float), 1.0 - groups):
        number = members @ measured
        n = np.maximum(number, 1)
        mean = members @ centred / n
        squares = np.maximum(members @ centred**2 - n * mean**2, 0.0)
        parts.append((number, mean, squares / np.maximum(number - 1, 1) / n))
    (n0, mean0, variance0), (n1, mean1, variance1) = parts
    scale = np.sqrt(variance0 + variance1)
    spread = np.sqrt((centred**2).mean(axis=0))
    enough = (n0 >= 2) & (n1 >= 2) & (scale > 1e-9 * np.maximum(spread, 1e-300))
    return np.divide(mean0 - mean1, scale, out=np.zeros_like(scale), where=enough)
