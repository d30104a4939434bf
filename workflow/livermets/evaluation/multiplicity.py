"""Multiplicity: p-values of several comparisons corrected together."""

from collections.abc import Sequence

import numpy as np
import pandas as pd


def holm(p: np.ndarray) -> np.ndarray:
    """Adjust p-values by Holm (step-down Bonferroni); NaN stays NaN and is not counted."""
    adjusted = np.full(len(p), np.nan)
    finite = np.flatnonzero(np.isfinite(p))
    order = finite[np.argsort(p[finite], kind="stable")]
    steps = p[order] * (len(order) - np.arange(len(order)))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return adjusted


def with_holm(table: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Add `p_holm` to the table: `p` corrected over the rows of each group of `by`."""
    adjusted = pd.Series(np.nan, index=table.index, dtype=float)
    for _, index in table.groupby(list(by)).groups.items():
        adjusted[index] = holm(table.loc[index, "p"].to_numpy(float))
    return table.assign(p_holm=adjusted)
