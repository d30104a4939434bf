"""Diameters of a lesion, measured between the centres of its voxels or from its volume."""

from contextlib import suppress

import numpy as np
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import cdist, pdist


def axial(mask: np.ndarray, spacing_mm: tuple[float, float, float], axis: int = 0) -> float:
    """Longest distance (mm) between two voxel centres within one slice across `axis`.

    The ruler of a radiologist (RECIST 1.1, 10.1016/j.ejca.2008.10.026). `mask` (z, y, x) boolean,
    spacing in that order too. A lesion of one voxel a slice has 0.
    """
    slices = np.moveaxis(mask, axis, 0)
    in_plane = np.delete(spacing_mm, axis)
    return max((_longest(plane, in_plane) for plane in slices if plane.any()), default=0.0)


def feret(mask: np.ndarray, spacing_mm: tuple[float, float, float]) -> float:
    """Longest distance (mm) between two voxel centres in space; arguments as in `axial`."""
    return _longest(mask, np.asarray(spacing_mm))


def sphere(volume_ml: float) -> float:
    """Diameter (mm) of the sphere of that volume."""
    return float((6 * volume_ml * 1000 / np.pi) ** (1 / 3))


def _longest(mask: np.ndarray, spacing_mm: np.ndarray) -> float:
    """The farthest pair lies on the hull, and the hull on the two ends of every row of voxels."""
    rows = mask.any(axis=-1)
    first = mask.argmax(axis=-1)[rows]
    last = mask.shape[-1] - 1 - mask[..., ::-1].argmax(axis=-1)[rows]
    where = np.argwhere(rows)
    points = np.vstack([np.column_stack([where, first]), np.column_stack([where, last])])
    points = points * spacing_mm
    points = points[:, np.ptp(points, axis=0) > 0]  # a flat lesion has no hull in space
    if len(points) > 1000 and points.shape[1] > 1:
        with suppress(QhullError):  # all in one oblique plane; the hull only saves time
            points = points[ConvexHull(points).vertices]
    if points.shape[1] == 0:
        return 0.0
    if len(points) <= 4000:
        return float(pdist(points).max())
    return max(float(cdist(block, points).max()) for block in np.array_split(points, 100))
