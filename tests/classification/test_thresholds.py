"""Thresholds come from held-out training rows: the best of them, whatever the test rows are."""

import numpy as np
import pandas as pd
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
    assert youden_threshold(np.array([0.1, 0.9]), np.array([False, True])) == pytest.approx(
        0.5, abs=1e-12
    )
    assert youden_threshold(np.full(4, 0.2), np.array([0, 1, 0, 1], bool)) in (0.0, 1.0)


def test_weighted_rows_have_the_threshold_of_rows_that_stand_as_often():
    rng = np.random.default_rng(3)
    positive = rng.random(60) < 0.4
    score, times = np.round(rng.random(60) + 0.3 * positive, 2) / 1.3, rng.integers(1, 6, 60)
    repeated = youden_threshold(np.repeat(score, times), np.repeat(positive, times))
    assert youden_threshold(score, positive, weights=times / 7) == pytest.approx(repeated)
    assert repeated != youden_threshold(score, positive)


def test_with_folds_it_is_the_best_for_the_mean_over_the_folds():
    rng = np.random.default_rng(4)
    fold, positive = np.arange(90) % 3, rng.random(90) < 0.4
    score = 1 / (1 + np.exp(-rng.normal(size=90) - positive - fold))

    def gain(limit):
        parts = [(fold == number) & (score >= limit) for number in range(3)]
        return np.mean(
            [
                part[positive & (fold == number)].mean() - part[~positive & (fold == number)].mean()
                for number, part in enumerate(parts)
            ]
        )

    ours = youden_threshold(score, positive, fold)
    assert gain(ours) == pytest.approx(max(map(gain, score)))


def test_models_without_information_have_no_better_threshold_than_the_nearest_to_one_half():
    """Each fold's model scores the share of class 1 among the others, so less where more is 1."""
    positive = np.repeat([True, False, True, False, True, False], [5, 3, 3, 3, 1, 3])
    fold = np.repeat([0, 1, 2], [8, 6, 4])
    score = np.array([4 / 10, 6 / 12, 8 / 14])[fold]
    assert youden_threshold(score, positive, fold) == pytest.approx((6 / 12 + 8 / 14) / 2)


def scored(level, weigh="lesions"):
    """The threshold of a model whose score is the feature, in one inner fold of all rows."""

    class Score:
        classes_ = np.array([0, 1])

        def predict_proba(self, X):
            return np.column_stack([1 - X["score"], X["score"]])

    # class 0: a patient with 20 lesions of .62; class 1: three with lesions of .2, .2 and .9
    rows = [("n1", 0, 0.62)] * 20 + [("n2", 0, 0.1)] * 2
    rows += [(f"p{i}", 1, score) for i in range(3) for score in (0.2, 0.2, 0.9)]
    patients, y, score = map(np.array, zip(*rows, strict=True))
    every = np.arange(len(y))
    X = pd.DataFrame({"score": score})
    fit = lambda *_: Score()  # noqa: E731
    return choose_threshold(TASK, fit, X, y, patients, [(every, every)], level, weigh)["threshold"]


def test_the_threshold_for_patients_is_chosen_from_the_mean_scores_of_patients():
    """Means are .62 and .1 against .4333: the best for patients is between .1 and .4333."""
    assert scored("lesion") == pytest.approx((0.62 + 0.9) / 2)
    assert scored("patient") == pytest.approx((0.1 + 1.3 / 3) / 2)


def test_the_threshold_for_lesions_counts_patients_alike_where_asked():
    """The 20 lesions of .62 are half the weight of class 0, and .76 loses two thirds of class 1."""
    assert scored("lesion", "patients") == pytest.approx((0.1 + 0.2) / 2)
    assert scored("patient", "patients") == scored("patient")


@pytest.mark.parametrize("model", ["logistic_regression", "baseline"])
def test_the_level_of_the_threshold_comes_from_the_settings(model):
    table = clustered_features(18, (2, 9), gain=0.5)
    table["volume_ml"] *= np.where(table["label"] == POSITIVE, 2, 1)
    splits = folds_of(table, 2).query("split == 'cv1-fold1'")
    run = {"baseline": lambda **s: baseline("volume", table, splits, **s)}.get(
        model, lambda **s: train(table, splits, model, tuning=SMALL, **s)
    )
    lesion = run(youden=True)[0]
    patient = run(youden=True, threshold_level="patient")[0]
    assert lesion["score"].equals(patient["score"])
    assert lesion["threshold"].iloc[0] != patient["threshold"].iloc[0]


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
