"""Classifiers of our own, where the library has none that fits: scikit-learn's interface."""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.cluster import KMeans
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.multiclass import unique_labels


class NearestNeighbours(KNeighborsClassifier):
    """k nearest neighbours; k is at most the number of training rows.

    A fold of a small, undersampled cohort can have fewer rows than the k being tried.
    """

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        self.n_neighbors = min(self.n_neighbors, len(y))
        return super().fit(X, y)


class KMeansSVC(ClassifierMixin, BaseEstimator):
    """k-means-clustering SVM: a linear SVM that also sees where a row lies among the clusters.

    k-means groups the training rows (without their labels); the distances of a row to the
    centroids, standardised, are put beside its features, and one linear SVM separates the
    classes in that space. The paper names “K-means clustering SVM” without defining it. One SVM
    per cluster (Gu & Han 2013, clustered SVM) needs both classes in every cluster; this does not.

    clusters : number of centroids, at most the number of training rows
    C : the SVM's cost
    """

    def __init__(self, clusters: int = 4, C: float = 1.0, random_state: int | None = None) -> None:
        self.clusters, self.C, self.random_state = clusters, C, random_state

    def fit(self, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None) -> Self:
        """`sample_weight` is for the SVM; clusters know nothing of classes."""
        self.classes_ = unique_labels(y)
        self.kmeans_ = KMeans(
            min(self.clusters, len(np.unique(X, axis=0))), n_init=3, random_state=self.random_state
        ).fit(X)
        self.scaler_ = StandardScaler().fit(self.kmeans_.transform(X))
        self.svm_ = SVC(kernel="linear", C=self.C).fit(self._augmented(X), y, sample_weight)
        return self

    def _augmented(self, X: np.ndarray) -> np.ndarray:
        return np.hstack([X, self.scaler_.transform(self.kmeans_.transform(X))])

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Signed distance to the separating plane; (rows,) for two classes."""
        return self.svm_.decision_function(self._augmented(X))

    def predict(self, X: np.ndarray) -> Any:
        """The class of each row, shape (rows,)."""
        return self.svm_.predict(self._augmented(X))
