"""Bootstrap over patients, for the bands of curves.

Tested patients are drawn with replacement, as many of each class as there are, and every lesion
follows its patient. Numbers have intervals from `livermets.evaluation.intervals`; a curve's height
at one place depends on single ranks, for which the jackknife does not hold.
"""

import numpy as np


def draw_patients(label: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """Count how often each patient is drawn; every class keeps its number of patients.

    Parameters
    ----------
    label : ndarray, shape (patients,)
        Class of each patient.
    draws : int
        Number of draws.
    seed : int
        Seed of the random numbers.

    Returns
    -------
    ndarray of float, shape (draws, patients)
        The counts.
    """
    rng = np.random.default_rng(seed)
    counts = np.zeros((draws, len(label)))
    for name in np.unique(label):
        members = np.flatnonzero(label == name)
        probability = np.full(len(members), 1 / len(members))
        counts[:, members] = rng.multinomial(len(members), probability, size=draws)
    return counts
