"""Lesion effects: how the score of a patient changes if one of the lesions is left out."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from livermets.evaluation.scored_arms import DEFAULT_THRESHOLD
from livermets.explanation.main_splits import main_splits
from livermets.pooling.patient_scores import pool_patients
from livermets.predictions.predictions_table import score_columns
from livermets.predictions.task import Task
from livermets.study.arms import Arm
from livermets.study.names import lesion_key

NOTHING = ""  # what a patient is called whose only lesion is left out


def lesion_effects(
    predictions: pd.DataFrame, task: Task, arm: str = "", features: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Score each patient without each of the lesions in turn.

    Parameters
    ----------
    predictions : data frame
        A prediction table of one arm, in which each lesion has its own score.
    task : Task
        The classes.
    arm : str
        Name of the arm with its way of pooling, such as `selected~largest`; by default the arm of
        the table, whose patients are scored by the mean of their lesions.
    features : data frame, optional
        The features table, for arms that pool by volume.

    Returns
    -------
    data frame
        A row for each lesion and split: arm, split, patient, scan (where there is one), lesion,
        label, lesions (of the patient), lesion_score, score (of the patient), score_without (NaN
        for an only lesion), change (`score_without` minus `score`), called and called_without.
    """
    arm = arm or str(predictions["arm"].iloc[0])
    pooling = Arm.parse(arm).pooling
    columns = ["score", *score_columns(list(task.classes))]
    key = lesion_key(predictions)
    rows = predictions.sort_values(["split", *key], ignore_index=True)
    patient = [rows["split"], rows["patient"]]
    place = rows.groupby(["split", "patient"]).cumcount()
    lesions = rows.groupby(["split", "patient"])["lesion"].transform("size")
    whole = _patient_scores(rows, pooling, task, arm, features)
    keys = pd.MultiIndex.from_arrays(patient)
    without = pd.DataFrame(np.nan, index=rows.index, columns=columns)
    for number in range(lesions.max()):
        left_out = (place == number) & (lesions > 1)
        rest = rows[(place != number) & (lesions > number) & (lesions > 1)]
        if len(rest):
            scores = _patient_scores(rest, pooling, task, arm, features)
            without.loc[left_out] = scores.loc[keys[left_out], columns].to_numpy()
    scored = whole.loc[keys, columns].reset_index(drop=True)
    threshold = (
        rows["threshold"] if "threshold" in rows else pd.Series(DEFAULT_THRESHOLD, rows.index)
    )
    named = rows[["split", *key, "label"]].assign(arm=arm)
    table = named.assign(
        lesions=lesions,
        lesion_score=rows["score"],
        score=scored["score"],
        score_without=without["score"],
        change=without["score"] - scored["score"],
        called=_called(scored, threshold, task),
        called_without=_called(without, threshold, task),
    )
    return table[["arm", *(name for name in table if name != "arm")]]


def effects_of_arms(
    predictions: pd.DataFrame, features: pd.DataFrame, arms: Sequence[str], task: Task
) -> pd.DataFrame:
    """Score each patient of several arms without each of the lesions, as `lesion_effects` does.

    Parameters
    ----------
    predictions : data frame
        The prediction tables of the arms by the mean of the lesions.
    features : data frame
        The features table.
    arms : sequence of str
        The arms, those that pool by volume among them.
    task : Task
        The classes.

    Returns
    -------
    data frame
        The rows of all arms.
    """
    tables = []
    for arm in arms:
        rows = predictions[predictions["arm"] == str(Arm.parse(arm).by_mean)]
        rows = rows.dropna(axis="columns", how="all")  # a threshold that other arms have
        tables.append(lesion_effects(rows, task, arm, features))
    return pd.concat(tables, ignore_index=True)


def deciding_lesions(effects: pd.DataFrame) -> pd.DataFrame:
    """Average the effects of each lesion over the splits of the main scheme.

    Parameters
    ----------
    effects : data frame
        As `lesion_effects` returns it, of one arm or more.

    Returns
    -------
    data frame
        A row for each arm and lesion: arm, patient, scan, lesion, label, lesions, lesion_score,
        score, score_without, change (means), flips (share of the splits in which the patient is
        called another class without this lesion), splits, and most, whether no other lesion of the
        patient changes the score more. By arm, patient and size of the change.
    """
    tables = []
    for arm, of_arm in effects.groupby("arm", sort=False):
        rows = of_arm[of_arm["split"].isin(main_splits(of_arm["split"].unique()))]
        key = lesion_key(rows)
        flips = (rows["called"] != rows["called_without"]) & (rows["lesions"] > 1)
        table = rows.assign(flips=flips.astype(float)).groupby(key, as_index=False).agg(
            label=("label", "first"), lesions=("lesions", "first"),
            **{name: (name, "mean") for name in
               ("lesion_score", "score", "score_without", "change", "flips")},
            splits=("split", "size"),
        )  # fmt: skip
        size = table["change"].abs()
        largest = size.groupby(table["patient"]).transform("max")
        table = table.assign(most=size >= largest - 1e-12, size=-size, arm=arm)
        table = table.sort_values(["patient", "size", *key[1:]], ignore_index=True)
        tables.append(table[["arm", *key, *table.columns[len(key) : -3], "most"]])
    return pd.concat(tables, ignore_index=True)


def _patient_scores(
    rows: pd.DataFrame, pooling: str, task: Task, arm: str, features: pd.DataFrame | None
) -> pd.DataFrame:
    """The scores of each (split, patient)."""
    if pooling:
        assert features is not None, "pooling by volume needs the features table"
        rows = pool_patients(rows, features, pooling, list(task.classes), arm)
    columns = ["score", *score_columns(list(task.classes))]
    return rows.groupby(["split", "patient"])[columns].mean()


def _called(scores: pd.DataFrame, threshold: pd.Series, task: Task) -> Sequence[str]:
    """The class of each row: the one of the highest score, or by the threshold of two classes."""
    classes = list(task.classes)
    columns = score_columns(classes)
    if columns:
        called = np.array(classes)[scores[columns].fillna(0).to_numpy().argmax(axis=1)]
    else:
        other = next(name for name in classes if name != task.positive)
        called = np.where(scores["score"] >= threshold, task.positive, other)
    return list(np.where(scores["score"].isna(), NOTHING, called))
