"""Where in a CT the patient is: most of a slice is air, a table and blankets."""

import numpy as np
from scipy import ndimage

AIR_HU = -250  # below it lie air, lung and most foam
COARSE = 128  # voxels a side that are enough to tell a patient from a table


def body_mask(hu: np.ndarray) -> np.ndarray:
    """Boolean like `hu`: the largest thing denser than air, found on every few voxels.

    Everywhere, where nothing is.
    """
    step = tuple(slice(None, None, max(1, n // COARSE)) for n in hu.shape)
    parts, n = ndimage.label(hu[step] > AIR_HU)
    if not n:
        return np.ones(hu.shape, bool)
    mask = parts == np.bincount(parts.ravel())[1:].argmax() + 1
    for axis, part in enumerate(step):
        mask = mask.repeat(part.step, axis).take(range(hu.shape[axis]), axis)
    return mask
