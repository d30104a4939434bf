"""The voxel grid that the slices of a DICOM series span, with gaps and a tilted gantry refused."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pydicom
import SimpleITK as sitk

from livermets.core.errors import BadPatient
from livermets.imaging.dicom_headers import display_name, geometry_tag, value_of
from livermets.imaging.geometry import is_sheared, refuse_shear

OUTSIDE_HU = -1024  # of voxels that no slice covers
MIN_GAP_MM = 1e-3  # two slices nearer than this lie at one position
MIN_NORMAL = 0.5  # length of the cross product of rows and columns, 1 if they are at right angles
MIN_TILT_DEG = 0.5  # smaller angles in GantryDetectorTilt are rounding

# What a slice has whose header leaves these tags out
OPTIONAL_TAGS = {"GantryDetectorTilt": 0.0, "RescaleSlope": 1.0, "RescaleIntercept": 0.0}
# How many numbers the tags hold that place a slice
GEOMETRY_TAGS = {"ImagePositionPatient": 3, "ImageOrientationPatient": 6, "PixelSpacing": 2}

Slice = tuple[Path, pydicom.Dataset]  # file and header


class SliceStack(NamedTuple):
    """The slices of a series in the order of their positions, and the grid that they span.

    Parameters
    ----------
    slices : list of tuple of Path and pydicom.Dataset
        Files and headers, from the lowest position along the normal of the slices to the highest.
    steps_mm : ndarray, shape (3, 3)
        Column i is the way from one voxel to the next along a row, a column, the slices.
    origin_mm : ndarray, shape (3,)
        Position of the first voxel.
    shift_mm : ndarray, shape (2,), or None
        How far each slice lies beside the one before it, along its rows and columns, if a tilted
        gantry shifted the slices and they are to be straightened.
    """

    slices: list[Slice]
    steps_mm: np.ndarray
    origin_mm: np.ndarray
    shift_mm: np.ndarray | None


def stack_slices(slices: list[Slice], patient: str, resample_tilt: bool = False) -> SliceStack:
    """Sort the slices of one series by position and find the grid that they span.

    The distance of slices is measured between their positions, never read from SliceThickness.

    Parameters
    ----------
    slices : list of tuple of Path and pydicom.Dataset
        Files and headers of one series, in any order.
    patient : str
        The id that messages name.
    resample_tilt : bool
        Accept slices that a tilted gantry shifted evenly; their shift is returned.

    Raises
    ------
    BadPatient
        Slices are missing, double, uneven, of different shapes, or shifted by a tilted gantry.
    """
    check_headers(slices, patient)
    first = slices[0]
    row, column = _numbers(*first, "ImageOrientationPatient", patient).reshape(2, 3)
    normal = np.cross(row, column)
    row, column, normal = (vector / np.linalg.norm(vector) for vector in (row, column, normal))
    slices, positions = sort_slices(slices, normal, patient)
    distance = _slice_distance(positions, normal, patient)
    row_mm, column_mm = _numbers(*first, "PixelSpacing", patient)  # between rows, between columns
    pixel_mm = min(row_mm, column_mm)
    angle, drift, hidden = gantry_tilt([header for _, header in slices], positions, normal)
    shift = None
    if resample_tilt and not hidden and is_sheared(angle, drift, pixel_mm):
        shift = _even_shift(positions, (row, column, normal), pixel_mm)
    if shift is None:
        refuse_shear(angle, drift, pixel_mm, patient)
    steps = np.column_stack([row * column_mm, column * row_mm, normal * distance])
    return SliceStack(slices, steps, positions[0], shift)


def check_headers(slices: list[Slice], patient: str) -> None:
    """Refuse slices that are no grey-scale planes of one shape, spacing and orientation."""
    first = slices[0][1]
    for file, header in slices:
        frames = _numbers(file, header, "NumberOfFrames", patient, default=1)
        if header.get("SamplesPerPixel", 1) != 1 or frames[0] > 1:
            raise BadPatient(
                patient,
                f"{display_name(file)} is a colour image, or a multi-frame image that does not say"
                " where its frames lie",
                "Export the CT as single slices or as enhanced CT, or convert it to NIfTI",
            )
        photometric = value_of(header, "PhotometricInterpretation")
        if photometric not in (None, "MONOCHROME2"):
            raise BadPatient(
                patient,
                f"{display_name(file, header)} is stored as {photometric}, not as MONOCHROME2:"
                " low values are white, or the values are colours",
                "Export the series again as CT images, or convert it to NIfTI",
            )
        for key in GEOMETRY_TAGS:
            _numbers(file, header, key, patient)
        for key, default in OPTIONAL_TAGS.items():
            _numbers(file, header, key, patient, default)
        plane = np.reshape(_numbers(file, header, "ImageOrientationPatient", patient), (2, 3))
        for key, usable in {
            "PixelSpacing": (_numbers(file, header, "PixelSpacing", patient) > 0).all(),
            "ImageOrientationPatient": np.linalg.norm(np.cross(*plane)) > MIN_NORMAL,
        }.items():
            if not usable:
                raise BadPatient(
                    patient,
                    f"{key} of the slice {display_name(file, header)} describes no plane of pixels",
                    "Export the series again with its geometry",
                )
        same_shape = (header.Rows, header.Columns) == (first.Rows, first.Columns)
        same_plane = all(
            np.allclose(
                _numbers(file, header, key, patient), _numbers(*slices[0], key, patient), atol=1e-3
            )
            for key in ("ImageOrientationPatient", "PixelSpacing")
        )
        if not (same_shape and same_plane):
            raise BadPatient(
                patient,
                f"{display_name(file, header)} differs from the others in size, pixel spacing or"
                " orientation",
                "Leave only the axial slices of one reconstruction in the folder",
            )
    if len(slices) < 2:
        raise BadPatient(
            patient, "the series has only one slice", "Export the whole series of the scan"
        )


def sort_slices(
    slices: list[Slice], normal: np.ndarray, patient: str
) -> tuple[list[Slice], np.ndarray]:
    """The slices and their positions (n, 3) in mm, in ascending order along `normal`."""
    positions = np.array(
        [_numbers(file, header, "ImagePositionPatient", patient) for file, header in slices]
    )
    order = np.argsort(positions @ normal, kind="stable")
    return [slices[i] for i in order], positions[order]


def gantry_tilt(
    headers: list[pydicom.Dataset], positions: np.ndarray, normal: np.ndarray
) -> tuple[float, float, bool]:
    """How far sorted slices lean: angle (deg), drift over the scan (mm), and how that is known.

    The angle follows from the positions. The last value is True if it is hidden there: the header
    states a tilt (GantryDetectorTilt), yet the positions are those of an upright scan.
    """
    offsets = positions - positions[0]
    height = offsets[-1] @ normal
    drift = float(np.linalg.norm(_in_plane(offsets, normal), axis=1).max())
    angle = float(np.degrees(np.arctan2(drift, height)))
    stated = max(abs(float(value_of(header, "GantryDetectorTilt") or 0)) for header in headers)
    if stated > MIN_TILT_DEG and angle < stated - MIN_TILT_DEG:
        return stated, float(np.tan(np.radians(stated)) * height), True
    return angle, drift, False


def straighten(image: sitk.Image, shift_mm: np.ndarray) -> sitk.Image:
    """Move the slices of a tilted scan back over each other.

    Slices are interpolated linearly within their planes; the image becomes wider by their shift.

    Parameters
    ----------
    image : SimpleITK.Image
        Slices as they were stacked, without regard to their shift.
    shift_mm : ndarray, shape (2,)
        How far each slice lies beside the one before it, along its rows and columns.
    """
    spacing, (width, height, n) = np.array(image.GetSpacing()[:2]), image.GetSize()
    ends = np.array([np.zeros(2), shift_mm * (n - 1)]) / spacing
    low, high = np.floor(ends.min(0)).astype(int), np.ceil(ends.max(0)).astype(int)
    grid = sitk.Image(
        [int(width + high[0] - low[0]), int(height + high[1] - low[1])], sitk.sitkFloat32
    )
    grid.SetSpacing(image.GetSpacing()[:2])
    grid.SetOrigin((low * spacing).tolist())
    planes = []
    for k in range(n):
        plane = image[:, :, k]
        plane.SetDirection((1, 0, 0, 1))
        plane.SetOrigin((shift_mm * k).tolist())
        planes.append(sitk.Resample(plane, grid, sitk.Transform(), sitk.sitkLinear, OUTSIDE_HU))
    straight = sitk.JoinSeries(planes)
    corner = image.TransformContinuousIndexToPhysicalPoint((*map(float, low), 0.0))
    straight.SetSpacing(image.GetSpacing())
    straight.SetDirection(image.GetDirection())
    straight.SetOrigin(corner)
    return straight


def _even_shift(
    positions: np.ndarray, axes: tuple[np.ndarray, np.ndarray, np.ndarray], pixel_mm: float
) -> np.ndarray | None:
    """The shift (2,) in mm from slice to slice, None if it differs by half a pixel or more."""
    row, column, normal = axes
    offsets = positions - positions[0]
    shift = np.array([offsets[-1] @ row, offsets[-1] @ column]) / (len(positions) - 1)
    even = np.outer(np.arange(len(positions)), shift) @ [row, column]
    deviation = np.abs(_in_plane(offsets, normal) - even).max()
    return shift if deviation < pixel_mm / 2 else None


def _in_plane(offsets: np.ndarray, normal: np.ndarray) -> np.ndarray:
    return offsets - np.outer(offsets @ normal, normal)


def _slice_distance(positions: np.ndarray, normal: np.ndarray, patient: str) -> float:
    """The mean distance (mm) of sorted slices; refuses double, missing and uneven slices."""
    heights = positions @ normal
    gaps = np.diff(heights)
    double = np.flatnonzero(gaps < MIN_GAP_MM)
    if len(double):
        raise BadPatient(
            patient,
            f"{len(double)} slice positions occur twice, the first at z = "
            f"{positions[double[0], 2]:.1f} mm",
            "Keep one slice a position: one phase, one reconstruction, no copies",
        )
    values, counts = np.unique(gaps.round(2), return_counts=True)
    usual = float(np.median(gaps[gaps.round(2) == values[np.argmax(counts)]]))
    missing = np.rint(gaps / usual).astype(int) - 1
    if missing.any():
        worst = int(np.argmax(missing))
        raise BadPatient(
            patient,
            f"{missing.sum()} of {len(gaps) + 1 + missing.sum()} slices are missing: the step is"
            f" {usual:.2f} mm, but {gaps[worst]:.2f} mm between z = {positions[worst, 2]:.1f} and"
            f" {positions[worst + 1, 2]:.1f} mm",
            "Export the series again, complete",
        )
    uneven = np.abs(heights - np.linspace(heights[0], heights[-1], len(heights))).max()
    if uneven > max(usual / 10, 0.1):
        raise BadPatient(
            patient,
            f"the slices are unevenly spaced ({gaps.min():.2f} to {gaps.max():.2f} mm)",
            "Export a reconstruction with one slice spacing",
        )
    return float((heights[-1] - heights[0]) / len(gaps))


def _numbers(
    file: Path, header: pydicom.Dataset, key: str, patient: str, default: float | None = None
) -> np.ndarray:
    """The numbers of a geometry tag; the default where the tag is missing and there is one."""
    if default is not None and value_of(header, key) is None:
        return np.array([default])
    try:
        return geometry_tag(file, header, key, GEOMETRY_TAGS.get(key, 1))
    except ValueError as error:
        raise BadPatient(
            patient, str(error), "Export the series again with its geometry"
        ) from error
