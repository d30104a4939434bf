"""Permutation test: how often the selected arm does as well where labels are dealt at random.

The labels are permuted between patients many times, the arm is trained and tested on each, and its
AUC by patient is held against that with the true labels (Ojala & Garriga 2010, test 1,
https://jmlr.org/papers/v11/ojala10a.html). Unlike an interval, the p-value assumes nothing about
how AUCs are distributed, and includes that the models are trained anew.
"""

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import joblib
import numpy as np
import pandas as pd

from livermets.classification.split_training import Unstable, train_on_splits
from livermets.classification.training import ArmTrainer, TrainingSettings
from livermets.core.seeds import derive_seed
from livermets.evaluation.scored_arms import arm_tables, scored_arms
from livermets.features.features_table import feature_columns
from livermets.predictions.task import Task
from livermets.study.arms import SELECTED, Arm
from livermets.study.classifiers import CLASSIFIERS
from livermets.study.schemes import scheme_of

log = logging.getLogger(__name__)
LEVELS = ("patient", "lesion")  # AUCs that are tested
BATCH = 20  # permutations between two lines of progress


@dataclass(frozen=True)
class ChosenArms:
    """Trains in each split the arm that inner cross-validation chose there, with its settings.

    The settings were chosen with the true labels of the training patients. They are not tuned again
    for permuted labels, which would take as long as the whole classification.

    Parameters
    ----------
    chosen : mapping of str to (Arm, mapping)
        Split -> the arm, and the parameters of its classifier.
    task : Task
        The classes.
    settings : TrainingSettings
        How to train; its tuning is not used.
    """

    chosen: Mapping[str, tuple[Arm, Mapping[str, Any]]]
    task: Task
    settings: TrainingSettings

    @classmethod
    def from_table(
        cls, table: pd.DataFrame, task: Task, settings: TrainingSettings
    ) -> "ChosenArms":
        """Read the choice from the table of `livermets.classification.model_selection`."""
        chosen = {
            str(row["split"]): (Arm.parse(row["chosen"]), json.loads(row["parameters"]))
            for row in table.to_dict("records")
        }
        return cls(chosen, task, replace(settings, tuning=None, youden=False, threads=1))

    def __call__(
        self, X: pd.DataFrame, y: np.ndarray, patients: np.ndarray, split: str
    ) -> tuple[Any, dict[str, Any]]:
        """The fitted model of a split and its row of the report."""
        arm, parameters = self.chosen[split]
        classifier = CLASSIFIERS[arm.model]
        classifier = replace(classifier, fixed={**classifier.fixed, **parameters}, space={})
        name = str(arm.plain)
        trainer = ArmTrainer(classifier, arm.resampling, name, self.task, self.settings)
        return trainer(X, y, patients, split)


def permutation_test(
    features: pd.DataFrame,
    splits: pd.DataFrame,
    train: ChosenArms,
    permutations: int,
    seed: int,
    *,
    columns: Sequence[str] | None = None,
    unstable: Unstable | None = None,
    threads: int = 1,
) -> dict[str, Any]:
    """Compare the AUC of the selected arm with those of permuted labels.

    Labels are permuted between the patients who are tested in the same split, so that every split
    keeps its numbers of patients of each class. The splits are those of the first repeat of the
    cross-validation, or of the first scheme where there is none.

    Parameters
    ----------
    features, splits : DataFrame
        As in `livermets.classification.training.train_arm`.
    train : ChosenArms
        Trains the arm of each split.
    permutations : int
        Number of permutations.
    seed : int
        The study's seed.
    columns : sequence of str, optional
        Columns to learn from; by default those of `feature_columns`.
    unstable : mapping, optional
        Features to leave out of each split.
    threads : int
        Number of permutations that are trained at once.

    Returns
    -------
    dict
        scheme, permutations, and for each level of `LEVELS` a dict: auc (with the true labels), p
        (the share of permutations, the true labels among them, that reach it), mean and the
        quantiles 0.025 and 0.975 of the permuted AUCs.
    """
    columns = feature_columns(features) if columns is None else columns
    scheme, names = _tested_splits(list(splits["split"].unique()))
    splits = splits[splits["split"].isin(names)]
    part = features[features["patient"].isin(splits["patient"])]

    def areas(labels: pd.Series | None) -> dict[str, float]:
        table = part
        if labels is not None:
            table = part.assign(label=part["patient"].map(labels))
        predictions, _, _ = train_on_splits(
            SELECTED, table, splits, columns, train.task, train, unstable
        )
        return _aucs(predictions, train.task)

    observed = areas(None)
    draws = _permuted_labels(part, splits, permutations, seed)
    permuted: list[dict[str, float]] = []
    with joblib.Parallel(n_jobs=threads) as parallel:
        while batch := [labels for _, labels in zip(range(BATCH), draws, strict=False)]:
            permuted += parallel(joblib.delayed(areas)(labels) for labels in batch)
            log.info("permuted labels: %d of %d trained", len(permuted), permutations)
    result: dict[str, Any] = {"scheme": scheme, "permutations": permutations}
    for level in LEVELS:
        values = np.array([of_draw[level] for of_draw in permuted])
        low, high = np.quantile(values, (0.025, 0.975))
        result[level] = {
            "auc": observed[level],
            "p": permutation_p(observed[level], values),
            "mean": float(values.mean()),
            "low": float(low),
            "high": float(high),
        }
    return result


def permutation_p(observed: float, permuted: np.ndarray) -> float:
    """Share of the labellings that reach the observed value, the true one among them."""
    reached = int((permuted >= observed - 1e-12).sum())
    return (1 + reached) / (1 + len(permuted))


def _tested_splits(names: Sequence[str]) -> tuple[str, list[str]]:
    """The scheme that is tested, and its splits."""
    first_repeat = [name for name in names if scheme_of(name) == ("cv", 1)]
    if first_repeat:
        return "cv", first_repeat
    scheme = scheme_of(names[0])[0]
    return scheme, [name for name in names if scheme_of(name)[0] == scheme]


def _permuted_labels(
    features: pd.DataFrame, splits: pd.DataFrame, permutations: int, seed: int
) -> Iterator[pd.Series]:
    """Yield the label of each patient, permuted within the patients of the same test part."""
    label = features.drop_duplicates("patient").set_index("patient")["label"].sort_index()
    tested = splits[splits["role"] == "test"].set_index("patient")["split"]
    group = tested.reindex(label.index).fillna("trains alone")
    rng = np.random.default_rng(derive_seed(seed, "permutation test"))
    for _ in range(permutations):
        yield label.groupby(group).transform(lambda labels: rng.permutation(labels.to_numpy()))


def _aucs(predictions: pd.DataFrame, task: Task) -> dict[str, float]:
    """The AUC of the predictions at each level."""
    classes = list(task.classes)
    tables = arm_tables(predictions, classes, task.positive)
    return {
        scored.level: float(scored.auc()[0])
        for scored in scored_arms(tables, classes, task.positive)
        if scored.level in LEVELS
    }
