"""Attention over lesions where one lesion of ten tells the class, and where every one does."""

import numpy as np
import pandas as pd
import pytest
from helpers.classes import CLASSES, POSITIVE, THREE_CLASSES
from helpers.feature_tables import clustered_features, folds_of
from helpers.lesion_signals import lesions_with_signal
from helpers.training import train
from livermets.core.errors import BadInput
from livermets.evaluation.evaluate import evaluate
from livermets.evaluation.paired_differences import compare_arms
from livermets.pooling.lesion_attention import (
    AttentionSettings,
    attend_embeddings,
    train_attention,
)
from livermets.predictions.task import Task

TASK = Task(CLASSES, POSITIVE)
ARM = "radiomics~attention"
FEATURES = [f"f{i}" for i in range(12)]


def attend(table, splits, task=TASK, columns=FEATURES, **settings):
    return train_attention(ARM, table, splits, task, AttentionSettings(**settings), columns)


def against_mean(table):
    """AUC by patient of attention, and its difference from the mean of a classifier's scores."""
    splits = folds_of(table)
    attention, weights = attend(table, splits)
    mean = train(table, splits, "logistic_regression", columns=FEATURES)[0]
    both = pd.concat([attention, mean])
    metrics = evaluate(both, CLASSES, POSITIVE, splits=splits)
    auc = metrics.query("metric == 'auc' and level == 'patient'").set_index("arm")["value"]
    pairs = compare_arms(both, CLASSES, POSITIVE)
    return (
        auc,
        pairs[(pairs["against"] == "pooling") & (pairs["level"] == "patient")].iloc[0],
        weights,
    )


COHORTS = pytest.mark.parametrize(
    "seed", [1, 2, 3], ids=["first cohort", "second cohort", "third cohort"]
)


@COHORTS
@pytest.mark.slow
def test_where_one_lesion_of_ten_carries_the_signal_attention_beats_the_mean(seed):
    table = lesions_with_signal(carriers=1, shift=3, seed=seed)
    auc, difference, weights = against_mean(table)
    assert auc[ARM] > 0.85
    assert difference["reference"] == "logistic_regression-none"
    assert difference["low"] > 0, difference
    carrier = table.set_index(["patient", "lesion"])["volume_ml"] > 1
    of_class = weights[weights["patient"].isin(table.loc[table["label"] == CLASSES[1], "patient"])]
    keys = pd.MultiIndex.from_frame(of_class[["patient", "lesion"]])
    assert of_class.loc[carrier.loc[keys].to_numpy(), "attention"].mean() > 0.5  # of ten lesions


@COHORTS
@pytest.mark.slow
def test_where_every_lesion_carries_the_signal_attention_equals_the_mean(seed):
    auc, difference, _ = against_mean(lesions_with_signal(carriers=10, shift=0.35, seed=seed))
    assert 0.7 < auc[ARM] < 0.97
    assert abs(difference["difference"]) < 0.03
    assert not difference["low"] > 0
    assert not difference["high"] < 0


def test_attention_adds_up_to_one_and_neither_row_order_nor_test_labels_change_a_score():
    table = lesions_with_signal(carriers=1, shift=3, patients=16, lesions=5)
    splits = folds_of(table, folds=2)
    splits = splits[splits["split"] == "cv1-fold1"]
    predictions, weights = attend(table, splits, folds=2)
    np.testing.assert_allclose(weights.groupby(["split", "patient"])["attention"].sum(), 1)
    spread = predictions.groupby(["split", "patient"])["score"].agg(["min", "max"])
    assert (spread["min"] == spread["max"]).all()
    again, _ = attend(table.sample(frac=1, random_state=1), splits, folds=2)
    pd.testing.assert_frame_equal(again, predictions)
    tested = splits.loc[splits["role"] == "test", "patient"]
    swapped = table["label"].map(dict(zip(CLASSES, CLASSES[::-1], strict=True)))
    dealt = table.assign(label=swapped.where(table["patient"].isin(tested), table["label"]))
    blind, _ = attend(dealt, splits, folds=2)
    np.testing.assert_array_equal(blind["score"], predictions["score"])


def test_patients_with_one_lesion_and_missing_values_are_scored_in_three_classes():
    table = clustered_features(18, lesions=(1.0, 4.0), features=4, gain=1.0)
    number = table["patient"].str[1:].astype(int)
    table["label"] = np.array(THREE_CLASSES)[number % 3]
    table.loc[3, "f01"] = np.nan
    task = Task(THREE_CLASSES, POSITIVE)
    columns = ["f00", "f01", "f02", "f03"]
    predictions, _ = attend(table, folds_of(table, folds=2), task, columns, folds=2)
    scores = predictions[[f"score_{name}" for name in THREE_CLASSES]]
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-9)
    assert (predictions["score"] == predictions[f"score_{POSITIVE}"]).all()
    assert len(predictions) == len(table)


def test_a_split_whose_training_patients_lack_a_class_is_refused():
    table = lesions_with_signal(carriers=1, shift=3, patients=8, lesions=2)
    splits = folds_of(table, folds=2)
    alone = table["label"].eq(CLASSES[0]) | table["patient"].isin(
        splits.loc[(splits["role"] == "test") & (splits["split"] == "cv1-fold1"), "patient"]
    )
    with pytest.raises(BadInput, match=f"cv1-fold1: no training patient of class {CLASSES[1]}"):
        attend(table[alone], splits[splits["split"] == "cv1-fold1"])


def test_attention_over_embeddings_learns_in_each_split_from_its_own_network():
    table = lesions_with_signal(carriers=3, shift=5, patients=12, lesions=3)
    splits = folds_of(table, folds=2)
    rename = {name: f"densenet121_{number:04d}" for number, name in enumerate(FEATURES)}
    embeddings = []
    for split, sign in zip(splits["split"].unique(), (1, -1), strict=True):
        values = sign * table[FEATURES].rename(columns=rename)  # networks do not share their axes
        embeddings.append(table[["patient", "lesion"]].join(values).assign(split=split))
    arguments = (splits, TASK, AttentionSettings(folds=2))
    predictions, weights = attend_embeddings("densenet121~attention", table, embeddings, *arguments)
    score = predictions.groupby(["label", "split"])["score"].mean()
    assert (score[CLASSES[1]] - score[CLASSES[0]] > 0.3).all()
    np.testing.assert_allclose(weights.groupby(["split", "patient"])["attention"].sum(), 1)
    embeddings[1] = embeddings[1].drop(index=1)
    with pytest.raises(BadInput, match="patient P000: lesion 2 has no embedding in cv1-fold2"):
        attend_embeddings("densenet121~attention", table, embeddings, *arguments)
