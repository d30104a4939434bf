"""Body mask: the voxels of a CT that belong to the patient, without air, table and blankets."""

import numpy as np

from livermets.imaging.connected_pieces import largest_piece

AIR_HU = -250  # air, lung and most foams of a table have less
COARSE_SIZE = 128  # voxels along an axis that are enough to tell a patient from a table


def body_mask(hu: np.ndarray) -> np.ndarray:
    """Find the body in a CT: the largest connected part that is denser than air.

    The mask has the shape of `hu` (z, y, x), and is true everywhere in a CT of air alone. The part
    is searched on a coarse grid of every n-th voxel.
    """
    coarse = tuple(slice(None, None, max(1, n // COARSE_SIZE)) for n in hu.shape)
    mask = largest_piece(hu[coarse] > AIR_HU)
    if not mask.any():
        return np.ones(hu.shape, bool)
    for axis, every in enumerate(coarse):
        mask = mask.repeat(every.step, axis).take(range(hu.shape[axis]), axis)
    return mask
