"""The radiomics arm: trained once more on inner folds, and once more with further features.

It is the arm that inner cross-validation selected in the split, or the study's only one. Which of
the classifiers that is was decided on the training patients of the split alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

import livermets.classification.estimators  # noqa: F401  the registry names its classes by their path
from livermets.classification.split_training import Unstable, train_on_splits
from livermets.classification.training import ArmTrainer, TrainingSettings
from livermets.features.features_table import feature_columns
from livermets.predictions.task import Task
from livermets.study.arms import Arm
from livermets.study.classifiers import CLASSIFIERS
from livermets.study.fusion import outer_split

Chosen = Mapping[str, Arm]  # split -> radiomics arm


def read_choice(table: pd.DataFrame | None, arm: str | None, splits: pd.DataFrame) -> Chosen:
    """Read which radiomics arm stands for each split.

    Parameters
    ----------
    table : data frame or None
        As `livermets.classification.model_selection.select_arm` returns it; None where no arm is
        selected.
    arm : str or None
        Name of the study's only radiomics arm, where none is selected.
    splits : data frame
        Column split.
    """
    if table is None:
        return dict.fromkeys(splits["split"].unique(), Arm.parse(str(arm)))
    return {row["split"]: Arm.parse(row["chosen"]) for row in table.to_dict("records")}


@dataclass(frozen=True)
class ChosenTrainer:
    """Trains the radiomics arm of each split.

    Parameters
    ----------
    chosen : mapping
        Split -> arm.
    split_of : callable
        Name of a fold -> name of the split whose arm it takes.
    task : Task
        The classes.
    settings : TrainingSettings
        How to train; thresholds are not chosen.
    """

    chosen: Chosen
    split_of: Callable[[str], str]
    task: Task
    settings: TrainingSettings

    def __call__(
        self, X: pd.DataFrame, y: np.ndarray, patients: np.ndarray, split: str
    ) -> tuple[Any, dict[str, Any]]:
        """The fitted model and its row of the report."""
        arm = self.chosen[self.split_of(split)]
        settings = replace(self.settings, youden=False)
        trainer = ArmTrainer(
            CLASSIFIERS[arm.model], arm.resampling, str(arm.plain), self.task, settings
        )
        return trainer(X, y, patients, split)


def score_inner_folds(
    features: pd.DataFrame,
    inner: pd.DataFrame,
    chosen: Chosen,
    task: Task,
    settings: TrainingSettings,
    unstable: Unstable | None = None,
) -> pd.DataFrame:
    """Score every training patient by a radiomics model that was trained without the patient.

    Parameters
    ----------
    features : data frame
        One row per lesion: patient, lesion, label and features.
    inner : data frame
        As `livermets.fusion.inner_folds.divide_training_patients` returns it.
    chosen : mapping
        Split -> radiomics arm.
    task : Task
        The classes.
    settings : TrainingSettings
        How to train; each fold is tuned anew.
    unstable : mapping, optional
        Features to leave out of each split.

    Returns
    -------
    data frame
        A prediction table whose splits are the inner folds.
    """
    named = {fold: (unstable or {}).get(outer_split(fold), ()) for fold in inner["split"].unique()}
    train = ChosenTrainer(chosen, outer_split, task, settings)
    ours = features[features["patient"].isin(inner["patient"])]
    columns = feature_columns(features)
    with threadpool_limits(settings.threads):
        return train_on_splits("radiomics", ours, inner, columns, task, train, named)[0]
