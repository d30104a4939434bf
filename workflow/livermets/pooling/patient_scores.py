"""Patient scores: from the scores of lesions to the score of a patient, by volume.

A prediction table has a row for each lesion. In a pooled table every lesion of a patient has the
patient's score, so that the mean over lesions, which the evaluation takes, is that score.
"""

import numpy as np
import pandas as pd

from livermets.core.errors import BadInput
from livermets.core.scan_ids import in_words, scan_id
from livermets.predictions.predictions_table import score_columns
from livermets.study.baselines import volume_column
from livermets.study.names import lesion_key

LARGEST = {"largest": 1, "largest3": 3}  # way of pooling -> number of lesions that count


def pool_patients(
    predictions: pd.DataFrame, features: pd.DataFrame, pooling: str, classes: list[str], arm: str
) -> pd.DataFrame:
    """Pool the lesions of each patient and split.

    Parameters
    ----------
    predictions : data frame
        A prediction table of one arm. A column `threshold` stays: it is the arm's own.
    features : data frame
        The features table, for the volumes of lesions.
    pooling : {"volume", "largest", "largest3"}
        The mean weighted by volume, or the mean of the one or three largest lesions; of equally
        large ones the first counts. A patient with fewer lesions is scored by those there are.
    classes : list of str
        The study's class names.
    arm : str
        Name of the pooled arm.

    Returns
    -------
    data frame
        The rows of `predictions` with the score of the patient.

    Raises
    ------
    BadInput
        A lesion has no volume, or one that is not above 0; the table holds several arms.
    """
    if len(arms := predictions["arm"].unique()) > 1:
        raise BadInput(
            f"the table to pool for {arm} holds the arms {', '.join(arms)}: "
            "write one table for each arm, or leave it out of pooling.arms."
        )
    predictions = predictions.sort_values(["split", *lesion_key(predictions)], ignore_index=True)
    volume = _volumes(predictions, features).to_numpy()
    patient = predictions.groupby(["split", "patient"], sort=False).ngroup().to_numpy()
    weight = volume
    if pooling in LARGEST:
        order = pd.Series(-volume).groupby(patient).rank(method="first")
        weight = (order <= LARGEST[pooling]).to_numpy(float)
    pooled = predictions.assign(arm=arm)
    total = np.bincount(patient, weight)
    for column in ("score", *score_columns(classes)):
        scores = np.bincount(patient, weight * predictions[column].to_numpy(float)) / total
        pooled[column] = np.clip(scores, 0, 1)[patient]
    return pooled


def _volumes(predictions: pd.DataFrame, features: pd.DataFrame) -> pd.Series:
    """Volume of the lesion of each row; refuses lesions without one."""
    column = volume_column(features.columns)
    if column is None:
        raise BadInput(
            "pooling by volume needs a lesion's volume, and the features table has none: add the "
            "column volume_ml, or take volume, largest and largest3 out of pooling.patient."
        )
    lesion = lesion_key(features)
    if lesion != lesion_key(predictions):
        raise BadInput(
            f"the features table names a lesion by {', '.join(lesion)} and the table to pool by "
            f"{', '.join(lesion_key(predictions))}: give both the column scan, or neither."
        )
    known = features.set_index(lesion)[column].astype(float)
    keys = pd.MultiIndex.from_frame(predictions[lesion])
    volume = known.reindex(keys)
    bad = ~(volume > 0)
    if bad.any():
        *owner, number = volume.index[bad.to_numpy()][0]
        raise BadInput(
            f"patient {in_words(scan_id(*owner))}: lesion {number} has no {column} above 0 "
            f"in the features table ({volume[bad].iloc[0]}): give its volume in ml, not "
            "standardised, or take volume, largest and largest3 out of pooling.patient."
        )
    return volume
