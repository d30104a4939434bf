"""Slices of one series become a grid: their order, the steps between them, whether they lean."""

import re
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk

from livermets.core.errors import BadPatient
from livermets.imaging.geometry import is_sheared, refuse_shear

OUTSIDE_HU = -1024


def stack(
    slices: list[tuple[Path, pydicom.Dataset]], patient: str, resample_tilt: bool = False
) -> tuple[list[Path], np.ndarray, np.ndarray, np.ndarray | None]:
    """The files in the order of their positions, the steps (3, 3) mm between voxels, the origin,
    and with `resample_tilt` how far each slice leans over the one before (2,) mm, where they do.

    The step between slices is measured between their positions, never `SliceThickness`.
    """
    first = slices[0][1]
    for file, header in slices:
        if header.get("SamplesPerPixel", 1) != 1 or int(header.get("NumberOfFrames") or 1) > 1:
            raise BadPatient(
                patient,
                f"{shown(file)} is a colour or multi-frame image",
                "Export single-frame grey-scale slices, or convert the scan to NIfTI",
            )
        for key in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
            if not header.get(key):
                raise BadPatient(
                    patient,
                    f"the slice {shown(file)} has no {key}",
                    "Export the series again with its geometry",
                )
        same_shape = (header.Rows, header.Columns) == (first.Rows, first.Columns)
        same_plane = all(
            np.allclose(_numbers(header, key), _numbers(first, key), atol=1e-3)
            for key in ("ImageOrientationPatient", "PixelSpacing")
        )
        if not (same_shape and same_plane):
            raise BadPatient(
                patient,
                f"{shown(file)} differs from the others in size, pixel spacing or orientation",
                "Leave only the axial slices of one reconstruction in the folder",
            )
    if len(slices) < 2:
        raise BadPatient(
            patient, "the series has only one slice", "Export the whole series of the scan"
        )
    row, column = _numbers(first, "ImageOrientationPatient").reshape(2, 3)
    normal = np.cross(row, column)
    row, column, normal = (vector / np.linalg.norm(vector) for vector in (row, column, normal))
    positions = np.array([_numbers(header, "ImagePositionPatient") for _, header in slices])
    order = np.argsort(positions @ normal, kind="stable")
    positions = positions[order]
    step = _even_step(positions, normal, patient)
    across = positions - positions[0]
    drift = float(np.linalg.norm(across - np.outer(across @ normal, normal), axis=1).max())
    angle = float(np.degrees(np.arctan2(drift, across[-1] @ normal)))
    down, right = _numbers(first, "PixelSpacing")
    lean = None
    tilt = max(abs(float(header.get("GantryDetectorTilt") or 0)) for _, header in slices)
    if (
        tilt > 0.5 and angle < tilt - 0.5
    ):  # slices that hide their tilt look like a box, and are none
        angle, drift = tilt, float(np.tan(np.radians(tilt)) * (across[-1] @ normal))
    elif resample_tilt and is_sheared(angle, drift, min(down, right)):
        lean = (across[-1] @ row, across[-1] @ column) / np.float64(len(slices) - 1)
        steady = across - np.outer(across @ normal, normal)
        even = np.outer(np.arange(len(slices)), lean) @ [row, column]
        if np.abs(steady - even).max() < min(down, right) / 2:
            angle = drift = 0.0
    refuse_shear(angle, drift, min(down, right), patient)
    steps = np.column_stack([row * right, column * down, normal * step])
    return [slices[i][0] for i in order], steps, positions[0], lean


def _even_step(positions: np.ndarray, normal: np.ndarray, patient: str) -> float:
    """The one distance (mm) between neighbours of slices sorted along `normal`."""
    heights = positions @ normal
    gaps = np.diff(heights)
    doubled = np.flatnonzero(gaps < 1e-3)
    if len(doubled):
        raise BadPatient(
            patient,
            f"{len(doubled)} slice positions occur twice, the first at z = "
            f"{positions[doubled[0], 2]:.1f} mm",
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


def _numbers(header: pydicom.Dataset, key: str) -> np.ndarray:
    return np.array(header[key].value, float)


def straighten(image: sitk.Image, lean: np.ndarray) -> sitk.Image:
    """Slices moved back over each other, linearly within their planes; wider by what they leaned.

    `lean` (2,) mm: how far each slice lies beside the one before, along its rows and columns.
    """
    spacing, (width, height, n) = np.array(image.GetSpacing()[:2]), image.GetSize()
    ends = np.array([np.zeros(2), lean * (n - 1)]) / spacing
    low, high = np.floor(ends.min(0)).astype(int), np.ceil(ends.max(0)).astype(int)
    grid = sitk.Image(
        [int(width + high[0] - low[0]), int(height + high[1] - low[1])], sitk.sitkFloat32
    )
    grid.SetSpacing(image.GetSpacing()[:2])
    planes = []
    for k in range(n):
        plane = image[:, :, k]
        plane.SetDirection((1, 0, 0, 1))
        plane.SetOrigin((lean * k).tolist())
        grid.SetOrigin((low * spacing).tolist())
        planes.append(sitk.Resample(plane, grid, sitk.Transform(), sitk.sitkLinear, OUTSIDE_HU))
    straight = sitk.JoinSeries(planes)
    corner = image.TransformContinuousIndexToPhysicalPoint((*map(float, low), 0.0))
    straight.SetSpacing(image.GetSpacing())
    straight.SetDirection(image.GetDirection())
    straight.SetOrigin(corner)
    return straight


def shown(file: Path) -> str:
    """A file as messages name it: exports call files by their UIDs, which identify a person."""
    return re.sub(r"\d+(\.\d+){4,}", lambda uid: f"…{uid[0][-6:]}", file.name)
