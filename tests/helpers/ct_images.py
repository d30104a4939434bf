"""Small CTs and masks for the tests, and the refusal of a patient."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from helpers.dicom_series import SPACING
from helpers.images import image_of
from helpers.refusals import refused
from livermets.core.errors import BadPatient
from livermets.imaging.ct import import_ct


@contextmanager
def refused_patient(
    *words: str, patient: str = "P07"
) -> Iterator[pytest.ExceptionInfo[BadPatient]]:
    """A block that raises BadPatient in one line: the patient, all of these words, a remedy."""
    with refused(f"patient {patient}: ", *words, error=BadPatient) as refusal:
        yield refusal
    message = str(refusal.value)
    assert message.endswith(".")
    assert "\n" not in message
    assert refusal.value.remedy


def ct_of(hu: np.ndarray) -> sitk.Image:
    """HU (z, y, x) as an image with the grid of `helpers.dicom_series.write_series`."""
    return image_of(hu, SPACING, (-50.0, -40.0, -300.0))


def refused_ct(source: Path | list[Path], *words: str, patient: str = "P07") -> str:
    """Reading a CT raises BadPatient with these words; returns the message."""
    with refused_patient(*words, patient=patient) as refusal:
        import_ct(source, patient)
    return str(refusal.value)


def ct_and_mask(
    direction: tuple[float, ...] = (1, 0, 0, 0, 1, 0, 0, 0, 1),
    spacing: tuple[float, float, float] = (3.0, 3.0, 5.0),
) -> list[sitk.Image]:
    """A CT with a liver of 110 HU and two lesions of 50 HU, and its mask."""
    labels = np.zeros((24, 60, 70), np.uint8)
    labels[4:20, 10:50, 12:60] = 1
    labels[8:11, 20:26, 20:26] = 2
    labels[14:17, 30:40, 40:46] = 2
    hu = np.random.default_rng(0).normal(0, 5, labels.shape)
    hu = (hu + np.array([-100, 110, 50])[labels]).astype(np.int16)
    images = [sitk.GetImageFromArray(array) for array in (hu, labels)]
    for image in images:
        image.SetSpacing(spacing)
        image.SetOrigin((-80.5, 31.25, -402.0))
        image.SetDirection(direction)
    return images


def edited(mask: sitk.Image, change: Callable[[np.ndarray], None]) -> sitk.Image:
    """A copy of a mask after `change` edited its array in place."""
    labels = sitk.GetArrayFromImage(mask)
    change(labels)
    image = sitk.GetImageFromArray(labels)
    image.CopyInformation(mask)
    return image


def liver_labels() -> np.ndarray:
    """(z, y, x): a liver of 6×10×8 with a lesion of 2×2×3 voxels in it."""
    array = np.zeros((10, 20, 20), np.uint8)
    array[2:8, 5:15, 4:12] = 1
    array[3:5, 6:8, 5:8] = 2
    return array
