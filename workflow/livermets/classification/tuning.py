"""Tuning: a randomised search over a classifier's settings, on inner folds over patients."""

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid, ParameterSampler

from livermets.classification.pipeline import Folds, PatientPipeline, fit_weighted
from livermets.classification.row_weights import scoring_weights
from livermets.predictions.auc import one_vs_rest_auc
from livermets.study.classifiers import Classifier

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tuned:
    """Result of the search.

    Parameters
    ----------
    parameters : dict
        The chosen parameters of the classifier.
    auc : float
        Their mean AUC on the inner folds; NaN if not measured.
    note : str
        Why nothing was tuned, or empty.
    """

    parameters: dict[str, Any]
    auc: float
    note: str


def tune(
    pipeline: PatientPipeline,
    classifier: Classifier,
    X: Any,
    y: np.ndarray,
    patients: np.ndarray,
    folds: Folds,
    iterations: int,
    seed: int,
) -> Tuned:
    """Find the settings with the highest mean AUC (macro one-vs-rest for three or more classes).

    The untuned classifier is the first candidate; of equals, the first wins. Steps that do not
    depend on the candidate (scaling, filters, balancing) are fitted once in each fold. Without
    iterations or folds the untuned classifier is returned, not measured.

    Parameters
    ----------
    pipeline : PatientPipeline
        Its steps before the classifier are used, and what counts alike: lesions or patients, in the
        fits as in the AUC.
    classifier : Classifier
        Entry of the registry, with the space to search.
    X : data frame of shape (rows, features)
        Training rows.
    y : ndarray of int, shape (rows,)
        Class number of each row.
    patients : ndarray, shape (rows,)
        Patient of each row.
    folds : list of (train, test)
        Inner folds.
    iterations : int
        Largest number of candidates.
    seed : int
        Seed of the search and of each candidate.

    Returns
    -------
    Tuned
        Parameters, AUC and note.
    """
    default = classifier.build(seed).get_params()
    untuned = {key: default[key] for key in classifier.space}
    if iterations < 1:
        return Tuned(untuned, np.nan, "")
    if not folds:
        log.warning("not tuned: a class has one patient among the training rows")
        return Tuned(untuned, np.nan, "not tuned: a class has one training patient")
    candidates = [untuned]
    if classifier.space:
        space = dict(classifier.space)
        tries = min(iterations - 1, len(ParameterGrid(space)))
        drawn = ParameterSampler(space, tries, random_state=seed)
        candidates += [candidate for candidate in drawn if candidate != untuned]
    prepared = [_prepare(pipeline, X, y, patients, *fold) for fold in folds]
    aucs = [
        np.mean([_auc(classifier.build(seed, **candidate), **data) for data in prepared])
        for candidate in candidates
    ]
    best = int(np.argmax(aucs))
    return Tuned(candidates[best], float(aucs[best]), "")


def _prepare(
    pipeline: PatientPipeline,
    X: Any,
    y: np.ndarray,
    patients: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
) -> dict[str, Any]:
    """Training rows as the classifier gets them, and the held-out rows, each with weights."""
    prepared = clone(pipeline)
    rows, classes, weights = prepared.prepare(X.iloc[train], y[train], patients[train])
    weigh = pipeline.named_steps["balance"].weigh
    return {
        "X": rows,
        "y": classes,
        "X_test": prepared[:-2].transform(X.iloc[test]),
        "y_test": y[test],
        "weights": weights,
        "test_weights": scoring_weights(patients[test], weigh),
    }


def _auc(
    estimator: Any,
    X: np.ndarray,
    y: np.ndarray,
    X_test: np.ndarray,
    y_test: np.ndarray,
    weights: np.ndarray | None = None,
    test_weights: np.ndarray | None = None,
) -> float:
    """Fit the estimator and compute its AUC on the held-out rows."""
    fit_weighted(estimator, X, y, weights)
    # distances rank as well as probabilities do, and need no calibration
    distances = not hasattr(estimator, "predict_proba")
    score = estimator.decision_function(X_test) if distances else estimator.predict_proba(X_test)
    return one_vs_rest_auc(y_test, score, estimator.classes_, test_weights)
