"""Groups of correlated features, in one split and over all splits.

Where two features say the same, a model may use one in this split and the other in the next. Their
groups are steadier than they are. The groups of a split are made from its training rows alone.
"""

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

TOGETHER = 0.5  # of the splits: features together in more of them are a group of the study


def correlated_groups(rows: pd.DataFrame, correlation: float) -> pd.Series:
    """Group features that are correlated in some rows.

    Parameters
    ----------
    rows : data frame
        Training rows, a column for each feature. Empty cells are passed over.
    correlation : float
        Every two features of a group have an absolute Spearman correlation above this (complete
        linkage).

    Returns
    -------
    series of int
        Feature -> number of its group. A constant feature is alone in its group.
    """
    rho = rows.corr(method="spearman").abs().fillna(0.0).to_numpy(copy=True)
    return _grouped(1 - rho, 1 - correlation, rows.columns)


def study_groups(groups: pd.DataFrame) -> pd.Series:
    """Group the features that are in one group in more than half of the splits.

    Parameters
    ----------
    groups : data frame
        A row for each feature, a column for each split: `correlated_groups`. NaN where the split
        leaves the feature out; then the other splits decide.

    Returns
    -------
    series of int
        Feature -> number of its group. Every two features of a group are together in more than
        half of the splits that have both.
    """
    values = groups.to_numpy(float)
    there = np.isfinite(values)
    both = there.astype(float) @ there.T
    equal = np.zeros_like(both)
    for column in values.T:
        equal += column[:, None] == column  # NaN equals nothing
    together = np.divide(equal, both, out=np.zeros_like(both), where=both > 0)
    return _grouped(1 - together, 1 - TOGETHER, groups.index)


def _grouped(distance: np.ndarray, limit: float, names: pd.Index) -> pd.Series:
    """Groups within which every distance is below the limit, numbered from 1."""
    if len(names) < 2:
        return pd.Series(1, index=names, dtype="int64")
    np.fill_diagonal(distance, 0.0)
    joined = linkage(squareform((distance + distance.T) / 2, checks=False), method="complete")
    return pd.Series(fcluster(joined, limit - 1e-9, "distance"), index=names, dtype="int64")
