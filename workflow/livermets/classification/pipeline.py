"""Pipeline: all steps from features to a classifier in one object, fitted to training rows alone.

A step can be replaced or switched off by its name (`set_params(scale="passthrough")`).
"""

import warnings
from typing import Any, Self

import numpy as np
from imblearn.pipeline import Pipeline
from sklearn.calibration import CalibratedClassifierCV
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import has_fit_parameter

from livermets.classification.class_balancing import ClassBalancer
from livermets.classification.feature_selection import (
    ConstantFilter,
    CorrelationFilter,
    ImportanceSelector,
)
from livermets.classification.row_weights import scoring_weights

Folds = list[tuple[np.ndarray, np.ndarray]]  # row numbers (train, test) of each fold


class PatientPipeline(Pipeline):
    """Pipeline of imbalanced-learn whose `fit` knows the patient of each row.

    imbalanced-learn hands weights to a classifier only as they were before its rows were resampled.
    Here the step `balance` gives the rows and their weights together.
    """

    def fit(self, X: Any, y: np.ndarray, patients: np.ndarray | None = None) -> Self:
        """Fit all steps; a classifier that cannot weigh rows gets no weights.

        Parameters
        ----------
        X : data frame of shape (rows, features)
            Training rows.
        y : ndarray of int, shape (rows,)
            Class number of each row.
        patients : ndarray, shape (rows,), optional
            Patient of each row; needed by the importance and with `weigh="patients"`.
        """
        rows, classes, weights = self.prepare(X, y, patients)
        fit_weighted(self.named_steps["classify"], rows, classes, weights)
        return self

    def prepare(
        self, X: Any, y: np.ndarray, patients: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Fit the steps before the classifier; returns its rows, their classes and weights."""
        balancer: ClassBalancer = self.named_steps["balance"]
        given: dict[str, Any] = {}
        if balancer.weigh == "patients" and patients is not None:
            weights = scoring_weights(patients, balancer.weigh)
            given = {"scale__sample_weight": weights, "correlation__sample_weight": weights}
        given["importance__groups"] = patients
        taken = {key: value for key, value in given.items() if self._has_step(key)}
        selected = self[:-2].fit_transform(X, y, **taken)
        return balancer.balance(selected, np.asarray(y), patients)

    def _has_step(self, parameter: str) -> bool:
        """Whether the step of a fit parameter, `step__parameter`, is not switched off."""
        return self.named_steps[parameter.split("__")[0]] != "passthrough"


def fit_weighted(classifier: Any, X: np.ndarray, y: np.ndarray, weights: np.ndarray | None) -> Any:
    """Fit a classifier, with the weights of the rows where there are any and it takes them."""
    if weights is None or not has_fit_parameter(classifier, "sample_weight"):
        return classifier.fit(X, y)
    return classifier.fit(X, y, sample_weight=weights)


def build_pipeline(
    classifier: Any,
    *,
    resampling: str = "none",
    correlation: float | None = 0.6,
    max_features: int | None = None,
    seed: int = 0,
    weigh: str = "lesions",
) -> PatientPipeline:
    """Build an unfitted pipeline; balancing touches training rows alone.

    Its steps: `constant` (constant and empty features go), `impute` (median), `scale` (mean 0, SD
    1), `correlation`, `importance`, `balance` (of the classes) and `classify`.

    Parameters
    ----------
    classifier : estimator
        The last step.
    resampling : str
        Strategy of `ClassBalancer`.
    correlation : float or None
        Threshold of `CorrelationFilter`; None goes without it.
    max_features : int or None
        Number of features that `ImportanceSelector` keeps; None goes without it.
    seed : int
        Seed of importance and balancing.
    weigh : {"lesions", "patients"}
        What counts alike in every step but the median of `impute`.

    Returns
    -------
    PatientPipeline
        The steps in this order.
    """
    return PatientPipeline(
        [
            ("constant", ConstantFilter()),
            ("impute", SimpleImputer(strategy="median")),
            ("scale", StandardScaler()),
            (
                "correlation",
                "passthrough" if correlation is None else CorrelationFilter(correlation),
            ),
            (
                "importance",
                ImportanceSelector(max_features, seed, weigh) if max_features else "passthrough",
            ),
            ("balance", ClassBalancer(resampling, seed, weigh)),
            ("classify", classifier),
        ]
    )


def fit_probabilities(
    pipeline: PatientPipeline, X: Any, y: np.ndarray, patients: np.ndarray, folds: Folds
) -> Any:
    """Fit the pipeline; where its classifier gives distances only, turn them into probabilities.

    Platt's sigmoid is fitted to distances of rows whose patients were held out, with a pipeline of
    its own in each fold, so that neither SMOTE's rows nor other lesions of a patient bias it.

    Parameters
    ----------
    pipeline : PatientPipeline
        As `build_pipeline` returns it; it is fitted in place where it gives probabilities itself.
    X : data frame of shape (rows, features)
        Training rows.
    y : ndarray of int, shape (rows,)
        Class number of each row.
    patients : ndarray, shape (rows,)
        Patient of each row.
    folds : list of (train, test)
        Inner folds. Without any (a class with one patient), the sigmoid is fitted to all rows.

    Returns
    -------
    PatientPipeline or CalibratedClassifierCV
        Fitted model with `predict_proba`.
    """
    if hasattr(pipeline, "predict_proba"):
        return pipeline.fit(X, y, patients)
    rows = np.arange(len(y))
    cv = folds or [(rows, rows)]
    model = CalibratedClassifierCV(pipeline, method="sigmoid", ensemble=False, cv=cv)
    weights = scoring_weights(patients, pipeline.named_steps["balance"].weigh)
    with warnings.catch_warnings():
        # these weights are those of the sigmoid alone: the pipeline makes its own
        warnings.filterwarnings("ignore", message="Since PatientPipeline does not appear to accept")
        return model.fit(X, y, sample_weight=weights, patients=patients)


def fitted_pipeline(model: Any) -> PatientPipeline:
    """Get the pipeline inside a model that `fit_probabilities` returned."""
    return getattr(model, "calibrated_classifiers_", [model])[0].__dict__.get("estimator", model)


def selected_features(model: Any, columns: list[str]) -> list[str]:
    """List the names of the features that reach the classifier."""
    names = np.asarray(columns, dtype=object)
    for step in ("constant", "correlation", "importance"):
        transformer = fitted_pipeline(model).named_steps[step]
        if transformer != "passthrough":
            names = names[transformer.get_support()]
    return list(names)
