"""Class balancing: training rows in equal numbers of each class, by undersampling or SMOTE.

Balancing decides which rows a classifier learns from, and so also what each of them weighs.
"""

import logging
from typing import Any, Self

import numpy as np
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from livermets.classification.row_weights import equal_class_weights, patient_weights
from livermets.core.errors import BadInput

log = logging.getLogger(__name__)

NEIGHBOURS = 5  # of SMOTE, as in Chawla 2002


class ClassBalancer(BaseEstimator):
    """Sampler for an imbalanced-learn pipeline that balances the classes of the training rows.

    SMOTE interpolates between a row of the smaller class and one of its 5 nearest neighbours in
    that class (Chawla 2002, 10.1613/jair.953), or of as many neighbours as there are. A class with
    a single row has no neighbour, so its row is repeated instead.

    Parameters
    ----------
    strategy : {"none", "weights", "undersample", "smote"}
        With `none` and `weights` the rows stay as they are: weights are given to the classifier.
    random_state : int, optional
        Seed of the rows that are drawn.
    weigh : {"lesions", "patients"}
        What counts alike in the weights that `balance` returns.

    Attributes
    ----------
    note_ : str
        Deviation from SMOTE with 5 neighbours, or empty.
    """

    def __init__(
        self,
        strategy: str = "none",
        random_state: int | None = None,
        weigh: str = "lesions",
    ) -> None:
        self.strategy, self.random_state, self.weigh = strategy, random_state, weigh

    def fit(self, X: Any, y: Any) -> Self:
        """Check the strategy and choose SMOTE's neighbours, as `fit_resample` does."""
        X, y = validate_data(self, X, y)
        self._sampler(y)
        return self

    def fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:
        """The balanced rows and their classes."""
        sampler = self._sampler(y)
        return (X, y) if sampler is None else sampler.fit_resample(X, y)

    def balance(
        self, X: np.ndarray, y: np.ndarray, patients: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Balance the rows and weigh them.

        With `weigh="lesions"` only the strategy `weights` has weights: the classes have the same
        sum of weights. With `weigh="patients"` the patients of a class weigh the same, whatever the
        number of their rows; where classes are balanced, by whichever strategy, these have the same
        sum of weights, too. A row that SMOTE made belongs to no patient and weighs as much as the
        mean lesion of its class.

        Parameters
        ----------
        X : ndarray of float, shape (rows, features)
            Training rows.
        y : ndarray of int, shape (rows,)
            Class of each row.
        patients : ndarray, shape (rows,), optional
            Patient of each row; needed with `weigh="patients"`.

        Returns
        -------
        X, y : ndarray
            The balanced rows and their classes.
        weights : ndarray of float, shape (balanced rows,) or None
            Weights; None where all rows weigh the same.
        """
        sampler = self._sampler(y)
        rows, classes = (X, y) if sampler is None else sampler.fit_resample(X, y)
        if self.weigh == "lesions":
            if self.strategy != "weights":
                return rows, classes, None
            return rows, classes, equal_class_weights(classes, np.ones(len(classes)))
        if patients is None:
            raise ValueError("weigh='patients' needs the patient of each row")
        # SMOTE puts its rows behind the others; the other samplers tell the row of origin
        origin = getattr(sampler, "sample_indices_", np.arange(len(y)))
        weights = patient_weights(np.asarray(patients)[origin])
        means = {label: weights[y[origin] == label].mean() for label in np.unique(y)}
        made = np.array([means[label] for label in classes[len(origin) :]])
        weights = np.concatenate([weights, made])
        balanced = self.strategy != "none"
        return rows, classes, equal_class_weights(classes, weights) if balanced else weights

    def _sampler(self, y: Any) -> Any:
        """The sampler of imbalanced-learn, or None where the rows stay as they are."""
        self.note_ = ""
        if self.strategy in ("none", "weights"):
            return None
        if self.strategy == "undersample":
            return RandomUnderSampler(random_state=self.random_state)
        if self.strategy != "smote":
            raise BadInput(
                f"no resampling {self.strategy!r}: give none, weights, undersample or smote."
            )
        smallest = np.unique(y, return_counts=True)[1].min()
        neighbours = min(NEIGHBOURS, smallest - 1)
        if neighbours == 0:
            self.note_ = "SMOTE repeated the only row of a class"
        elif neighbours < NEIGHBOURS:
            self.note_ = f"SMOTE with {neighbours} neighbours: a class has {smallest} rows"
        if self.note_:
            log.warning(self.note_)
        if neighbours == 0:
            return RandomOverSampler(random_state=self.random_state)
        return SMOTE(k_neighbors=neighbours, random_state=self.random_state)
