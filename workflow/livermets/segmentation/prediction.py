"""Prediction: what every kind of model gives for a CT, its labels and how sure it is of lesions."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Prediction(NamedTuple):
    """Labels of the voxels of a CT, and the probability of lesion.

    Parameters
    ----------
    labels : ndarray of int, shape (z, y, x)
        The model's own values, as the configuration's `labels` map them.
    lesion_probability : ndarray of float32, shape (z, y, x), or None
        Probability from 0 to 1 in the voxels that the model calls lesion; elsewhere it may be 0.
        None from a model without lesions.
    """

    labels: np.ndarray
    lesion_probability: np.ndarray | None = None

    def map(self, change: Callable[[np.ndarray], np.ndarray]) -> "Prediction":
        """Change the labels and, where there is one, the probability by a function."""
        probability = self.lesion_probability
        return Prediction(change(self.labels), None if probability is None else change(probability))
