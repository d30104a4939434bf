"""Arms and baselines trained on the clustered tables, with the settings as keyword arguments."""

from helpers.classes import CLASSES, POSITIVE
from livermets.classification.baselines import train_baseline
from livermets.classification.training import TrainingSettings, train_arm
from livermets.predictions.task import Task
from livermets.study.arms import Arm

TASK = Task(CLASSES, POSITIVE)


def train(table, splits, model, resampling="none", *, feature_sets="", columns=None,
          unstable=None, classes=CLASSES, positive=POSITIVE, **settings):  # fmt: skip
    """Predictions, fitted models and report of `train_arm`."""
    return train_arm(
        table,
        splits,
        Arm(model, resampling, feature_sets),
        Task(classes, positive),
        TrainingSettings(**settings),
        columns=columns,
        unstable=unstable,
    )


def baseline(name, table, splits, **settings):
    """Predictions, fitted models and report of `train_baseline`."""
    return train_baseline(name, table, splits, TASK, TrainingSettings(**settings))
