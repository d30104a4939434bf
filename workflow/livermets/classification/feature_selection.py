"""Feature selection: constant, redundant and unimportant features go, judged by training rows.

The three steps are scikit-learn transformers on tables or arrays (rows, features).
"""

import warnings
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.feature_selection import SelectorMixin, f_classif
from sklearn.utils import Tags
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from livermets.classification.permutation_importance import held_out_importance
from livermets.core.errors import BadInput


class _Selector(SelectorMixin, BaseEstimator):
    """Transformer that keeps some columns: `keep_` is a mask over the columns it was fitted to."""

    keep_: np.ndarray

    def _get_support_mask(self) -> np.ndarray:
        check_is_fitted(self, "keep_")
        return self.keep_


class ConstantFilter(_Selector):
    """Filter of features that are constant or wholly missing in the training rows.

    scikit-learn's VarianceThreshold keeps a constant that arithmetic has changed in its last
    digits; this filter counts a range up to 1e-12 of the value as constant.

    Attributes
    ----------
    note_ : str
        Names of the features that go, or empty.
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find the features whose values differ."""
        X = validate_data(self, X, ensure_all_finite="allow-nan", dtype=float, ensure_min_samples=2)
        low = np.min(X, axis=0, where=~np.isnan(X), initial=np.inf)
        high = np.max(X, axis=0, where=~np.isnan(X), initial=-np.inf)
        self.keep_ = (high - low) > 1e-12 * np.maximum(np.abs(low), np.abs(high))
        if not self.keep_.any():
            raise BadInput(
                f"none of the {X.shape[1]} features varies among the training rows:"
                " check the features table, or give more lesions."
            )
        names = getattr(self, "feature_names_in_", np.arange(X.shape[1]))[~self.keep_]
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        listed = ", ".join(map(str, names[:3])) + more
        self.note_ = f"left out, constant or empty: {listed}" if len(names) else ""
        return self

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class CorrelationFilter(_Selector):
    """Redundancy filter: of two features with a correlation above `threshold` the better one stays.

    The better one has the higher ANOVA F between the classes, among the training rows; of equals
    it is the first column. Features are taken from the best to the worst and kept unless they
    correlate with one kept before, so the result does not depend on chance or on the order of
    columns.

    Parameters
    ----------
    threshold : float
        Largest absolute Pearson correlation between two features that both stay.
    """

    def __init__(self, threshold: float = 0.6) -> None:
        self.threshold = threshold

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Find the features to keep; `y` holds the class of each row."""
        X, y = validate_data(self, X, y, dtype=float, ensure_min_samples=2)
        with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # perfect separation: F is infinite
            if sample_weight is None:
                separation, r = f_classif(X, y)[0], np.corrcoef(X, rowvar=False)
            else:
                weights = _check_sample_weight(sample_weight, X, dtype=float)
                separation = _weighted_separation(X, y, weights)
                r = _weighted_correlation(X, weights)
            separation = np.nan_to_num(separation, nan=0.0)
            r = np.abs(np.nan_to_num(np.atleast_2d(r), nan=0.0))
        redundant = np.zeros(X.shape[1], dtype=bool)
        self.keep_ = np.zeros(X.shape[1], dtype=bool)
        for feature in np.argsort(-separation, kind="stable"):
            if not redundant[feature]:
                self.keep_[feature] = True
                redundant |= r[feature] > self.threshold
        return self

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


def _weighted_separation(X: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """ANOVA F of each feature up to a common factor; a row counts as often as its weight says."""
    groups = [(X[y == label], weights[y == label]) for label in np.unique(y)]
    mean = np.average(X, axis=0, weights=weights)
    means = [np.average(rows, axis=0, weights=w) for rows, w in groups]
    between = sum(w.sum() * (m - mean) ** 2 for (_, w), m in zip(groups, means, strict=True))
    within = sum(w @ (rows - m) ** 2 for (rows, w), m in zip(groups, means, strict=True))
    separation: np.ndarray = between / within
    return separation


def _weighted_correlation(X: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Pearson correlation of the features, in which a row counts as often as its weight says."""
    centred = X - np.average(X, axis=0, weights=weights)
    covariance = (centred * weights[:, None]).T @ centred
    deviation = np.sqrt(np.diag(covariance))
    r: np.ndarray = covariance / np.outer(deviation, deviation)
    return r


class ImportanceSelector(_Selector):
    """Selector of the features with the highest held-out permutation importance.

    Parameters
    ----------
    max_features : int
        Number of features to keep.
    random_state : int
        Seed of the forests and shuffles.
    weigh : {"lesions", "patients"}
        What counts alike in the importance.

    Attributes
    ----------
    importance_ : ndarray of float, shape (features,)
        Mean loss of AUC, see `held_out_importance`.
    """

    def __init__(
        self, max_features: int = 10, random_state: int = 0, weigh: str = "lesions"
    ) -> None:
        self.max_features, self.random_state, self.weigh = max_features, random_state, weigh

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Measure the importance; `groups` is the patient of each row and must be given."""
        if groups is None:
            raise ValueError("ImportanceSelector needs groups, the patient of each row")
        X, y = validate_data(self, X, y, dtype=float, ensure_min_samples=2)
        codes = np.unique(y, return_inverse=True)[1]
        groups = np.asarray(groups)
        self.importance_ = held_out_importance(X, codes, groups, self.random_state, self.weigh)
        best = np.argsort(-self.importance_, kind="stable")[: self.max_features]
        self.keep_ = np.isin(np.arange(X.shape[1]), best)
        return self

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
