"""Randomised search over a classifier's space, on inner folds that keep patients together."""

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
from imblearn.pipeline import Pipeline
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import ParameterGrid, ParameterSampler

from livermets.classification.pipeline import Folds, patients_for, weights_for
from livermets.study.classifiers import Classifier

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tuned:
    """The chosen parameters, the mean inner AUC they reached (NaN if unmeasured), and a remark."""

    parameters: dict[str, Any]
    auc: float
    note: str


def tune(
    pipeline: Pipeline,
    classifier: Classifier,
    X: Any,
    y: np.ndarray,
    patients: np.ndarray,
    folds: Folds,
    iterations: int,
    seed: int,
) -> Tuned:
    """The candidate with the highest mean AUC (one-vs-rest macro mean for more than two classes).

    The untuned classifier is the first of at most `iterations` candidates; of equals, the first
    wins. What does not depend on the candidate (scaling, filter, resampling) is fitted once a
    fold. Without iterations or folds the untuned classifier is returned, unmeasured.
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
    pipeline: Pipeline,
    X: Any,
    y: np.ndarray,
    patients: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
) -> dict[str, Any]:
    """Training rows as the classifier gets them, their classes and weights; the held-out rows."""
    before = clone(pipeline[:-2])
    told = patients_for(pipeline, patients[train])
    kept = before.fit_transform(X.iloc[train], y[train], **told)
    balanced, classes = clone(pipeline.named_steps["resample"]).fit_resample(kept, y[train])
    weights = weights_for(pipeline, classes)
    held_out = {"X_test": before.transform(X.iloc[test]), "y_test": y[test]}
    return {"X": balanced, "y": classes, **held_out, **weights}


def _auc(
    estimator: Any,
    X: np.ndarray,
    y: np.ndarray,
    X_test: np.ndarray,
    y_test: np.ndarray,
    **weights: np.ndarray,
) -> float:
    estimator.fit(X, y, **weights)
    # distances rank as well as probabilities do, and need no calibration
    distances = not hasattr(estimator, "predict_proba")
    score = estimator.decision_function(X_test) if distances else estimator.predict_proba(X_test)
    if len(estimator.classes_) == 2:
        return roc_auc_score(y_test, score if score.ndim == 1 else score[:, 1])
    every = range(score.shape[1])
    return float(np.mean([roc_auc_score(y_test == column, score[:, column]) for column in every]))
