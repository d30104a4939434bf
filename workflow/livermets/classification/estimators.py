"""Classifiers with scikit-learn's interface that scikit-learn itself does not have."""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.cluster import KMeans
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data


class NearestNeighbours(ClassifierMixin, BaseEstimator):
    """k nearest neighbours, where k is at most the number of training rows.

    A fold of a small, undersampled cohort can have fewer rows than the k being tried.

    Parameters
    ----------
    n_neighbors : int
        k, the number of neighbours.
    weights : {"uniform", "distance"}
        Whether all neighbours count alike, or near ones more.
    algorithm : str
        How neighbours are searched, see scikit-learn's KNeighborsClassifier.
    """

    def __init__(
        self, n_neighbors: int = 5, weights: str = "uniform", algorithm: str = "auto"
    ) -> None:
        self.n_neighbors, self.weights, self.algorithm = n_neighbors, weights, algorithm

    def fit(self, X: Any, y: Any) -> Self:
        """Keep the training rows."""
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        k = min(self.n_neighbors, len(y))
        self.neighbours_ = KNeighborsClassifier(k, weights=self.weights, algorithm=self.algorithm)
        self.neighbours_.fit(X, y)
        self.classes_ = self.neighbours_.classes_
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Class of each row, shape (rows,)."""
        check_is_fitted(self)
        classes: np.ndarray = self.neighbours_.predict(validate_data(self, X, reset=False))
        return classes

    def predict_proba(self, X: Any) -> np.ndarray:
        """Share of each class among the neighbours, shape (rows, classes)."""
        check_is_fitted(self)
        shares: np.ndarray = self.neighbours_.predict_proba(validate_data(self, X, reset=False))
        return shares


class KMeansSVC(ClassifierMixin, BaseEstimator):
    """k-means-clustering SVM: a linear SVM on features and distances to cluster centroids.

    k-means groups the training rows without their labels; the standardised distances of a row to
    the centroids are put beside its features, and one linear SVM separates the classes in that
    space. The paper names “K-means clustering SVM” without defining it. One SVM per cluster (Gu &
    Han 2013, clustered SVM) would need both classes in every cluster; this does not.

    Parameters
    ----------
    clusters : int
        Number of centroids, at most the number of distinct training rows.
    C : float
        Cost of the SVM.
    random_state : int, optional
        Seed of k-means.
    """

    def __init__(self, clusters: int = 4, C: float = 1.0, random_state: int | None = None) -> None:
        self.clusters, self.C, self.random_state = clusters, C, random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit k-means and the SVM; `sample_weight` is for the SVM, clusters use no classes."""
        X, y = validate_data(self, X, y, dtype=float)
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError("KMeansSVC needs two classes, the rows are of 1 class")
        clusters = min(self.clusters, len(np.unique(X, axis=0)))
        self.kmeans_ = KMeans(clusters, n_init=3, random_state=self.random_state).fit(X)
        self.scaler_ = StandardScaler().fit(self.kmeans_.transform(X))
        self.svm_ = SVC(kernel="linear", C=self.C).fit(self._augmented(X), y, sample_weight)
        return self

    def _augmented(self, X: np.ndarray) -> np.ndarray:
        return np.hstack([X, self.scaler_.transform(self.kmeans_.transform(X))])

    def _checked(self, X: Any) -> np.ndarray:
        """The features and distances of new rows."""
        check_is_fitted(self)
        return self._augmented(validate_data(self, X, reset=False, dtype=float))

    def decision_function(self, X: Any) -> np.ndarray:
        """Signed distance to the separating plane; (rows,) for two classes."""
        rows = self._checked(X)
        distances: np.ndarray = self.svm_.decision_function(rows)
        return distances

    def predict(self, X: Any) -> np.ndarray:
        """Class of each row, shape (rows,)."""
        rows = self._checked(X)
        classes: np.ndarray = self.svm_.predict(rows)
        return classes
