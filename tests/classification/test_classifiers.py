"""The registry of classifiers: each one learns, takes its settings, and stands in one place."""

import inspect
import warnings

import numpy as np
import pandas as pd
import pytest
from helpers.classes import POSITIVE
from helpers.feature_tables import clustered_features, feature_names, folds_of
from helpers.training import train
from livermets.classification.estimators import KMeansSVC, NearestNeighbours
from livermets.core.errors import BadInput
from livermets.study.arms import RESAMPLINGS, classifier_arms
from livermets.study.classifiers import CLASSIFIERS, Classifier
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

SMALL = {"iterations": 2, "folds": 2}


def pooled_auc(predictions: pd.DataFrame) -> float:
    return roc_auc_score(predictions["label"] == POSITIVE, predictions["score"])


def blobs(rows=80, classes=2, gap=3.0, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(rows) % classes
    return rng.normal(size=(rows, 4)) + gap * y[:, None] * [1, 0, 0, 0], y


@pytest.mark.parametrize("model", CLASSIFIERS)
def test_every_classifier_learns_what_can_be_learned(model):
    table = clustered_features(16, (3, 5), 6, gain=3.0, cluster=0.5)
    predictions, _, report = train(
        table,
        folds_of(table, 2),
        model,
        "none",
        columns=feature_names(table),
        tuning=SMALL,
    )
    assert pooled_auc(predictions) > 0.9
    assert report["inner_auc"].between(0.75, 1).all()


@pytest.mark.parametrize("model", CLASSIFIERS)
def test_every_setting_that_is_tried_can_be_fitted_also_to_few_rows(model):
    entry = CLASSIFIERS[model]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for X, y in (blobs(14), blobs(120)):
            for key, value in ((k, v) for k, values in entry.space.items() for v in values):
                fitted = entry.build(3, **{key: value}).fit(X, y)
                correct = (fitted.predict(X) == y).mean()
                assert correct >= (0.5 if len(y) == 14 else 0.9), f"{key} = {value}"


@pytest.mark.parametrize("model", CLASSIFIERS)
def test_a_classifier_is_the_same_for_the_same_seed_and_uses_one_thread(model):
    X, y = blobs(60, gap=1.0)
    one, two = (CLASSIFIERS[model].build(5).fit(X, y) for _ in range(2))
    score = "predict_proba" if hasattr(one, "predict_proba") else "decision_function"
    np.testing.assert_array_equal(getattr(one, score)(X), getattr(two, score)(X))
    assert one.get_params().get("n_jobs") in (None, 1)


@pytest.mark.parametrize("model", [name for name in CLASSIFIERS if CLASSIFIERS[name].weighted])
def test_a_row_that_weighs_three_is_a_row_written_thrice(model):
    """Twenty rows of the minor class that weigh three each, or stand three times each.

    What a classifier draws by row (trees' bootstrap) or sums up (leaves' least rows) cannot be
    equal; it is close, and far from the classifier without weights.
    """
    X, y = blobs(120, gap=0.8)
    X, y = np.delete(X, np.flatnonzero(y == 1)[20:], axis=0), np.r_[np.tile([0, 1], 20), [0] * 40]
    order = np.r_[np.arange(len(y)), np.repeat(np.flatnonzero(y == 1), 2)]
    new = blobs(400, gap=0.8, seed=9)[0]
    weights = np.where(y == 1, 3.0, 1.0)
    # a tree grown to pure leaves answers its rows whatever they weigh
    shallow = {"max_depth": 2} if model in ("decision_tree", "random_forest") else {}
    plain, weighted, thrice = (CLASSIFIERS[model].build(1, **shallow) for _ in range(3))
    plain.fit(X, y)
    weighted.fit(X, y, sample_weight=weights)
    thrice.fit(X[order], y[order])
    score = "predict_proba" if hasattr(plain, "predict_proba") else "decision_function"
    unweighted, ours, theirs = (
        np.reshape(getattr(model, score)(new), (len(new), -1))[:, -1].mean()
        for model in (plain, weighted, thrice)
    )
    assert ours > unweighted
    assert abs(ours - theirs) < 0.3 * (ours - unweighted)


def test_there_is_no_arm_of_weights_where_a_classifier_takes_none():
    unweighted = [name for name in CLASSIFIERS if not CLASSIFIERS[name].weighted]
    assert "knn" in unweighted
    for name in CLASSIFIERS:
        takes = "sample_weight" in inspect.signature(CLASSIFIERS[name].build(0).fit).parameters
        assert takes == CLASSIFIERS[name].weighted
    every = len(CLASSIFIERS) * len(RESAMPLINGS)
    assert len(classifier_arms(CLASSIFIERS, RESAMPLINGS)) == every - len(unweighted)
    assert "knn-weights" not in classifier_arms(CLASSIFIERS, RESAMPLINGS)
    table = clustered_features(12)
    with pytest.raises(BadInput, match="no arm knn-weights"):
        train(table, folds_of(table, 2), "knn", "weights")


def test_a_new_classifier_is_one_entry(monkeypatch):
    entry = Classifier(
        "Ridge classifier",
        "sklearn.linear_model.RidgeClassifier",
        space={"alpha": (0.1, 1.0, 10.0)},
    )
    monkeypatch.setitem(CLASSIFIERS, "ridge", entry)
    table = clustered_features(16, gain=3.0)
    predictions, _, report = train(table, folds_of(table, 2), "ridge", "smote", tuning=SMALL)
    assert set(predictions["arm"]) == {"ridge-smote"}
    assert pooled_auc(predictions) > 0.9
    assert report["parameters"].str.contains("alpha").all()


def test_neighbours_are_at_most_the_training_rows():
    X, y = blobs(9)
    ours = NearestNeighbours(n_neighbors=31).fit(X, y)
    theirs = KNeighborsClassifier(n_neighbors=9).fit(X, y)
    np.testing.assert_array_equal(ours.predict_proba(X), theirs.predict_proba(X))


def test_distances_to_clusters_bend_the_plane_of_the_kmeans_svm():
    """A class on both sides of the other: no plane parts them, distances to centroids do."""
    rng = np.random.default_rng(2)
    x = np.concatenate([rng.normal(size=(60, 2)), rng.normal(size=(120, 2)) + [[6, 0]]])
    x[120:, 0] -= 12
    y = np.repeat([0, 1], [60, 120])
    assert SVC(kernel="linear").fit(x, y).score(x, y) < 0.8
    model = KMeansSVC(clusters=3, random_state=0).fit(x, y)
    assert (model.predict(x) == y).mean() > 0.95
    np.testing.assert_array_equal(model.decision_function(x) > 0, model.predict(x) == 1)


def test_the_kmeans_svm_has_no_more_clusters_than_distinct_rows():
    X = np.repeat([[0.0, 0.0], [1.0, 1.0]], 5, axis=0)
    model = KMeansSVC(clusters=12, random_state=0).fit(X, np.repeat([0, 1], 5))
    assert model.kmeans_.n_clusters == 2
    assert (model.predict(X) == np.repeat([0, 1], 5)).all()
