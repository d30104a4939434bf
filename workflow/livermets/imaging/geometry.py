"""Voxel grids: are two of them one, how skewed is one, and how a mask gets onto another's."""

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk

from livermets.core.errors import BadPatient

SHEAR_DEG, SHEAR_MM = 0.25, 0.05  # beyond both, slices are sheared rather than rounded
OUTSIDE = 0.02  # the part of a mask that may be lost beyond the edge of the CT


def _steps(image: sitk.Image) -> np.ndarray:
    """(3, 3) mm: column i is the way from a voxel to its neighbour along image axis i."""
    return np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()


def _corners(image: sitk.Image) -> np.ndarray:
    """(8, 3) mm, LPS: the centres of the corner voxels."""
    ends = [(0, n - 1) for n in image.GetSize()]
    index = np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1).reshape(-1, 3)
    return index @ _steps(image).T + image.GetOrigin()


def same_grid(first: sitk.Image, second: sitk.Image, tolerance_mm: float = 1e-3) -> bool:
    """Whether the voxels of two images coincide.

    Parameters
    ----------
    first, second : SimpleITK.Image
        The images to compare.
    tolerance_mm : float
        How far apart corresponding corner voxels may lie along each axis. Origin, spacing and
        direction cosines are not compared one by one: each counts by how far it moves a corner.

    Returns
    -------
    bool
        True if the sizes are equal and no corner is further off than the tolerance.
    """
    if first.GetSize() != second.GetSize():
        return False
    return bool(np.abs(_corners(first) - _corners(second)).max() <= tolerance_mm)


def bounding_box(mask: np.ndarray, margin: int | Sequence[int] = 0) -> tuple[slice, ...] | None:
    """The smallest box around the nonzero voxels of an array.

    Parameters
    ----------
    mask : ndarray, of any number of axes
        Boolean, or labels of which all but 0 count.
    margin : int or sequence of int
        Voxels by which the box is wider on both sides, the same on every axis or one number for
        each; it ends at the edge of the array.

    Returns
    -------
    tuple of slice, or None
        One slice of `mask` for each axis; None if all voxels are 0.
    """
    box = []
    for axis, wider in enumerate(np.broadcast_to(margin, mask.ndim).tolist()):
        others = tuple(other for other in range(mask.ndim) if other != axis)
        occupied = np.flatnonzero(mask.any(axis=others))
        if not len(occupied):
            return None
        first, last = int(occupied[0]), int(occupied[-1])
        box.append(slice(max(0, first - wider), min(mask.shape[axis], last + 1 + wider)))
    return tuple(box)


def skew(steps: np.ndarray, size: tuple[int, int, int]) -> tuple[float, float]:
    """How far a grid is from a box: the worst angle off 90° (deg) and its drift over the grid (mm).

    `steps` (3, 3) mm: column i leads to the next voxel along axis i; `size` in voxels.
    """
    lengths = np.linalg.norm(steps, axis=0)
    cosines = (steps / lengths).T @ (steps / lengths)
    extents = lengths * (np.asarray(size) - 1)
    pairs = [(0, 1), (0, 2), (1, 2)]
    angle = max(np.degrees(np.arcsin(min(1, abs(cosines[pair])))) for pair in pairs)
    drift = max(abs(cosines[i, j]) * max(extents[i], extents[j]) for i, j in pairs)
    return float(angle), float(drift)


def is_sheared(angle_deg: float, drift_mm: float, voxel_mm: float) -> bool:
    """Whether a grid is further from a box than rounding explains."""
    return (angle_deg > SHEAR_DEG and drift_mm > SHEAR_MM) or drift_mm > voxel_mm / 2


def refuse_shear(angle_deg: float, drift_mm: float, voxel_mm: float, patient: str) -> None:
    """BadPatient where the slices of a CT are stacked askew, as a tilted gantry leaves them."""
    if is_sheared(angle_deg, drift_mm, voxel_mm):
        raise BadPatient(
            patient,
            f"the slices are sheared by {angle_deg:.1f}° ({drift_mm:.1f} mm over the scan), as a"
            " tilted gantry leaves them",
            "Export a tilt-corrected series, or set `imaging.resample_tilt: true` to straighten it",
        )


def orthonormal(steps: np.ndarray) -> tuple[np.ndarray, bool]:
    """The rotation nearest to the directions of `steps`, and whether that changed anything.

    Changes below 1e-5 are the rounding of file formats and do not count.
    """
    directions = steps / np.linalg.norm(steps, axis=0)
    left, _, right = np.linalg.svd(directions)
    return left @ right, bool(np.abs(left @ right - directions).max() > 1e-5)


def axial_axis(image: sitk.Image) -> int:
    """The image axis (0 x, 1 y, 2 z of SimpleITK) that runs most nearly head to foot."""
    return int(np.argmax(np.abs(np.reshape(image.GetDirection(), (3, 3))[2])))


def onto_grid(
    mask: sitk.Image, image: sitk.Image, patient: str, what: str = "mask"
) -> tuple[sitk.Image, str]:
    """`mask` on the voxels of `image`, and how: "equal" or "resampled" (nearest neighbour).

    A mask cropped to some of the CT's voxels, as 3D Slicer and DICOM-SEG keep them, is equal.
    Raises BadPatient where more than 2 % of the labelled voxels lie outside the image: such a mask
    belongs to another scan, or lost its geometry on the way.
    """
    if same_grid(mask, image):
        equal = sitk.Image(mask)
        equal.CopyInformation(image)
        return equal, "equal"
    index = np.argwhere(sitk.GetArrayViewFromImage(mask))[:, ::-1]
    points = index @ _steps(mask).T + mask.GetOrigin()
    inside = (points - image.GetOrigin()) @ np.linalg.inv(_steps(image)).T
    lost = ((inside < -0.5) | (inside > np.array(image.GetSize()) - 0.5)).any(axis=1)
    if len(lost) and lost.mean() > OUTSIDE:
        raise BadPatient(
            patient,
            f"{lost.mean():.0%} of the {what} lies outside the CT"
            f" (grid {_describe(mask)}, the CT's {_describe(image)})",
            "Give the mask drawn on this CT, saved with its position and orientation",
        )
    resampled = sitk.Resample(mask, image, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
    return resampled, "equal" if _part_of(mask, image) else "resampled"


def _part_of(part: sitk.Image, whole: sitk.Image, tolerance_mm: float = 1e-3) -> bool:
    """Whether the voxels of `part` coincide with some of `whole`, in whatever order they lie."""
    to_index = np.linalg.inv(_steps(whole))
    turn = np.rint(to_index @ _steps(part))
    if not (np.abs(turn).sum(0) == 1).all() or not (np.abs(turn).sum(1) == 1).all():
        return False
    ends = [(0, n - 1) for n in part.GetSize()]
    own = np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1).reshape(-1, 3)
    start = np.rint(to_index @ np.subtract(part.GetOrigin(), whole.GetOrigin()))
    there = (start + own @ turn.T) @ _steps(whole).T + whole.GetOrigin()
    return bool(np.abs(there - _corners(part)).max() <= tolerance_mm)


def _describe(image: sitk.Image) -> str:
    size = "×".join(map(str, image.GetSize()))
    spacing = "×".join(f"{value:.3g}" for value in image.GetSpacing())
    origin = ", ".join(f"{value:.1f}" for value in image.GetOrigin())
    return f"{size} of {spacing} mm from ({origin})"
