"""Class balancing: training rows in equal numbers of each class, by undersampling or SMOTE."""

import logging
from typing import Any, Self

import numpy as np
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

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

    Attributes
    ----------
    note_ : str
        Deviation from SMOTE with 5 neighbours, or empty.
    """

    def __init__(self, strategy: str = "none", random_state: int | None = None) -> None:
        self.strategy, self.random_state = strategy, random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Check the strategy and choose SMOTE's neighbours, as `fit_resample` does."""
        X, y = validate_data(self, X, y)
        self._sampler(y)
        return self

    def fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:
        """The balanced rows and their classes."""
        sampler = self._sampler(y)
        return (X, y) if sampler is None else sampler.fit_resample(X, y)

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
