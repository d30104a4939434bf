"""The radiomics arm on inner folds: scores of patients whom the model had not seen."""

import numpy as np
import pandas as pd
from helpers.classes import CLASSES, POSITIVE
from helpers.feature_tables import clustered_features, feature_names, folds_of, with_dealt_labels
from livermets.classification.training import TrainingSettings, train_arm
from livermets.features.features_table import feature_columns
from livermets.fusion.inner_folds import divide_training_patients
from livermets.fusion.radiomics_arm import read_choice, score_inner_folds
from livermets.predictions.task import Task
from livermets.study.arms import Arm
from livermets.study.fusion import outer_split
from sklearn.metrics import roc_auc_score

TASK = Task(CLASSES, POSITIVE)
SETTINGS = TrainingSettings(correlation=None)


def inner_folds_of(table, splits, folds=3):
    labels = table.drop_duplicates("patient").set_index("patient")["label"].to_dict()
    return divide_training_patients(splits, labels, folds, seed=3)


def test_scores_are_those_of_the_arm_that_each_split_chose_trained_without_the_patient():
    table = clustered_features(24, features=5, gain=1.0)
    table = table[["patient", "lesion", "label", *feature_names(table)]]
    splits = folds_of(table, folds=2)
    inner = inner_folds_of(table, splits)
    chosen = pd.DataFrame({"split": splits["split"].unique(), "chosen": ["knn-none", "svm-none"]})
    scored = score_inner_folds(table, inner, read_choice(chosen, None, splits), TASK, SETTINGS)
    for fold, arm in (("cv1-fold1-inner2", "knn-none"), ("cv1-fold2-inner3", "svm-none")):
        part = inner[inner["split"] == fold]
        ours = table[table["patient"].isin(part["patient"])]
        alone, _, _ = train_arm(ours, part, Arm.parse(arm), TASK, SETTINGS)
        got = scored[scored["split"] == fold]
        np.testing.assert_allclose(got["score"], alone["score"], atol=1e-12)
    per_lesion = scored.assign(split=scored["split"].map(outer_split))
    assert not per_lesion.duplicated(["split", "patient", "lesion"]).any()
    trained = splits[splits["role"] == "train"].merge(table, on="patient")
    assert len(per_lesion) == len(trained)


def test_test_patients_change_no_score_and_labels_dealt_at_random_give_chance():
    table = with_dealt_labels(clustered_features(60, lesions=4, features=40, cluster=2.0), seed=4)
    splits = folds_of(table, folds=2)
    splits = splits[splits["split"] == "cv1-fold1"]
    chosen = read_choice(None, "logistic_regression-none", splits)
    inner = inner_folds_of(table, splits)
    scored = score_inner_folds(table, inner, chosen, TASK, SETTINGS)
    test = table["patient"].isin(splits.loc[splits["role"] == "test", "patient"])
    spoilt = table.copy()
    spoilt.loc[test, feature_columns(table)] = 99.0
    again = score_inner_folds(spoilt, inner, chosen, TASK, SETTINGS)
    pd.testing.assert_frame_equal(again, scored)
    truth = scored["label"] == POSITIVE
    assert roc_auc_score(truth, scored["score"]) < 0.7  # of 30 patients, none of them seen
    train = splits.loc[splits["role"] == "train", "patient"]
    seen = scored_by_a_model_that_saw_them(table[table["patient"].isin(train)])
    assert roc_auc_score(seen["label"] == POSITIVE, seen["score"]) > 0.9


def scored_by_a_model_that_saw_them(table):
    """Predictions of the lesions of patients who stand in the training under another id."""
    twins = table.assign(patient=table["patient"] + "-twin")
    splits = pd.concat(
        [
            part[["patient"]].drop_duplicates().assign(split="holdout", role=role)
            for part, role in ((table, "train"), (twins, "test"))
        ]
    )
    arm = Arm.parse("logistic_regression-none")
    return train_arm(pd.concat([table, twins]), splits, arm, TASK, SETTINGS)[0]
