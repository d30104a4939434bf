"""Studies of pure noise: arms have chance, the majority class one half, and none beats volume."""

import numpy as np
import pandas as pd
import pytest
from helpers.classes import CLASSES, POSITIVE
from helpers.feature_tables import clustered_features, folds_of
from livermets.classification.baselines import train_baseline
from livermets.classification.training import train_arm
from livermets.evaluation.claims import beats_reference
from livermets.evaluation.evaluate import evaluate
from livermets.evaluation.paired_differences import compare_arms
from livermets.predictions.task import Task
from livermets.study.arms import Arm

TASK = Task(CLASSES, POSITIVE)
ARMS = ("logistic_regression-none", "naive_bayes-none", "knn-none")


def predictions_of_noise(seed: int) -> pd.DataFrame:
    """Predictions of three arms and two baselines on 30 patients, one class with more lesions."""
    table = clustered_features(30, lesions=(3.0, 9.0), gain=0.0, cluster=1.0, seed=seed)
    folds = folds_of(table, folds=5, seed=seed)
    parts = [train_arm(table, folds, Arm.parse(name), TASK)[0] for name in ARMS]
    parts += [train_baseline(name, table, folds, TASK)[0] for name in ("majority", "volume")]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def studies() -> list[pd.DataFrame]:
    """Eight studies of fixed seeds."""
    return [predictions_of_noise(seed) for seed in range(8)]


def test_arms_have_an_auc_of_one_half_on_average_and_the_majority_class_has_it_exactly(studies):
    aucs = []
    for predictions in studies:
        metrics = evaluate(predictions, CLASSES, POSITIVE)
        aucs.append(metrics[metrics["metric"] == "auc"].set_index(["arm", "level"])["value"])
    mean = pd.concat(aucs, axis=1).mean(axis=1)
    for level in ("patient", "lesion"):
        assert mean["baseline_majority", level] == pytest.approx(0.5)
        for arm in (*ARMS, "baseline_volume"):
            # an AUC of one study has a standard deviation of about 0.13: that of 8 is 0.05
            assert mean[arm, level] == pytest.approx(0.5, abs=0.15), (arm, level)


def test_no_arm_is_said_to_beat_volume(studies):
    claims = []
    for predictions in studies:
        metrics = evaluate(predictions, CLASSES, POSITIVE)
        differences = compare_arms(predictions, CLASSES, POSITIVE)
        volume = differences[differences["against"] == "volume"]
        claims += [
            beats_reference(metrics, volume, level)["beats"] for level in ("patient", "lesion")
        ]
    assert len(claims) == 16
    assert not np.any(claims)
