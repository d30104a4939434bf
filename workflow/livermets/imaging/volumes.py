"""NIfTI and NRRD files, read by ITK, with the checks that ITK leaves out."""

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from livermets.core.errors import BadPatient
from livermets.core.io import atomic_path
from livermets.imaging.geometry import orthonormal, refuse_shear, skew

SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".nhdr")
FLOATS = {"16": "f4", "64": "f8"}  # NIfTI's codes


@contextmanager
def quiet_itk() -> Iterator[None]:
    """Without ITK's warnings on geometry, which is checked here; its errors still raise."""
    before = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(before)


def write_image(path: str | Path, image: sitk.Image) -> None:
    """An image as a compressed file, of the kind that the ending of `path` says."""
    with atomic_path(path) as unfinished:
        sitk.WriteImage(image, str(unfinished), useCompression=True)


def is_dicom(path: Path) -> bool:
    """Whether the file has DICOM's preamble."""
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def read_volume(
    path: Path, patient: str, what: str, layers: bool = False
) -> tuple[sitk.Image, bool]:
    """The 3-D image in a NIfTI or NRRD file, and whether its directions were made orthonormal.

    `what` names the file in messages ("CT", "given mask"); `layers` allows several components a
    voxel, as 3D Slicer stores overlapping segments. Raises BadPatient where the file is missing,
    damaged, not three-dimensional or sheared.
    """
    if not path.exists():
        raise BadPatient(patient, f"the {what} {path} does not exist", "Correct the path")
    if path.is_dir() or not path.name.lower().endswith(SUFFIXES):
        raise BadPatient(
            patient,
            f"the {what} {path} is neither NIfTI nor NRRD",
            f"Convert it to one of {', '.join(SUFFIXES)}",
        )
    # ITK's NIfTI reader refuses what is 1e-5 off orthonormal; the limits below are ours
    os.environ["ITK_NIFTI_SFORM_PERMISSIVE"] = "1"
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        with quiet_itk():
            reader.ReadImageInformation()
            _refuse_spoilt(path, reader, patient, what)
            _refuse_shape(path, reader, patient, what, layers)
            image = reader.Execute()
    except RuntimeError as error:  # what every ITK failure arrives as
        raise _damaged(path, patient, what) from error
    if image.GetDimension() == 4:  # (x, y, z, 1)
        image = image[:, :, :, 0]
    return _upright(image, patient)


def _damaged(path: Path, patient: str, what: str) -> BadPatient:
    return BadPatient(
        patient, f"the {what} {path} is damaged or cut short", "Export or copy the file again"
    )


def _refuse_spoilt(path: Path, reader: sitk.ImageFileReader, patient: str, what: str) -> None:
    """ITK reads NaN in a NIfTI file as 0, and what is missing from one, and says nothing."""
    if not reader.HasMetaDataKey("vox_offset"):
        return  # NRRD, which ITK reads as it is
    start = int(float(reader.GetMetaData("vox_offset")))
    kind = np.dtype(FLOATS.get(reader.GetMetaData("datatype"), "u1"))
    expected = int(reader.GetMetaData("bitpix")) // 8 * int(np.prod(reader.GetSize()))
    found = spoilt = 0
    try:
        with (gzip.open if path.name.lower().endswith(".gz") else open)(path, "rb") as file:
            swapped = file.read(4) not in (b"\x5c\x01\0\0", b"\x1c\x02\0\0")  # 348, 540 bytes
            kind = kind.newbyteorder(">" if swapped else "<")
            file.seek(start)
            while block := file.read(1 << 24):
                found += len(block)
                if kind.kind == "f":
                    values = np.frombuffer(block, kind, len(block) // kind.itemsize)
                    spoilt += int((~np.isfinite(values)).sum())
    except (EOFError, OSError, zlib.error) as error:
        raise _damaged(path, patient, what) from error
    if found < expected:
        raise _damaged(path, patient, what)
    if spoilt:
        raise not_finite(spoilt, patient, what)


def not_finite(count: int, patient: str, what: str) -> BadPatient:
    """The refusal of an image with NaN or infinite voxels."""
    return BadPatient(
        patient,
        f"{count} voxels of the {what} are NaN or infinite",
        "Export it again, or fill them (a CT with -1024 HU where they lie outside the body)",
    )


def _refuse_shape(
    path: Path, reader: sitk.ImageFileReader, patient: str, what: str, layers: bool
) -> None:
    size, components = reader.GetSize(), reader.GetNumberOfComponents()
    if len(size) == 4 and size[3] == 1:
        size = size[:3]
    if len(size) != 3 or min(size) < 2 or (components > 1 and not layers):
        shape = "×".join(map(str, size)) + (
            f" with {components} channels" if components > 1 else ""
        )
        raise BadPatient(
            patient,
            f"the {what} {path} is {shape}, not one three-dimensional volume",
            "Give one grey-scale volume of at least two slices (one phase of a dynamic scan)",
        )


def _upright(image: sitk.Image, patient: str) -> tuple[sitk.Image, bool]:
    """`image` with orthonormal directions; the header of a skewed NIfTI is judged as written."""
    steps = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    corrected = image.HasMetaDataKey("ITK_sform_corrected")
    if corrected and image.GetMetaData("ITK_sform_corrected") == "YES":
        rows = [image.GetMetaData(f"srow_{axis}").split()[:3] for axis in "xyz"]
        steps = np.diag([-1.0, -1.0, 1.0]) @ np.array(rows, float)  # RAS to LPS
    refuse_shear(*skew(steps, image.GetSize()), min(image.GetSpacing()), patient)
    directions, changed = orthonormal(steps)
    if changed:
        image.SetDirection(directions.ravel().tolist())
        image.SetSpacing(np.linalg.norm(steps, axis=0).tolist())
    return image, changed
