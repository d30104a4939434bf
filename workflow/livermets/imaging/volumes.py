"""Volumes as files: writing one whole, telling DICOM from other files, ITK without its warnings."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import SimpleITK as sitk

from livermets.core.io import atomic_path


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


def is_dicom(path: Path) -> bool:
    """Whether the file has DICOM's preamble."""
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"
