"""Permutation importance against scikit-learn's, and on features that only tell patients apart."""

import numpy as np
import pytest
from livermets.classification.permutation_importance import (
    held_out_importance,
    permutation_losses,
)
from sklearn.ensemble import RandomForestClassifier
from sklearn.inspection import permutation_importance
from sklearn.metrics import roc_auc_score


@pytest.mark.parametrize("classes", [2, 3])
def test_permutation_losses_are_those_of_scikit_learn(classes):
    rng = np.random.default_rng(classes)
    X, y = rng.normal(size=(90, 9)), rng.integers(0, classes, 90)
    X[:, 2] += y
    X[:, 3] = 1.0  # no tree can split on it
    forest = RandomForestClassifier(25, min_samples_leaf=3, random_state=0).fit(X[:50], y[:50])

    def auc(model, rows, truth):
        votes = model.predict_proba(rows).round(9)  # sums of equal votes are ties
        return roc_auc_score(truth, votes[:, 1] if classes == 2 else votes, multi_class="ovr")

    theirs = permutation_importance(
        forest, X[50:], y[50:], scoring=auc, n_repeats=4, random_state=11
    )
    # the orders it draws: one seed for all columns, each order made from the one before
    shuffler = np.random.RandomState(np.random.RandomState(11).randint(np.iinfo(np.int32).max + 1))
    order, orders = np.arange(40), []
    place = np.arange(40)
    for _ in range(4):
        shuffler.shuffle(order)
        place = place[order]
        orders.append(place)
    ours = permutation_losses(forest, X[50:], y[50:], np.array(orders))
    np.testing.assert_allclose(ours, theirs.importances_mean, atol=1e-12)
    assert ours[3] == 0
    assert ours.argmax() == 2


def test_held_out_importance_finds_the_informative_features_and_ids_earn_nothing():
    rng = np.random.default_rng(8)
    patients = np.repeat(np.arange(40), 6)
    y = patients % 2
    X = rng.normal(size=(240, 8))
    X[:, 1] += 1.5 * y
    X[:, 4] += 1.5 * y
    X[:, 6] = rng.normal(size=40)[patients]  # tells a patient, not a class
    importance = held_out_importance(X, y, patients, seed=1)
    assert set(np.argsort(-importance)[:2]) == {1, 4}
    assert importance[[1, 4]].min() > 0.05
    assert np.abs(np.delete(importance, [1, 4])).max() < 0.03


def test_with_one_patient_in_a_class_importance_is_zero_and_said_so(caplog):
    X = np.random.default_rng(0).normal(size=(12, 3))
    y = np.array([1] * 3 + [0] * 9)
    patients = np.array([0] * 3 + [1, 1, 1, 2, 2, 2, 3, 3, 3])
    assert not held_out_importance(X, y, patients, seed=1).any()
    assert "importance is not measured" in caplog.text
