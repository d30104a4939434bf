"""Near copies: columns that are the patient's id or the row number but for a few patients.

`label_leaks` finds exact copies. Two ids that were swapped, or a value that was corrected,
hide a copy from it, and a model learns from it all the same.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import lgamma, log

import numpy as np
import pandas as pd

from livermets.audit.label_leaks import PATIENTS_IN_ORDER, id_keys

MAX_OUT_OF_ORDER = 0.05  # share of patients, or two of them, who may be out of order
MAX_EXPECTED = 1e-3  # columns so much in order that are expected by chance


@dataclass(frozen=True)
class NearCopy:
    """A column that is nearly a copy of something.

    Parameters
    ----------
    name : str
        The column.
    original : str
        What it copies: "the patient's id" or "the row number".
    out_of_order : int
        Number of patients, or of rows, in which it does not.
    n : int
        Number of all patients, or of all rows.
    """

    name: str
    original: str
    out_of_order: int
    n: int


def near_copies(table: pd.DataFrame, columns: Sequence[str]) -> list[NearCopy]:
    """Find columns that rise or fall with the patient's id, or by equal steps with the row number.

    Parameters
    ----------
    table : DataFrame
        The features table, in its order.
    columns : sequence of str
        Columns of numbers. Those with a missing value in a patient are judged by the others.
    """
    if not len(columns) or table["patient"].nunique() < PATIENTS_IN_ORDER:
        return []
    means = table.groupby("patient", sort=False)[list(columns)].mean()
    found: dict[str, NearCopy] = {}
    for key in id_keys(means.index.to_series()):
        ordered = means.to_numpy(float)[np.argsort(key, kind="stable")]
        for name, values in zip(columns, ordered.T, strict=True):
            values = values[~np.isnan(values)]
            allowed = allowed_out_of_order(len(values), 4 * len(columns))
            missed = out_of_order(values, allowed)
            if missed is not None:
                found.setdefault(name, NearCopy(name, "the patient's id", missed, len(values)))
    for name in columns:
        values = table[name].to_numpy(float)
        missed = off_the_line(values)
        allowed = max(2, int(MAX_OUT_OF_ORDER * len(values)))
        if missed is not None and missed <= allowed and len(values) >= PATIENTS_IN_ORDER:
            found.setdefault(name, NearCopy(name, "the row number", missed, len(values)))
    return list(found.values())


def allowed_out_of_order(n: int, columns: int) -> int:
    """How many of `n` patients may be out of order where chance orders no column so well; or -1.

    Of the n! orders at most C(n, k)² k! have n - k patients in order.
    """

    def expected(k: int) -> float:
        choose = lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
        return log(max(columns, 1)) + 2 * choose + lgamma(k + 1) - lgamma(n + 1)

    most = min(max(2, int(MAX_OUT_OF_ORDER * n)), n)
    return next((k for k in range(most, -1, -1) if expected(k) < log(MAX_EXPECTED)), -1)


def out_of_order(values: np.ndarray, allowed: int) -> int | None:
    """The least number of values to remove so that the others rise, or fall, strictly.

    Returns
    -------
    int or None
        None where it is more than `allowed`.
    """
    for signed in (values, -values):
        # each value out of order breaks two steps at most
        if np.count_nonzero(np.diff(signed) <= 0) > 2 * max(allowed, 0):
            continue
        missed = len(signed) - _longest_rise(signed)
        if missed <= allowed:
            return missed
    return None


def _longest_rise(values: np.ndarray) -> int:
    """Length of the longest strictly rising subsequence."""
    ends: list[float] = []  # the smallest last value of a rise of each length
    for value in values.tolist():
        place = bisect_left(ends, value)
        ends[place : place + 1] = [value]
    return len(ends)


def off_the_line(values: np.ndarray) -> int | None:
    """Number of rows that are not on the line through most rows; None where it is level."""
    known = np.flatnonzero(~np.isnan(values))
    if len(known) < 2:
        return None
    steps = np.diff(values[known]) / np.diff(known)
    slope = np.median(steps)
    if slope == 0:
        return None
    off = values[known] - slope * known
    off -= np.median(off)
    return int(np.count_nonzero(np.abs(off) > 1e-6 * abs(slope)))
