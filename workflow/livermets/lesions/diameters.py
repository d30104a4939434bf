"""Diameters of a lesion, measured between the centres of its voxels or from its volume."""

from contextlib import suppress

import numpy as np
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import cdist, pdist

HULL_FROM = 1000  # points; fewer are compared with each other without a hull
PDIST_UP_TO = 4000  # points; the distances of more do not fit into memory at once
Spacing = tuple[float, float, float]


def axial_diameter(mask: np.ndarray, spacing_mm: Spacing, axis: int = 0) -> float:
    """Measure the longest distance in mm between two voxel centres within one axial slice.

    The measure of RECIST 1.1 (10.1016/j.ejca.2008.10.026). It is 0 for a lesion with one voxel in
    each slice.

    Parameters
    ----------
    mask : ndarray of bool, shape (z, y, x)
        Voxels of the lesion.
    spacing_mm : tuple of float
        Spacing along the axes of `mask`.
    axis : int
        The axis of `mask` that runs across the axial slices.

    Returns
    -------
    float
        The diameter in mm.
    """
    slices = np.moveaxis(mask, axis, 0)
    in_plane = np.delete(spacing_mm, axis)
    return max((_longest(plane, in_plane) for plane in slices if plane.any()), default=0.0)


def feret_diameter(mask: np.ndarray, spacing_mm: Spacing) -> float:
    """Measure the longest distance in mm between two voxel centres in space (maximum Feret).

    Parameters
    ----------
    mask : ndarray of bool, shape (z, y, x)
        Voxels of the lesion.
    spacing_mm : tuple of float
        Spacing along the axes of `mask`.

    Returns
    -------
    float
        The diameter in mm.
    """
    return _longest(mask, np.asarray(spacing_mm))


def sphere_diameter(volume_ml: float) -> float:
    """Compute the diameter in mm of the sphere with this volume."""
    return float((6 * volume_ml * 1000 / np.pi) ** (1 / 3))


def _longest(mask: np.ndarray, spacing_mm: np.ndarray) -> float:
    """Longest distance in mm between two voxel centres of `mask`.

    Both voxels lie on the convex hull, and the hull on the first and last voxels of the rows.
    """
    rows = mask.any(axis=-1)
    first = mask.argmax(axis=-1)[rows]
    last = mask.shape[-1] - 1 - mask[..., ::-1].argmax(axis=-1)[rows]
    row_indices = np.argwhere(rows)
    points = np.vstack(
        [np.column_stack([row_indices, first]), np.column_stack([row_indices, last])]
    )
    points = points * spacing_mm
    points = points[:, np.ptp(points, axis=0) > 0]  # a flat lesion has no hull in space
    if len(points) > HULL_FROM and points.shape[1] > 1:
        with suppress(QhullError):  # all points in one oblique plane; the hull only saves time
            points = points[ConvexHull(points).vertices]
    if points.shape[1] == 0:
        return 0.0
    if len(points) <= PDIST_UP_TO:
        return float(pdist(points).max())
    return max(float(cdist(block, points).max()) for block in np.array_split(points, 100))
