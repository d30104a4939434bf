"""Connected pieces of a mask: the largest one."""

import numpy as np
from scipy import ndimage


def largest_piece(mask: np.ndarray, neighbours: np.ndarray | None = None) -> np.ndarray:
    """The largest connected piece of a mask; of equal ones, the first.

    Parameters
    ----------
    mask : ndarray of bool, of any number of axes
        The mask.
    neighbours : ndarray of bool, optional
        Which of the voxels around one are connected with it, with three voxels along each axis.
        Default: those that share a face.

    Returns
    -------
    ndarray of bool
        The piece, in the shape of `mask`; empty where the mask is.
    """
    pieces, count = ndimage.label(mask, neighbours)
    if count == 0:
        return np.zeros(mask.shape, bool)
    piece: np.ndarray = pieces == np.bincount(pieces.ravel())[1:].argmax() + 1
    return piece
