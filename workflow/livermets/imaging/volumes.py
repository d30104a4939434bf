"""Volumes as files: writing one whole, telling DICOM from other files, ITK without its warnings."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import SimpleITK as sitk

from livermets.core.io import atomic_path

NIFTI_HEADER_BYTES = 352


@contextmanager
def quiet_itk() -> Iterator[None]:
    """Silence ITK's warnings on geometry, which is checked here; its errors still raise."""
    before = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(before)


def write_image(path: str | Path, image: sitk.Image) -> None:
    """Write an image as a compressed file in the format that the ending of `path` names."""
    with atomic_path(path) as unfinished:
        sitk.WriteImage(image, str(unfinished), useCompression=True)
        if unfinished.name.endswith(".nii.gz"):
            _refuse_truncated(unfinished, image)


def _refuse_truncated(path: Path, image: sitk.Image) -> None:
    """Refuse a compressed NIfTI that does not hold the whole image.

    On a full disk ITK's writer ends without an error. A gzip ends in the size of its content.
    """
    voxel_bytes = sitk.GetArrayViewFromImage(image).nbytes
    with path.open("rb") as file:
        file.seek(-4, os.SEEK_END)
        held = int.from_bytes(file.read(), "little")
    if held != (NIFTI_HEADER_BYTES + voxel_bytes) % 2**32:
        raise OSError(f"{path.name} was written in part only; is the disk full?")


def is_dicom(path: Path) -> bool:
    """Whether the file has DICOM's preamble."""
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"
