"""Training on splits: fit a model on every split and score the lesions of its test patients."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from livermets.core.errors import BadInput
from livermets.features.features_table import stable_columns
from livermets.predictions.predictions_table import prediction_columns, score_columns
from livermets.predictions.task import Task, require_every_class
from livermets.study.names import lesion_key

FittedModels = dict[str, Any]  # one fitted model per split, with `predict_proba`
# (rows, class number of each, patient of each, split) -> fitted model, its row of the report
TrainSplit = Callable[[pd.DataFrame, np.ndarray, np.ndarray, str], tuple[Any, dict[str, Any]]]
Unstable = Mapping[str, Sequence[str]]  # split -> features to leave out of it


def train_on_splits(
    arm: str,
    features: pd.DataFrame,
    splits: pd.DataFrame,
    columns: Sequence[str],
    task: Task,
    train: TrainSplit,
    unstable: Unstable | None = None,
) -> tuple[pd.DataFrame, FittedModels, pd.DataFrame]:
    """Fit a model to the training rows of each split, and score its test rows.

    Rows are sorted by patient and lesion first, so the order of the table changes nothing.

    Parameters
    ----------
    arm : str
        Name of the arm.
    features, splits : data frame
        As in `livermets.classification.training.train_arm`.
    columns : sequence of str
        Columns to learn from.
    task : Task
        The classes.
    train : callable
        Fits a model to the training rows of a split.
    unstable : mapping, optional
        Columns to leave out of each split.

    Returns
    -------
    tuple
        Predictions, fitted models and report, as `livermets.classification.training.train_arm`
        returns them.

    Raises
    ------
    BadInput
        The tables do not fit together.
    """
    rows = checked_rows(features, splits, columns, task)
    codes = rows["label"].map({name: code for code, name in enumerate(task.classes)}).to_numpy(int)
    predictions, fitted, report = [], {}, []
    for split in splits["split"].unique():
        part = splits[splits["split"] == split]
        role = rows["patient"].map(part.set_index("patient")["role"])
        training, test = role.isin(["train", "validation"]).to_numpy(), (role == "test").to_numpy()
        require_every_class(
            codes[training].tolist(), task.classes, split, "lesion",
            "split patients who have lesions, or add patients",
        )  # fmt: skip
        if not test.any():
            raise BadInput(
                f"{split}: none of its test patients has a lesion: remake results/splits.parquet."
            )
        patients = rows.loc[training, "patient"].to_numpy()
        stable = stable_columns(columns, unstable, split)
        fitted[split], record = train(rows.loc[training, stable], codes[training], patients, split)
        scores = fitted[split].predict_proba(rows.loc[test, stable])
        table = prediction_rows(rows[test], scores, task, arm, split)
        if "threshold" in record:
            table = table.assign(threshold=record["threshold"])
        predictions.append(table)
        sizes = {"rows": int(training.sum()), "patients": len(np.unique(patients))}
        report.append({"arm": arm, "split": split, **sizes, **record})
    table = pd.concat(predictions, ignore_index=True)
    assert np.isfinite(table["score"]).all(), f"{arm}: a score is not a number"
    return table, fitted, pd.DataFrame(report)


def prediction_rows(
    rows: pd.DataFrame, scores: np.ndarray, task: Task, arm: str, split: str
) -> pd.DataFrame:
    """Rows of a prediction table, from test rows and probabilities (rows, classes)."""
    scores = np.clip(scores.astype(float), 0, 1)
    positive = scores[:, task.positive_number]
    table = rows.assign(arm=arm, split=split, score=positive)[prediction_columns(rows)]
    of_classes = score_columns(list(task.classes))
    table[of_classes] = scores[:, : len(of_classes)]
    return table


def checked_rows(
    features: pd.DataFrame, splits: pd.DataFrame, columns: Sequence[str], task: Task
) -> pd.DataFrame:
    """The rows to learn from, sorted; refuses tables that do not fit together."""
    named = ", ".join(task.classes)
    if task.positive not in task.classes:
        raise BadInput(f"positive is {task.positive}: give one of classes ({named}).")
    if not columns:
        raise BadInput("the features table has no feature: give one numeric column or more.")
    unlabelled = features.loc[~features["label"].isin(list(task.classes)), ["patient", "label"]]
    if len(unlabelled):
        patient, label = unlabelled.iloc[0]
        raise BadInput(
            f"patient {patient} has the label {label} in the features table:"
            f" give one of classes ({named})."
        )
    without_split = features.loc[~features["patient"].isin(splits["patient"]), "patient"]
    if len(without_split):
        raise BadInput(
            f"patient {without_split.iloc[0]} has lesions and is in no split:"
            " remake results/splits.parquet."
        )
    duplicates = splits.loc[splits.duplicated(["split", "patient"])]
    if len(duplicates):
        split, patient = duplicates.iloc[0][["split", "patient"]]
        raise BadInput(f"patient {patient} has two roles in {split}: give each patient one.")
    numbers = features[list(columns)].select_dtypes("number")
    infinite = np.isinf(numbers.to_numpy(float))
    if infinite.any():
        row, column = np.argwhere(infinite)[0]
        raise BadInput(
            f"feature {numbers.columns[column]} of patient {features['patient'].iloc[row]} is"
            " infinite: give a number, or leave it empty."
        )
    return features.sort_values(lesion_key(features), ignore_index=True)
