"""Tells images that were captured from a screen, and stored as CT, from slices of a CT.

Dose reports and screenshots are often stored so, without a word in their description. What can
still be seen is the kind of file, tags that only captured images have, and the voxels.
"""

from collections.abc import Sequence

import numpy as np
import pydicom
from pydicom.uid import (
    UID,
    CTImageStorage,
    EnhancedCTImageStorage,
    LegacyConvertedEnhancedCTImageStorage,
)

from livermets.imaging.dicom_headers import value_of

STANDARD_CLASSES = "1.2.840.10008."  # of the standard; makers of scanners have classes of their own
CT_CLASSES = {CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage}
MIN_VALUES = 16  # a mask has fewer different values, a CT hundreds
SCREEN_VALUES = 256  # as many grey values has a screen, in however many bits they are stored
VOXELS_A_VALUE = 4  # in images that are so small that they cannot hold many values


def captured_by(header: pydicom.Dataset) -> str:
    """By what a header says that its image was captured from a screen or a film, "" if it does not.

    Parameters
    ----------
    header : pydicom.Dataset
        Header of one slice.
    """
    kind = str(value_of(header, "SOPClassUID") or "")
    if kind.startswith(STANDARD_CLASSES) and kind not in CT_CLASSES:
        return f"no CT image, but {UID(kind).name}"
    if value_of(header, "ConversionType"):
        return "captured from a screen or a film (ConversionType)"
    if str(value_of(header, "BurnedInAnnotation") or "").strip().upper() == "YES":
        return "text is burned into the images (BurnedInAnnotation)"
    return ""


def no_ct_by_voxels(slices: Sequence[np.ndarray]) -> str:
    """By what the voxels show that they are no slices of a CT, "" if nothing speaks against it.

    Parameters
    ----------
    slices : sequence of ndarray
        The voxels of a few slices.
    """
    values = np.unique(np.concatenate([one.ravel() for one in slices]))
    n_voxels = sum(one.size for one in slices)
    if len(values) < MIN_VALUES:
        return f"a mask, not a CT: its voxels have {len(values)} values"
    if len(slices) > 1 and all(np.array_equal(slices[0], one) for one in slices[1:]):
        return "the same image in all slices"
    if len(values) <= min(SCREEN_VALUES, n_voxels // VOXELS_A_VALUE):
        return f"a captured screen, not a CT: its voxels have {len(values)} grey values"
    return ""
