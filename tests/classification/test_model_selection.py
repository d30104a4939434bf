"""The arm one would have chosen: by inner folds alone, split by split."""

import numpy as np
import pandas as pd
import pytest
from helpers.classes import CLASSES
from helpers.feature_tables import clustered_features, folds_of
from helpers.training import train
from livermets.classification.model_selection import select_arm
from livermets.core.errors import BadInput
from livermets.predictions.predictions_table import check_predictions

SMALL = {"iterations": 3, "folds": 2}


def fitted_arms(models=("knn", "naive_bayes", "decision_tree"), **changed):
    table = clustered_features(20, gain=1.0)
    splits = folds_of(table, 4)
    arms = [train(table, splits, m, **{"tuning": SMALL, **changed}) for m in models]
    return [report for *_, report in arms], [predictions for predictions, *_ in arms]


def test_every_split_is_predicted_by_the_arm_with_the_best_inner_auc():
    reports, predictions = fitted_arms()
    table, chosen = select_arm(reports, predictions)
    inner = pd.concat(reports).pivot_table(index="split", columns="arm", values="inner_auc")
    assert (
        dict(zip(chosen["split"], chosen["chosen"], strict=True)) == inner.idxmax(axis=1).to_dict()
    )
    assert len(set(chosen["chosen"])) > 1  # or the test would show nothing
    every = pd.concat(predictions)
    for row in chosen.itertuples():
        own = table.loc[table["split"] == row.split].drop(columns="arm").reset_index(drop=True)
        theirs = every[(every["split"] == row.split) & (every["arm"] == row.chosen)]
        pd.testing.assert_frame_equal(own, theirs.drop(columns="arm").reset_index(drop=True))
    assert set(table["arm"]) == {"selected"}
    check_predictions(table, CLASSES)
    assert len(table) == len(predictions[0])


def test_test_patients_have_no_say_in_the_choice():
    reports, predictions = fitted_arms()
    rng = np.random.default_rng(0)
    noise = [one.assign(score=rng.random(len(one))) for one in predictions]
    pd.testing.assert_frame_equal(
        select_arm(reports, noise)[1], select_arm(reports, predictions)[1]
    )


def test_of_equals_the_first_given_is_taken():
    reports, predictions = fitted_arms(("knn", "naive_bayes"))
    level = [report.assign(inner_auc=0.7) for report in reports]
    assert set(select_arm(level, predictions)[1]["chosen"]) == {"knn-none"}
    assert set(select_arm(level[::-1], predictions)[1]["chosen"]) == {"naive_bayes-none"}


def test_without_inner_folds_nothing_can_be_selected():
    reports, predictions = fitted_arms(("knn", "naive_bayes"), tuning={"iterations": 0, "folds": 2})
    with pytest.raises(BadInput, match="cv1-fold1: no arm was measured.*set classification.tuning"):
        select_arm(reports, predictions)
