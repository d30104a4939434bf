"""Training: tune and fit a radiomics classifier with one way of resampling."""

import json
from collections.abc import Mapping, Sequence
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
from livermets.classification.split_training import FittedModels, Unstable, train_on_splits
from livermets.classification.thresholds import choose_threshold
from livermets.classification.tuning import tune
from livermets.core.errors import BadInput
from livermets.core.seeds import derive_seed
from livermets.features.features_table import feature_columns
from livermets.predictions.task import Task
from livermets.splits.folds import grouped_folds
from livermets.study.arms import RESAMPLINGS, Arm, takes_resampling
from livermets.study.classifiers import CLASSIFIERS, Classifier


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
