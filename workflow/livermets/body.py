"""Where in a CT the patient is: most of a slice is air, a table and blankets."""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

AIR_HU = -250  # below it lie air, lung and most foam
MARGIN_MM = 20
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


def body_box(
    body: np.ndarray, spacing_mm: Sequence[float], least: Sequence[float]
) -> tuple[slice, ...]:
    """Slices around the body and a margin, at least `least` voxels long where there are as many."""
    box = []
    for (first, last), step, n, length in zip(
        extent(body), spacing_mm, body.shape, np.ceil(least).astype(int), strict=True
    ):
        margin = int(np.ceil(MARGIN_MM / step))
        more = max(0, length - (last + 1 - first + 2 * margin))
        start = max(0, min(first - margin - more // 2, n - length))
        stop = min(n, max(last + 1 + margin, start + length))
        box.append(slice(int(start), int(stop)))
    return tuple(box)


def extent(mask: np.ndarray) -> list[tuple[int, int]]:
    """First and last index with a true voxel along each axis."""
    hits = [
        np.flatnonzero(mask.any(axis=tuple({*range(mask.ndim)} - {axis})))
        for axis in range(mask.ndim)
    ]
    return [(int(hit[0]), int(hit[-1])) for hit in hits]
