"""Volumes made of arrays."""

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk


def image_of(
    array: np.ndarray,
    spacing: Sequence[float] = (1.0, 1.0, 1.0),
    origin: Sequence[float] = (0.0, 0.0, 0.0),
    direction: Sequence[float] = (1, 0, 0, 0, 1, 0, 0, 0, 1),
) -> sitk.Image:
    """The volume of an array (z, y, x); its spacing and origin (x, y, z) in mm."""
    image = sitk.GetImageFromArray(np.asarray(array))
    image.SetSpacing([float(value) for value in spacing])
    image.SetOrigin([float(value) for value in origin])
    image.SetDirection([float(value) for value in direction])
    return image
