"""Row weights: how much each lesion counts, where patients count alike instead of lesions.

A patient with 500 of 558 lesions decides what is learned when every lesion counts alike
(`classification.weigh: lesions`, as in the paper). With `classification.weigh: patients` a lesion
weighs 1 / the number of its patient's lesions among the same rows, so a patient weighs as much as
one lesion would: the lesions of a patient twice over change nothing.
"""

import numpy as np


def patient_weights(patients: np.ndarray) -> np.ndarray:
    """Weigh each row by 1 / the number of rows of its patient.

    Parameters
    ----------
    patients : ndarray, shape (rows,)
        Patient of each row.

    Returns
    -------
    ndarray of float, shape (rows,)
        Weights, whose sum is the number of patients.
    """
    _, number, counts = np.unique(patients, return_inverse=True, return_counts=True)
    weights: np.ndarray = 1 / counts[number]
    return weights


def equal_class_weights(y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Scale weights so that those of every class have the same sum; the sum of all stays.

    Parameters
    ----------
    y : ndarray, shape (rows,)
        Class of each row.
    weights : ndarray of float, shape (rows,)
        Weights, whose proportions within a class stay.

    Returns
    -------
    ndarray of float, shape (rows,)
        The scaled weights.
    """
    classes, number = np.unique(y, return_inverse=True)
    sums = np.bincount(number, weights=weights)
    scaled: np.ndarray = weights * weights.sum() / (len(classes) * sums[number])
    return scaled


def scoring_weights(patients: np.ndarray, weigh: str) -> np.ndarray | None:
    """Weights of the rows of a score or threshold: None where every lesion counts alike."""
    return patient_weights(patients) if weigh == "patients" else None
