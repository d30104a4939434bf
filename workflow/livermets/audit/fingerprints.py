"""Hashes of voxel values that identify a scan independently of file names.

How often each value occurs is hashed, not the order of the voxels, so that a scan is recognised
even if it was flipped, cut shorter or saved in another format.
"""

import hashlib
from typing import Any

import numpy as np
import SimpleITK as sitk

from livermets.imaging.geometry import axial_axis, bounding_box

# Slices with fewer different values and objects with fewer voxels may agree by chance.
MIN_DIFFERENT_VALUES, MIN_VOXELS = 50, 30


def fingerprint(ct: sitk.Image, mask: sitk.Image, lesions: sitk.Image) -> dict[str, Any]:
    """Hash one patient's CT, mask and lesions; the result fits JSON.

    Parameters
    ----------
    ct : SimpleITK.Image of int16
        CT in HU.
    mask : SimpleITK.Image of integers
        Labels of liver and lesion, on the grid of `ct`.
    lesions : SimpleITK.Image of integers
        The kept lesions as 1 to n, on the grid of `ct`.

    Returns
    -------
    dict
        `slices`: hash of each axial slice that holds more than padding. `mask`: hash of the labels
        within their bounding box, so that its place does not matter; None for an empty mask.
        `lesions`: number of the lesion -> hash of the HU inside, of lesions with `MIN_VOXELS`.
    """
    hu, labels = sitk.GetArrayViewFromImage(ct), sitk.GetArrayViewFromImage(mask)
    # SimpleITK's axes are x, y, z; an array's the other way round
    slices = [_slice_hash(part) for part in np.moveaxis(hu, 2 - axial_axis(ct), 0)]
    numbered = sitk.GetArrayViewFromImage(lesions).ravel()
    inside = np.flatnonzero(numbered)
    order = inside[np.argsort(numbered[inside], kind="stable")]
    numbers, starts = np.unique(numbered[order], return_index=True)
    parts = np.split(hu.ravel()[order], starts[1:]) if len(numbers) else []
    return {
        "slices": [value for value in slices if value],
        "mask": _mask_hash(labels),
        "lesions": {
            str(number): _hash(np.sort(part))
            for number, part in zip(numbers, parts, strict=True)
            if len(part) >= MIN_VOXELS
        },
    }


def _slice_hash(part: np.ndarray) -> str | None:
    """Hash of how often each value occurs; None with too few different values."""
    lowest = int(part.min())
    counts = np.bincount(part.ravel().astype(np.int64) - lowest)
    if np.count_nonzero(counts) < MIN_DIFFERENT_VALUES:
        return None
    return _hash(np.append(counts, lowest))


def _mask_hash(labels: np.ndarray) -> str | None:
    """Hash of the labels within their bounding box; None with too few voxels."""
    box = bounding_box(labels)
    if box is None or np.count_nonzero(labels) < MIN_VOXELS:
        return None
    inside = labels[box].astype(np.uint8)
    return _hash(inside, np.array(inside.shape))


def _hash(*parts: np.ndarray) -> str:
    """The first 20 digits of the SHA-256 of several arrays."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.tobytes())
    return digest.hexdigest()[:20]
