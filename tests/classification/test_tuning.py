"""The AUC that compares settings: of probabilities, and of distances that do not add up to 1."""

import numpy as np
import pytest
from livermets.classification.tuning import _auc
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import roc_auc_score


def rows(classes, seed):
    rng = np.random.default_rng(seed)
    y = np.arange(60) % classes
    return rng.normal(size=(60, 4)) + 0.7 * y[:, None], y


@pytest.mark.parametrize("estimator", [LogisticRegression, RidgeClassifier])
def test_three_classes_have_the_mean_of_each_against_the_rest(estimator):
    X, y = rows(3, seed=0)
    X_test, y_test = rows(3, seed=1)
    found = _auc(estimator(), X, y, X_test, y_test)
    fitted = estimator().fit(X, y)
    distances = estimator is RidgeClassifier
    score = fitted.decision_function(X_test) if distances else fitted.predict_proba(X_test)
    expected = np.mean([roc_auc_score(y_test == k, score[:, k]) for k in range(3)])
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("estimator", [LogisticRegression, RidgeClassifier])
def test_two_classes_have_that_of_the_second(estimator):
    X, y = rows(2, seed=0)
    X_test, y_test = rows(2, seed=1)
    fitted = estimator().fit(X, y)
    expected = roc_auc_score(y_test, fitted.decision_function(X_test))
    assert _auc(estimator(), X, y, X_test, y_test) == expected
