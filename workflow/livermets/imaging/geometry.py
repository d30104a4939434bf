"""Voxel grids: comparing two, boxes within one, skewed grids, and masks brought onto a CT's grid.

Imports NumPy and SimpleITK alone: the extraction of radiomics, which starts often, uses it.
"""

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk

from livermets.core.errors import BadPatient

SHEAR_DEG, SHEAR_MM = 0.25, 0.05  # a grid beyond both is sheared; below, its numbers were rounded
MAX_OUTSIDE = 0.02  # fraction of a mask's voxels that may lie outside the CT
MAX_OFFSET = 0.4  # voxels; from here to a half, nearest neighbours on both sides are as near


def _steps(image: sitk.Image) -> np.ndarray:
    """The vectors (3, 3) in mm from voxel to voxel: column i along image axis i."""
    return np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()


def _corners(image: sitk.Image) -> np.ndarray:
    """The centres (8, 3) of the corner voxels in mm, LPS."""
    return _corner_indices(image) @ _steps(image).T + image.GetOrigin()


def _corner_indices(image: sitk.Image) -> np.ndarray:
    ends = [(0, n - 1) for n in image.GetSize()]
    return np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1).reshape(-1, 3)


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
    """How far a grid is from a right-angled box.

    Parameters
    ----------
    steps : ndarray, shape (3, 3)
        Column i is the vector in mm to the next voxel along axis i.
    size : tuple of int
        Number of voxels along each axis.

    Returns
    -------
    angle_deg : float
        Largest deviation from 90 degrees between two axes.
    drift_mm : float
        Largest displacement over the whole grid that follows from such a deviation.
    """
    lengths = np.linalg.norm(steps, axis=0)
    cosines = (steps / lengths).T @ (steps / lengths)
    extents = lengths * (np.asarray(size) - 1)
    pairs = [(0, 1), (0, 2), (1, 2)]
    angle = max(np.degrees(np.arcsin(min(1, abs(cosines[pair])))) for pair in pairs)
    drift = max(abs(cosines[i, j]) * max(extents[i], extents[j]) for i, j in pairs)
    return float(angle), float(drift)


def is_sheared(angle_deg: float, drift_mm: float, voxel_mm: float) -> bool:
    """Whether a grid is further from a right-angled box than rounding explains."""
    return (angle_deg > SHEAR_DEG and drift_mm > SHEAR_MM) or drift_mm > voxel_mm / 2


def refuse_shear(angle_deg: float, drift_mm: float, voxel_mm: float, patient: str) -> None:
    """Raise BadPatient if the slices of a CT are sheared, as a tilted gantry leaves them."""
    if is_sheared(angle_deg, drift_mm, voxel_mm):
        raise BadPatient(
            patient,
            f"the slices are sheared by {angle_deg:.1f}° ({drift_mm:.1f} mm over the scan), as a"
            " tilted gantry leaves them",
            "Export a tilt-corrected series, or set `imaging.resample_tilt: true` to straighten it",
        )


def orthonormal(steps: np.ndarray) -> tuple[np.ndarray, bool]:
    """The rotation nearest to the directions of `steps`, and whether it differs from them.

    Differences below 1e-5 come from the rounding of file formats and do not count.
    """
    directions = steps / np.linalg.norm(steps, axis=0)
    left, _, right = np.linalg.svd(directions)
    return left @ right, bool(np.abs(left @ right - directions).max() > 1e-5)


def axial_axis(image: sitk.Image) -> int:
    """The image axis (0, 1 or 2 in SimpleITK's order) nearest to the patient's long axis."""
    return int(np.argmax(np.abs(np.reshape(image.GetDirection(), (3, 3))[2])))


def onto_grid(
    mask: sitk.Image, image: sitk.Image, patient: str, name: str = "mask"
) -> tuple[sitk.Image, str]:
    """Bring a mask onto the voxel grid of an image.

    Parameters
    ----------
    mask, image : SimpleITK.Image
        Labels, and the CT that they belong to.
    patient, name : str
        The patient and the mask as messages call them.

    Returns
    -------
    mask : SimpleITK.Image
        The mask on the grid of the image.
    geometry : {"equal", "resampled"}
        "equal" if its voxels coincide with voxels of the image; it may cover a part of them, as
        3D Slicer and DICOM-SEG save masks. Otherwise it is resampled by nearest neighbour.

    Raises
    ------
    BadPatient
        More than 2 % of the labelled voxels lie outside the image: the mask belongs to another
        scan or has lost its geometry. Or the mask has the voxels of the image, moved by half a
        voxel, so that nobody can say which of two voxels of the CT one of the mask stands for.
    """
    if same_grid(mask, image):
        equal = sitk.Image(mask)
        equal.CopyInformation(image)
        return equal, "equal"
    index = np.argwhere(sitk.GetArrayViewFromImage(mask))[:, ::-1]
    points = index @ _steps(mask).T + mask.GetOrigin()
    inside = (points - image.GetOrigin()) @ np.linalg.inv(_steps(image)).T
    lost = ((inside < -0.5) | (inside > np.array(image.GetSize()) - 0.5)).any(axis=1)
    if len(lost) and lost.mean() > MAX_OUTSIDE:
        raise BadPatient(
            patient,
            f"{lost.mean():.0%} of the {name} lies outside the CT"
            f" (grid {describe_grid(mask)}, the CT's {describe_grid(image)})",
            "Give the mask drawn on this CT, saved with its position and orientation",
        )
    _refuse_half_voxels(mask, image, patient, name)
    resampled = sitk.Resample(mask, image, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
    return resampled, "equal" if _part_of(mask, image) else "resampled"


def _part_of(part: sitk.Image, whole: sitk.Image, tolerance_mm: float = 1e-3) -> bool:
    """Whether all voxels of `part` are voxels of `whole`; axes may be swapped or flipped."""
    to_index = np.linalg.inv(_steps(whole))
    axes = np.rint(to_index @ _steps(part))  # of `part` in voxels of `whole`
    if not (np.abs(axes).sum(0) == 1).all() or not (np.abs(axes).sum(1) == 1).all():
        return False
    start = np.rint(to_index @ np.subtract(part.GetOrigin(), whole.GetOrigin()))
    nearest = (start + _corner_indices(part) @ axes.T) @ _steps(whole).T + whole.GetOrigin()
    return bool(np.abs(nearest - _corners(part)).max() <= tolerance_mm)


def _refuse_half_voxels(mask: sitk.Image, image: sitk.Image, patient: str, name: str) -> None:
    """Refuse a mask whose voxels are those of the image but for half a voxel."""
    if not np.allclose(_steps(mask), _steps(image), atol=1e-3):
        return
    away = np.linalg.inv(_steps(image)) @ np.subtract(mask.GetOrigin(), image.GetOrigin())
    offset = np.abs(away - np.rint(away))
    if offset.max() > MAX_OFFSET:
        values = " × ".join(f"{value:.2f}" for value in offset)
        raise BadPatient(
            patient,
            f"the {name} lies between the voxels of the CT, {values} voxels off along its axes"
            f" (grid {describe_grid(mask)}, the CT's {describe_grid(image)})",
            "Save the mask with the origin of the CT if it was drawn on it; else resample it onto"
            " the CT in 3D Slicer and look at the result",
        )


def describe_grid(image: sitk.Image) -> str:
    """The size, spacing and origin of an image, for messages."""
    size = "×".join(map(str, image.GetSize()))
    spacing = "×".join(f"{value:.3g}" for value in image.GetSpacing())
    origin = ", ".join(f"{value:.1f}" for value in image.GetOrigin())
    return f"{size} of {spacing} mm from ({origin})"
