"""Thresholds come from held-out training rows: the best of them, whatever the test rows are."""

import numpy as np
import pytest
from helpers.classes import CLASSES, POSITIVE
from helpers.feature_tables import clustered_features, folds_of
from helpers.training import TASK, baseline, train
from livermets.classification.thresholds import choose_threshold, youden_threshold
from sklearn.dummy import DummyClassifier
from sklearn.metrics import roc_curve

SMALL = {"iterations": 0, "folds": 2}


@pytest.mark.parametrize("decimals", [12, 1])
@pytest.mark.parametrize("seed", range(5))
def test_it_is_as_good_as_the_best_point_of_scikit_learns_roc_curve(seed, decimals):
    rng = np.random.default_rng(seed)
    positive = rng.random(80) < 0.3
    score = np.round(1 / (1 + np.exp(-rng.normal(size=80) - positive)), decimals)
    false, true, _ = roc_curve(positive, score)
    called = score >= youden_threshold(score, positive)
    gain = called[positive].mean() - called[~positive].mean()
    assert gain == pytest.approx((true - false).max())


def test_of_equally_good_thresholds_the_nearest_to_one_half_is_taken():
    assert youden_threshold(np.array([0.1, 0.9]), np.array([False, True])) == 0.5
    assert youden_threshold(np.full(4, 0.2), np.array([0, 1, 0, 1], bool)) in (0.0, 1.0)


def test_without_inner_folds_there_is_none():
    y = np.array([0, 1])
    assert np.isnan(choose_threshold(TASK, DummyClassifier().fit, None, y, y, [])["threshold"])


def changed_test_rows(table, splits):
    """The table with other values and labels in the test patients of every split."""
    other = table.copy()
    test = other["patient"].isin(splits.loc[splits["role"] == "test", "patient"])
    numbers = other.columns.difference(["patient", "lesion", "label"])
    other.loc[test, numbers] *= 3.0
    other.loc[test, "label"] = other.loc[test, "label"].iloc[::-1].to_numpy()
    return other


@pytest.mark.parametrize("model", ["logistic_regression", "svm", "baseline"])
def test_changed_test_rows_leave_every_threshold_as_it_was(model):
    table = clustered_features()
    splits = folds_of(table, 2).query("split == 'cv1-fold1'")

    def thresholds(rows):
        if model == "baseline":
            found, _, _ = baseline("volume", rows, splits, youden=True)
        else:
            found, _, report = train(rows, splits, model, tuning=SMALL, youden=True)
            assert report["threshold"].tolist() == found["threshold"].unique().tolist()
        return found.groupby("split")["threshold"].unique().str[0]

    first = thresholds(table)
    assert first.between(0, 1).all()
    assert thresholds(changed_test_rows(table, splits)).equals(first)


def test_three_classes_are_told_apart_without_a_threshold():
    table = clustered_features()
    patients = table["patient"].unique()
    third = table["patient"].isin(patients[::3])
    table = table.assign(label=table["label"].mask(third, "gastric"))
    classes = [*CLASSES, "gastric"]
    found, _, _ = train(
        table, folds_of(table, 2), "naive_bayes", classes=classes, tuning=SMALL, youden=True
    )
    scores = found[[f"score_{name}" for name in classes]]
    assert scores.sum(axis=1).to_numpy() == pytest.approx(1)
    assert found["score"].equals(found[f"score_{POSITIVE}"].rename("score"))
    assert "threshold" not in found
