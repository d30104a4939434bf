"""Attention over lesions: an arm that learns from all lesions of a patient at once.

The other arms score each lesion by itself. Where one lesion of many tells the class, the mean over
lesions drowns it; attention learns from the features which lesions count.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from livermets.classification.feature_selection import ConstantFilter, CorrelationFilter
from livermets.classification.split_training import Unstable, checked_rows, prediction_rows
from livermets.core.seeds import derive_seed
from livermets.features.features_table import feature_columns, stable_columns
from livermets.features.network_embeddings import embedding_columns, join_embeddings
from livermets.pooling.attention_training import Lesions, fit_attention, predict_attention
from livermets.predictions.task import Task, require_every_class
from livermets.study.names import lesion_key

log = logging.getLogger(__name__)

TRAINED = ("train", "validation")  # roles from which is learned, as by the classifiers


@dataclass(frozen=True)
class AttentionSettings:
    """The settings of a training of attention over lesions.

    Parameters
    ----------
    correlation : float or None
        Threshold of the redundancy filter; None goes without it.
    folds : int
        Number of inner folds, which choose the number of steps.
    seed : int
        The study's seed.
    """

    correlation: float | None = 0.6
    folds: int = 3
    seed: int = 2023


def train_attention(
    arm: str,
    features: pd.DataFrame,
    splits: pd.DataFrame,
    task: Task,
    settings: AttentionSettings,
    columns: Sequence[str] | None = None,
    unstable: Unstable | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fit attention over lesions anew in every split and score the test patients.

    Every patient counts alike in the training.

    Parameters
    ----------
    arm : str
        Name of the arm.
    features, splits : data frame
        As in `livermets.classification.training.train_arm`.
    task : Task
        The classes.
    settings : AttentionSettings
        How to train.
    columns : sequence of str, optional
        Columns to learn from; by default those of `feature_columns`.
    unstable : mapping, optional
        Features to leave out of each split.

    Returns
    -------
    predictions : data frame
        A prediction table; every lesion of a patient has the patient's score.
    attention : data frame
        arm, split, patient, scan (where the study has scans), lesion, attention (how much the
        lesion counts; 1 in each patient), and steps: how far the training went from the mean, 0
        where attention gains nothing.

    Raises
    ------
    BadInput
        The tables do not fit together, or a class has no training patient with a lesion.
    """
    columns = list(feature_columns(features) if columns is None else columns)
    rows = checked_rows(features, splits, columns, task)
    target = rows["label"].map({name: code for code, name in enumerate(task.classes)})
    predictions, attention = [], []
    for split in splits["split"].unique():
        roles = splits[splits["split"] == split].set_index("patient")["role"]
        role = rows["patient"].map(roles)
        training, test = role.isin(TRAINED).to_numpy(), (role == "test").to_numpy()
        require_every_class(
            target[training].tolist(), task.classes, split, "lesion",
            "split patients who have lesions, or add patients",
        )  # fmt: skip
        stable = stable_columns(columns, unstable, split)
        prepare = _preparation(settings.correlation)
        values = prepare.fit(rows.loc[training, stable], target[training]).transform(rows[stable])
        lesions = Lesions(values, target.to_numpy(int), rows["patient"].to_numpy(str))
        seed = derive_seed(settings.seed, arm, split)
        network, steps = fit_attention(
            lesions.of(training), len(task.classes), settings.folds, seed
        )
        log.info("%s: attention over lesions, %d steps from their mean", split, steps)
        chances, weights = predict_attention(network, lesions.of(test))
        patient = np.unique(lesions.patient[test], return_inverse=True)[1]
        predictions.append(prediction_rows(rows[test], chances[patient], task, arm, split))
        told = {"arm": arm, "split": split, "attention": weights, "steps": steps}
        attention.append(rows.loc[test, lesion_key(rows)].assign(**told))
    columns = ["arm", "split", *lesion_key(rows), "attention", "steps"]
    return (
        pd.concat(predictions, ignore_index=True),
        pd.concat(attention, ignore_index=True)[columns],
    )


def attend_embeddings(
    arm: str,
    features: pd.DataFrame,
    embeddings: Iterable[pd.DataFrame],
    splits: pd.DataFrame,
    task: Task,
    settings: AttentionSettings,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fit attention over lesions to the embeddings of each split's own DenseNet-121.

    Parameters
    ----------
    arm : str
        Name of the arm.
    features : data frame
        The features table, for the labels of the lesions.
    embeddings : iterable of data frame
        Of each split as `livermets.deep_learning.lesion_embeddings.embed_lesions` returns it.
    splits : data frame
        Columns split, patient, role.
    task : Task
        The classes.
    settings : AttentionSettings
        How to train.

    Returns
    -------
    tuple
        Predictions and attention, as `train_attention` returns them.

    Raises
    ------
    BadInput
        As `train_attention`; or a lesion has no embedding.
    """
    labels = features[[*lesion_key(features), "label"]]
    results = []
    for table in embeddings:
        split, rows = join_embeddings(labels, table)
        of_split = splits[splits["split"] == split]
        columns = embedding_columns(table)
        results.append(train_attention(arm, rows, of_split, task, settings, columns))
    predictions, attention = zip(*results, strict=True)
    return pd.concat(predictions, ignore_index=True), pd.concat(attention, ignore_index=True)


def _preparation(correlation: float | None) -> Pipeline:
    """The steps before the network, as the classifiers have them."""
    steps = [ConstantFilter(), SimpleImputer(strategy="median"), StandardScaler()]
    return make_pipeline(*steps, *([CorrelationFilter(correlation)] if correlation else []))
