"""Model selection: in every split the arm with the best inner cross-validation predicts.

Nothing is fitted again. The best of many arms by their test AUC looks better than it is, because
the test patients chose it; this arm is chosen by training patients alone.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from livermets.core.errors import BadInput
from livermets.study.arms import SELECTED


def select_arm(
    reports: Iterable[pd.DataFrame], predictions: Iterable[pd.DataFrame]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Select the arm with the highest inner AUC in each split; its predictions are a new arm.

    Parameters
    ----------
    reports : iterable of data frame
        Report of each arm, as `livermets.classification.training.train_arm` returns it.
    predictions : iterable of data frame
        Predictions of the same arms.

    Returns
    -------
    predictions : data frame
        The rows of the chosen arms under the name `SELECTED`, in the order of the splits.
    chosen : data frame
        One row per split: arm (`SELECTED`), split, chosen (the arm; of equals the first), its
        parameters, inner_auc and note.

    Raises
    ------
    BadInput
        In a split no arm was measured on inner folds.
    """
    report = pd.concat(reports, ignore_index=True)
    unmeasured = report.groupby("split", sort=False)["inner_auc"].count().eq(0)
    if unmeasured.any():
        raise BadInput(
            f"{unmeasured.idxmax()}: no arm was measured by inner cross-validation, so none can be"
            " selected: set classification.tuning.iterations to 1 or more, and give every class two"
            " training patients with lesions or more."
        )
    best = report.loc[report.groupby("split", sort=False)["inner_auc"].idxmax()]
    chosen = best.rename(columns={"arm": "chosen"}).assign(
        arm=SELECTED, note=best["note"].fillna("")
    )
    table = pd.concat(predictions, ignore_index=True)
    pairs = pd.MultiIndex.from_frame(best[["arm", "split"]])
    table = table[pd.MultiIndex.from_frame(table[["arm", "split"]]).isin(pairs)]
    order = {split: place for place, split in enumerate(best["split"])}
    table = table.iloc[np.argsort(table["split"].map(order), kind="stable")]
    columns = ["arm", "split", "chosen", "parameters", "inner_auc", "note"]
    return table.assign(arm=SELECTED).reset_index(drop=True), chosen[columns].reset_index(drop=True)
