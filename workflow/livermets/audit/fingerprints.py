"""What a patient's images are known by, whatever their files are called: digests of voxel values.

Counts of the values are digested, not their order, so that a scan that was flipped, cut shorter or
saved in another format is recognised all the same.
"""

import hashlib

import numpy as np
import SimpleITK as sitk

from livermets.imaging.geometry import axial_axis, bounding_box

# Below these, values may agree by chance: an empty slice is like any other, and so is a speck.
DIFFERENT_VALUES, VOXELS = 50, 30


def fingerprint(ct: sitk.Image, mask: sitk.Image, lesions: sitk.Image) -> dict:
    """Digests of one patient's CT, mask and lesions, for JSON.

    Parameters
    ----------
    ct : int16 HU
    mask : labels of liver and lesion
    lesions : the kept lesions as 1…n; all three on one grid

    Returns
    -------
    slices : of each axial slice that holds more than padding
    mask : of the labels within their bounding box (None where there is none): a shape, wherever it
        lies
    lesions : number -> digest of the HU inside, for lesions of at least `VOXELS` voxels
    """
    hu, labels = sitk.GetArrayViewFromImage(ct), sitk.GetArrayViewFromImage(mask)
    # SimpleITK's axes are x, y, z; an array's the other way round
    slices = [_of_values(part) for part in np.moveaxis(hu, 2 - axial_axis(ct), 0)]
    numbered = sitk.GetArrayViewFromImage(lesions).ravel()
    inside = np.flatnonzero(numbered)
    order = inside[np.argsort(numbered[inside], kind="stable")]
    numbers, starts = np.unique(numbered[order], return_index=True)
    parts = np.split(hu.ravel()[order], starts[1:]) if len(numbers) else []
    return {
        "slices": [digest for digest in slices if digest],
        "mask": _of_shape(labels),
        "lesions": {
            str(number): _digest(np.sort(part))
            for number, part in zip(numbers, parts, strict=True)
            if len(part) >= VOXELS
        },
    }


def _of_values(part: np.ndarray) -> str | None:
    """Digest of how often each value occurs; None where there are too few to know a slice by."""
    lowest = int(part.min())
    counts = np.bincount(part.ravel().astype(np.int64) - lowest)
    if np.count_nonzero(counts) < DIFFERENT_VALUES:
        return None
    return _digest(np.append(counts, lowest))


def _of_shape(labels: np.ndarray) -> str | None:
    box = bounding_box(labels)
    if box is None or np.count_nonzero(labels) < VOXELS:
        return None
    inside = labels[box].astype(np.uint8)
    return _digest(inside, np.array(inside.shape))


def _digest(*parts: np.ndarray) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.tobytes())
    return digest.hexdigest()[:20]
