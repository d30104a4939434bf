"""The arm one would have chosen without looking at the test patients.

In every split the classifier and resampling with the best inner cross-validation on the training
patients makes the prediction. Nothing is fitted again. The best of many arms by their test AUC is
flattered by the choice; this arm is not.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from livermets.core.errors import BadInput
from livermets.study.arms import SELECTED


def select_arm(
    reports: Iterable[pd.DataFrame], predictions: Iterable[pd.DataFrame]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The predictions of the arm with the highest inner AUC of each split, as an arm of their own.

    Parameters
    ----------
    reports : of each arm, as `livermets.classification.training.fit_arm` returns: arm, split, inner_auc, parameters
    predictions : of the same arms; arm, split, patient, lesion, label, score

    Returns
    -------
    predictions : under the arm's name `SELECTED`, in the order of the arms' own
    chosen : one row per split: arm (`SELECTED`), split, chosen (the arm taken; of equals the first
        given), parameters (the chosen arm's), inner_auc, note

    Raises BadInput where no arm of a split was measured on inner folds.
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
    every = pd.concat(predictions, ignore_index=True)
    taken = pd.MultiIndex.from_frame(best[["arm", "split"]])
    table = every[pd.MultiIndex.from_frame(every[["arm", "split"]]).isin(taken)]
    order = {split: place for place, split in enumerate(best["split"])}
    table = table.iloc[np.argsort(table["split"].map(order), kind="stable")]
    columns = ["arm", "split", "chosen", "parameters", "inner_auc", "note"]
    return table.assign(arm=SELECTED).reset_index(drop=True), chosen[columns].reset_index(drop=True)
