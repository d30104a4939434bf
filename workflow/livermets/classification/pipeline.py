"""Pipeline: all steps from features to a classifier in one object, fitted to training rows alone.

A step can be replaced or switched off by its name (`set_params(scale="passthrough")`).
"""

from typing import Any

import numpy as np
from imblearn.pipeline import Pipeline
from sklearn.calibration import CalibratedClassifierCV
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

from livermets.classification.class_balancing import ClassBalancer
from livermets.classification.feature_selection import (
    ConstantFilter,
    CorrelationFilter,
    ImportanceSelector,
)

Folds = list[tuple[np.ndarray, np.ndarray]]  # row numbers (train, test) of each fold


def build_pipeline(
    classifier: Any,
    *,
    resampling: str = "none",
    correlation: float | None = 0.6,
    max_features: int | None = None,
    seed: int = 0,
) -> Pipeline:
    """Build an unfitted imbalanced-learn pipeline; balancing touches training rows alone.

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

    Returns
    -------
    Pipeline
        The steps in this order.
    """
    return Pipeline(
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
                ImportanceSelector(max_features, seed) if max_features else "passthrough",
            ),
            ("balance", ClassBalancer(resampling, seed)),
            ("classify", classifier),
        ]
    )


def groups_for(pipeline: Pipeline, patients: np.ndarray) -> dict[str, np.ndarray]:
    """Make the fit parameters that give each row's patient to the step that needs it, if any."""
    needed = pipeline.named_steps["importance"] != "passthrough"
    return {"importance__groups": patients} if needed else {}


def weights_for(pipeline: Pipeline, y: np.ndarray) -> dict[str, np.ndarray]:
    """Make the classifier's fit parameters: with `weights`, row weights of equal classes."""
    weighted = pipeline.named_steps["balance"].strategy == "weights"
    return {"sample_weight": compute_sample_weight("balanced", y)} if weighted else {}


def fit_probabilities(
    pipeline: Pipeline, X: Any, y: np.ndarray, patients: np.ndarray, folds: Folds
) -> Any:
    """Fit the pipeline; where its classifier gives distances only, turn them into probabilities.

    Platt's sigmoid is fitted to distances of rows whose patients were held out, with a pipeline of
    its own in each fold, so that neither SMOTE's rows nor other lesions of a patient bias it.

    Parameters
    ----------
    pipeline : Pipeline
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
    Pipeline or CalibratedClassifierCV
        Fitted model with `predict_proba`.
    """
    model: Any = pipeline
    if not hasattr(pipeline, "predict_proba"):
        rows = np.arange(len(y))
        cv = folds or [(rows, rows)]
        model = CalibratedClassifierCV(pipeline, method="sigmoid", ensemble=False, cv=cv)
    weights = {f"classify__{key}": value for key, value in weights_for(pipeline, y).items()}
    return model.fit(X, y, **groups_for(pipeline, patients), **weights)


def fitted_pipeline(model: Any) -> Pipeline:
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
