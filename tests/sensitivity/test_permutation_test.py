"""The permutation test finds planted signals, and its p-values are uniform without one."""

import numpy as np
import pandas as pd
import pytest
from livermets.classification.training import TrainingSettings
from livermets.predictions.task import Task
from livermets.sensitivity.permutation_test import ChosenArms, permutation_p, permutation_test
from livermets.splits.patient_splits import split_patients
from scipy.stats import kstest

TASK = Task(["a", "b"], "b")


def study(shift: float, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features and splits of 24 patients with three lesions each."""
    rng = np.random.default_rng(seed)
    names = [f"P{i:02d}" for i in range(24)]
    label = np.repeat(["a", "b"], 12)
    patient = np.repeat(np.arange(24), 3)
    values = rng.normal(size=(24, 3))[patient] + rng.normal(size=(72, 3))
    values[:, 0] += shift * (label[patient] == "b")
    features = pd.DataFrame(values, columns=["original_x_1", "original_x_2", "original_x_3"])
    features.insert(0, "patient", np.array(names)[patient])
    features.insert(1, "lesion", np.tile([1, 2, 3], 24))
    features.insert(2, "label", label[patient])
    patients = pd.DataFrame({"patient": names, "label": label})
    cv = {"folds": 4, "repeats": 2, "validation": 0}
    return features, split_patients(patients, None, cv, seed)


def chosen(splits: pd.DataFrame) -> ChosenArms:
    table = pd.DataFrame({"split": splits["split"].unique()})
    table = table.assign(chosen="logistic_regression-none", parameters='{"C": 0.1}')
    return ChosenArms.from_table(table, TASK, TrainingSettings(correlation=None, seed=1))


def test_a_planted_signal_has_the_least_p_value_and_permuted_labels_have_chance():
    features, splits = study(3.0, 1)
    result = permutation_test(features, splits, chosen(splits), 39, 1)
    assert result["scheme"] == "cv"
    for level in ("patient", "lesion"):
        assert result[level]["auc"] > 0.8
        assert result[level]["p"] == pytest.approx(1 / 40)
        assert result[level]["mean"] == pytest.approx(0.5, abs=0.08)
        assert result[level]["low"] < 0.5 < result[level]["high"]


@pytest.mark.slow
def test_without_a_signal_the_p_values_are_uniform():
    """60 studies of fixed seeds."""
    values = []
    for seed in range(60):
        features, splits = study(0.0, seed)
        values.append(permutation_test(features, splits, chosen(splits), 39, 1)["patient"]["p"])
    assert kstest(values, "uniform").pvalue > 0.01


def test_the_true_labels_are_one_of_the_labellings():
    assert permutation_p(0.9, np.array([0.5, 0.6, 0.9])) == pytest.approx(0.5, abs=1e-12)
    assert permutation_p(1.0, np.array([0.5, 0.6, 0.9])) == pytest.approx(0.25, abs=1e-12)


@pytest.mark.slow
def test_two_threads_give_the_same_test_as_one():
    features, splits = study(0.0, 2)
    first = permutation_test(features, splits, chosen(splits), 6, 1)
    again = permutation_test(features, splits, chosen(splits), 6, 1, threads=2)
    assert first == again
