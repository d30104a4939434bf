"""Claims: when an arm may be said to beat a baseline, or to do better than chance."""

import numpy as np
import pandas as pd

ALPHA = 0.05


def beats_reference(
    metrics: pd.DataFrame, differences: pd.DataFrame, level: str = "patient"
) -> pd.DataFrame:
    """Say which arms beat the arm that they are compared with.

    An arm beats another only if both hold: its own interval of the AUC lies above 0.5, and the
    paired difference is above 0 after Holm's correction. A baseline that knows nothing can have an
    AUC below 0.5 by chance; an arm that is better than that alone has shown nothing.

    Parameters
    ----------
    metrics : DataFrame
        As `livermets.evaluation.evaluate.evaluate` returns it.
    differences : DataFrame
        Rows of one comparison, as `livermets.evaluation.paired_differences.compare_arms` returns
        them.
    level : str
        Level of evaluation.

    Returns
    -------
    DataFrame
        One row for each arm, reference and scheme: `difference_above_zero`, `above_chance` and
        `beats` (both).
    """
    pairs = differences[differences["level"] == level]
    auc = metrics[(metrics["metric"] == "auc") & (metrics["class"] == "")]
    low = auc[auc["level"] == level].set_index(["arm", "scheme"])["low"]
    own = np.array([low.get((row.arm, row.scheme), np.nan) for row in pairs.itertuples()])
    above_zero = (pairs["low"] > 0) & (pairs["p_holm"] < ALPHA)
    return pairs[["arm", "reference", "scheme"]].assign(
        difference_above_zero=above_zero,
        above_chance=own > 0.5,
        beats=above_zero & (own > 0.5),
    )
