"""Training: fit an arm on every split and score the lesions of its test patients."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from threadpoolctl import threadpool_limits

import livermets.classification.estimators  # noqa: F401  the registry names its classes by their path
from livermets.classification.pipeline import (
    build_pipeline,
    fit_probabilities,
    fitted_pipeline,
    selected_features,
)
from livermets.classification.thresholds import choose_threshold
from livermets.classification.tuning import tune
from livermets.core.errors import BadInput
from livermets.core.seeds import derive_seed
from livermets.features.features_table import feature_columns, stable_columns
from livermets.predictions.predictions_table import COLUMNS, score_columns
from livermets.predictions.task import Task, require_every_class
from livermets.splits.patient_splits import grouped_folds
from livermets.study.arms import RESAMPLINGS, Arm, takes_resampling
from livermets.study.classifiers import CLASSIFIERS, Classifier

FittedModels = dict[str, Any]  # one fitted model per split, with `predict_proba`
# (rows, class number of each, patient of each, split) -> fitted model, its row of the report
TrainSplit = Callable[[pd.DataFrame, np.ndarray, np.ndarray, str], tuple[Any, dict[str, Any]]]
Unstable = Mapping[str, Sequence[str]]  # split -> features to leave out of it


@dataclass(frozen=True)
class TrainingSettings:
    """The settings of training, the same for all arms of a study.

    Parameters
    ----------
    correlation : float or None
        Threshold of the redundancy filter; None goes without it.
    max_features : int or None
        Number of features that the importance selects; None keeps all.
    tuning : mapping, optional
        `iterations` of the search (1 measures the defaults, 0 does not) and inner `folds`; None
        does not tune.
    seed : int
        The study's seed. Inner folds, importance and balancing draw the same in all arms, so that
        models are compared on the same rows; the classifier's draws are the arm's own.
    youden : bool
        Whether each split gets a threshold of its own, chosen on held-out training rows.
    threshold_level : {"lesion", "patient"}
        Whether that threshold is the best for lesions or for patients.
    weigh : {"lesions", "patients"}
        What counts alike in the fits, the tuning and the threshold for lesions
        (`livermets.classification.row_weights`).
    threads : int
        Largest number of threads. Another number can change results in the last bit.
    """

    correlation: float | None = 0.6
    max_features: int | None = None
    tuning: Mapping[str, int] | None = None
    seed: int = 2023
    youden: bool = False
    threshold_level: str = "lesion"
    weigh: str = "lesions"
    threads: int = 1

    @property
    def iterations(self) -> int:
        """Number of candidates of the search."""
        return self.tuning["iterations"] if self.tuning else 0

    @property
    def folds(self) -> int:
        """Number of inner folds."""
        return self.tuning["folds"] if self.tuning else 3


@dataclass(frozen=True)
class ArmTrainer:
    """Tunes and fits one classifier with one way of resampling to the training rows of a split.

    Parameters
    ----------
    classifier : Classifier
        Entry of the registry.
    resampling : str
        Way of resampling.
    seed_name : str
        Name from which the classifier's own seed is derived.
    task : Task
        The classes.
    settings : TrainingSettings
        How to train.
    """

    classifier: Classifier
    resampling: str
    seed_name: str
    task: Task
    settings: TrainingSettings

    def __call__(
        self, X: pd.DataFrame, y: np.ndarray, patients: np.ndarray, split: str
    ) -> tuple[Any, dict[str, Any]]:
        """The fitted model of a split and its row of the report."""
        settings = self.settings
        seed = derive_seed(settings.seed, self.seed_name, split)
        folds = grouped_folds(patients, y, settings.folds, settings.seed, "inner", split)
        pipeline = build_pipeline(
            self.classifier.build(seed),
            resampling=self.resampling,
            correlation=settings.correlation,
            max_features=settings.max_features,
            seed=derive_seed(settings.seed, "prepare", split),
            weigh=settings.weigh,
        )
        tuned = tune(pipeline, self.classifier, X, y, patients, folds, settings.iterations, seed)
        pipeline.set_params(classify=self.classifier.build(seed, **tuned.parameters))
        fitted = fit_probabilities(pipeline, X, y, patients, folds)
        steps = fitted_pipeline(fitted).named_steps
        notes = (
            tuned.note,
            steps["constant"].note_,
            steps["balance"].note_,
            weights_note(self.classifier, settings.weigh),
        )
        record = {
            "features": X.shape[1],
            "selected": len(selected_features(fitted, list(X.columns))),
            "parameters": json.dumps(tuned.parameters),
            "inner_auc": tuned.auc,
            "note": "; ".join(note for note in notes if note),
        }
        if settings.youden:

            def refit(X: pd.DataFrame, y: np.ndarray, patients: np.ndarray) -> Any:
                inner = grouped_folds(
                    patients, y, settings.folds, settings.seed, "threshold", split
                )
                return fit_probabilities(clone(pipeline), X, y, patients, inner)

            record |= choose_threshold(
                self.task, refit, X, y, patients, folds, settings.threshold_level, settings.weigh
            )
        return fitted, record


def weights_note(classifier: Classifier, weigh: str) -> str:
    """Say that a classifier cannot count patients alike, where that is asked; or empty."""
    if weigh == "lesions" or classifier.weighted:
        return ""
    return f"{classifier.title} cannot weigh lesions: each counted alike in the fit"


def train_arm(
    features: pd.DataFrame,
    splits: pd.DataFrame,
    arm: Arm,
    task: Task,
    settings: TrainingSettings | None = None,
    *,
    columns: Sequence[str] | None = None,
    unstable: Unstable | None = None,
) -> tuple[pd.DataFrame, FittedModels, pd.DataFrame]:
    """Tune and fit one radiomics classifier with one way of resampling anew in every split.

    Parameters
    ----------
    features : data frame
        One row per lesion: patient, lesion, label and features.
    splits : data frame
        As `livermets.splits.patient_splits.split_patients` returns it; arms train on the roles
        train and validation.
    arm : Arm
        Classifier and way of resampling. A choice of feature sets changes no draw, so that feature
        sets are compared on the same draws.
    task : Task
        The classes.
    settings : TrainingSettings, optional
        How to train; by default without tuning.
    columns : sequence of str, optional
        Columns to learn from; by default those of `feature_columns`.
    unstable : mapping, optional
        Features to leave out of each split, measured on its training patients alone
        (`livermets.radiomics.icc.unstable_features`).

    Returns
    -------
    predictions : data frame
        The columns of a prediction table, with three or more classes score_CLASS of each, with
        `youden` also threshold; splits in their order, then by patient and lesion.
    fitted : dict
        The fitted model of each split.
    report : data frame
        One row per split: arm, split, rows, patients, features, selected, parameters (JSON),
        inner_auc, note (deviations from the settings, or empty) and, with `youden`, threshold.

    Raises
    ------
    BadInput
        The arm does not exist, or the tables do not fit together.
    """
    if arm.model not in CLASSIFIERS or not takes_resampling(arm.model, arm.resampling):
        raise BadInput(
            f"no arm {arm.plain}: give one of the models"
            f" {', '.join(CLASSIFIERS)} and of the resamplings {', '.join(RESAMPLINGS)}"
            " (weights only for a classifier that can weigh rows)."
        )
    settings = settings or TrainingSettings()
    columns = feature_columns(features) if columns is None else columns
    train = ArmTrainer(CLASSIFIERS[arm.model], arm.resampling, str(arm.plain), task, settings)
    with threadpool_limits(settings.threads):
        return train_on_splits(str(arm), features, splits, columns, task, train, unstable)


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
        As in `train_arm`.
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
        Predictions, fitted models and report, as `train_arm` returns them.

    Raises
    ------
    BadInput
        The tables do not fit together.
    """
    rows = _checked_rows(features, splits, columns, task)
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
        table = _prediction_rows(rows[test], scores, task, arm, split)
        if "threshold" in record:
            table = table.assign(threshold=record["threshold"])
        predictions.append(table)
        sizes = {"rows": int(training.sum()), "patients": len(np.unique(patients))}
        report.append({"arm": arm, "split": split, **sizes, **record})
    table = pd.concat(predictions, ignore_index=True)
    assert np.isfinite(table["score"]).all(), f"{arm}: a score is not a number"
    return table, fitted, pd.DataFrame(report)


def _prediction_rows(
    rows: pd.DataFrame, scores: np.ndarray, task: Task, arm: str, split: str
) -> pd.DataFrame:
    """Rows of a prediction table, from test rows and probabilities (rows, classes)."""
    scores = np.clip(scores.astype(float), 0, 1)
    positive = scores[:, task.positive_number]
    table = rows.assign(arm=arm, split=split, score=positive)[COLUMNS]
    of_classes = score_columns(list(task.classes))
    table[of_classes] = scores[:, : len(of_classes)]
    return table


def _checked_rows(
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
    return features.sort_values(["patient", "lesion"], ignore_index=True)
