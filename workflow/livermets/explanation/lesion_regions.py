"""Regions of a lesion slice: the lesion's rim, its inside, and all that surrounds it."""

from collections.abc import Mapping

import numpy as np
import torch
from scipy import ndimage

from livermets.deep_learning.lesion_slices import MASKS


def read_slices(
    arrays: Mapping[str, np.ndarray], index: np.ndarray
) -> tuple[torch.Tensor, np.ndarray]:
    """Read some slices of a patient, and where the lesion is in them.

    Parameters
    ----------
    arrays : mapping
        Arrays of a patient, as `livermets.deep_learning.patient_slices.load_patients` gives them.
    index : ndarray of int
        The slices to read.

    Returns
    -------
    images : tensor of uint8, shape (n, size, size) or (n, channels, size, size)
        The images as the network takes them.
    masks : ndarray of bool, shape (n, channels, size, size)
        The lesion. With `masks` in the file (bits, packed along x) it is the same for all channels,
        else it is what is not black in each channel.
    """
    rows = torch.from_numpy(np.asarray(index, np.int64))
    images = torch.from_numpy(np.array(_take(arrays["images"], rows)))
    channels = images if images.ndim == 4 else images[:, None]
    if MASKS not in arrays:
        return images, channels.numpy() > 0
    size = channels.shape[-1]
    masks = np.unpackbits(arrays[MASKS][rows.numpy()], axis=-1, count=size).astype(bool)
    return images, np.broadcast_to(masks[:, None], tuple(channels.shape)).copy()


def middle(stack: np.ndarray) -> np.ndarray:
    """Take the middle channel of images (n, channels, size, size): the slice itself."""
    return stack[:, stack.shape[1] // 2]


def rim_of(mask: np.ndarray, share: float) -> np.ndarray:
    """Find the rim of a lesion: its pixels that are nearest to its edge.

    Parameters
    ----------
    mask : ndarray of bool, shape (size, size)
        The lesion.
    share : float
        Share of the lesion's pixels that the rim has. Pixels equally far from the edge stay
        together, so it has as near to this share as is possible.

    Returns
    -------
    ndarray of bool, shape (size, size)
        The rim. A lesion all of whose pixels are at its edge is all rim.
    """
    if not mask.any():
        return np.zeros_like(mask)
    distance = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    levels, counts = np.unique(distance[mask].round(6), return_counts=True)
    reached = counts.cumsum() / counts.sum()
    return mask & (distance <= levels[np.abs(reached - share).argmin()] + 1e-5)


def rims_of(masks: np.ndarray, share: float) -> np.ndarray:
    """Find the rims of many lesions, an array of bool of shape (..., size, size)."""
    flat = masks.reshape(-1, *masks.shape[-2:])
    return np.array([rim_of(mask, share) for mask in flat]).reshape(masks.shape)


def _take(images: object, rows: torch.Tensor) -> np.ndarray:
    """Copy the images at some rows, of an array or of `StackedImages`."""
    if isinstance(images, np.ndarray):
        return images[rows.numpy()]
    return images[rows].numpy()  # type: ignore[index]  # StackedImages takes tensors
