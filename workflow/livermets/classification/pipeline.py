"""From features to a classifier in one pipeline, so that nothing is learned outside training rows.

Its steps go by name and can be replaced or switched off (`set_params(scale="passthrough")`).
"""

from typing import Any

import numpy as np
from imblearn.pipeline import Pipeline
from sklearn.calibration import CalibratedClassifierCV
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

from livermets.classification.feature_selection import (
    CorrelationFilter,
    Informative,
    MostImportant,
    Resampler,
)

Folds = list[tuple[np.ndarray, np.ndarray]]


def build_pipeline(
    classifier: Any,
    *,
    resampling: str = "none",
    correlation: float | None = 0.6,
    max_features: int | None = None,
    seed: int = 0,
) -> Pipeline:
    """An unfitted imbalanced-learn pipeline; resampling touches training rows alone.

    Its steps: informative (no constant or empty feature), impute (median), scale (mean 0, sd 1),
    correlation (redundancy filter at |r| > `correlation`), importance (the `max_features` most
    important, where that is set), resample, classify.
    """
    keep = MostImportant(max_features, seed) if max_features else "passthrough"
    return Pipeline(
        [
            ("informative", Informative()),
            ("impute", SimpleImputer(strategy="median")),
            ("scale", StandardScaler()),
            (
                "correlation",
                "passthrough" if correlation is None else CorrelationFilter(correlation),
            ),
            ("importance", keep),
            ("resample", Resampler(resampling, seed)),
            ("classify", classifier),
        ]
    )


def patients_for(pipeline: Pipeline, patients: np.ndarray) -> dict[str, np.ndarray]:
    """The fit parameters that tell the pipeline whose row is whose, where a step asks for it."""
    asks = pipeline.named_steps["importance"] != "passthrough"
    return {"importance__groups": patients} if asks else {}


def weights_for(pipeline: Pipeline, y: np.ndarray) -> dict[str, np.ndarray]:
    """What the classifier's `fit` is told beside rows and classes: with `weights`, that each class
    weighs as much as any other (and all rows together as many as they are).
    """
    weighted = pipeline.named_steps["resample"].way == "weights"
    return {"sample_weight": compute_sample_weight("balanced", y)} if weighted else {}


def fit_probabilities(
    pipeline: Pipeline, X: Any, y: np.ndarray, patients: np.ndarray, folds: Folds
) -> Any:
    """Fit the pipeline; where its classifier knows distances only, turn them into probabilities.

    Platt's sigmoid is fitted to distances of rows whose patients were held out (`folds`), each
    fold with a pipeline of its own, so that neither SMOTE's rows nor a patient's other lesions
    flatter it. Without folds (a class with one patient) it is fitted to the training rows.
    """
    if not hasattr(pipeline, "predict_proba"):
        every = np.arange(len(y))
        cv = folds or [(every, every)]
        model: Any = CalibratedClassifierCV(pipeline, method="sigmoid", ensemble=False, cv=cv)
    else:
        model = pipeline
    weights = {f"classify__{key}": given for key, given in weights_for(pipeline, y).items()}
    return model.fit(X, y, **patients_for(pipeline, patients), **weights)


def fitted_pipeline(model: Any) -> Pipeline:
    """The pipeline inside what `fit_probabilities` returned."""
    return getattr(model, "calibrated_classifiers_", [model])[0].__dict__.get("estimator", model)


def selected_features(model: Any, columns: list[str]) -> list[str]:
    """The names of the features that reach the classifier."""
    names = np.asarray(columns, dtype=object)
    for step in ("informative", "correlation", "importance"):
        transformer = fitted_pipeline(model).named_steps[step]
        if transformer != "passthrough":
            names = names[transformer.get_support()]
    return list(names)
