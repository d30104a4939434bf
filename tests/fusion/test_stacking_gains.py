"""What stacking gains in simulated studies: two sources that each know a part, or one that knows.

The network is a logistic regression on features of its own, trained on the same folds as radiomics.
"""

import numpy as np
import pandas as pd
import pytest
from helpers.classes import CLASSES, POSITIVE
from helpers.feature_tables import folds_of
from livermets.classification.training import TrainingSettings, train_arm
from livermets.evaluation.paired_differences import compare_arms
from livermets.fusion.inner_folds import divide_training_patients
from livermets.fusion.stacking import scores_to_learn_from, stack_scores
from livermets.predictions.task import Task
from livermets.study.arms import Arm
from sklearn.metrics import roc_auc_score

TASK = Task(CLASSES, POSITIVE)
OWN = {"selected": [f"r{i}" for i in range(8)], "densenet121": [f"d{i}" for i in range(8)]}
COHORTS = pytest.mark.parametrize(
    "seed", [1, 2, 3], ids=["first cohort", "second cohort", "third cohort"]
)


def cohort(radiomics: float, network: float, seed: int, patients: int = 80) -> pd.DataFrame:
    """Four lesions a patient; features of each source differ between the classes by its shift."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"patient": np.repeat([f"P{n:03}" for n in range(patients)], 4)})
    table["lesion"] = table.groupby("patient").cumcount() + 1
    number = table["patient"].str[1:].astype(int).to_numpy()
    table["label"] = np.array(CLASSES)[number % 2]
    for names, shift in zip(OWN.values(), (radiomics, network), strict=True):
        values = rng.normal(size=(len(table), 8)) + rng.normal(size=(patients, 8))[number]
        values[:, :2] += shift * (number % 2)[:, None]
        table[names] = values
    return table


def scored(table, splits, arm):
    """Predictions of one source."""
    ours = table[table["patient"].isin(splits["patient"])]
    settings = TrainingSettings(correlation=None)
    given = {"columns": OWN[arm]}
    plain = Arm.parse("logistic_regression-none")
    return train_arm(ours, splits, plain, TASK, settings, **given)[0].assign(arm=arm)


def stacked_study(table):
    """Predictions of both sources and of their stacking, in five folds."""
    splits = folds_of(table, folds=5)
    labels = table.drop_duplicates("patient").set_index("patient")["label"].to_dict()
    inner = divide_training_patients(splits, labels, 3, seed=9)
    alone = {arm: scored(table, splits, arm) for arm in OWN}
    learned = scores_to_learn_from(*(scored(table, inner, arm) for arm in OWN), TASK)
    stacked = stack_scores(learned, *alone.values(), splits, TASK).predictions
    return pd.concat([*alone.values(), stacked], ignore_index=True)


def differences(predictions):
    """By patient: the difference of the stacking from each source alone."""
    pairs = compare_arms(predictions, CLASSES, POSITIVE, levels=["patient"])
    pairs = pairs[pairs["arm"] == "fusion_stacking"]
    return pairs.set_index("against")[["difference", "low", "high"]]


@COHORTS
@pytest.mark.slow
def test_where_each_source_knows_a_part_the_stacking_beats_both(seed):
    pairs = differences(stacked_study(cohort(1.0, 1.0, seed, patients=240)))
    assert set(pairs.index) == {"fused radiomics", "fused network"}
    assert (pairs["low"] > 0).all(), pairs


@COHORTS
@pytest.mark.slow
def test_where_the_network_knows_nothing_the_stacking_is_as_good_as_radiomics(seed):
    pairs = differences(stacked_study(cohort(1.2, 0.0, seed)))
    assert abs(pairs.loc["fused radiomics", "difference"]) < 0.05, pairs
    assert pairs.loc["fused network", "low"] > 0, pairs


@pytest.mark.slow
def test_with_labels_dealt_at_random_the_stacking_is_at_chance():
    table = cohort(0.0, 0.0, seed=5)
    predictions = stacked_study(table)
    areas = [
        roc_auc_score(rows["label"] == POSITIVE, rows["score"])
        for _, rows in predictions[predictions["arm"] == "fusion_stacking"].groupby("split")
    ]
    assert 0.3 < np.mean(areas) < 0.7
