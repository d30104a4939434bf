"""Small image files of a CT with lesions, for tests of radiomics."""

from pathlib import Path

import numpy as np
import SimpleITK as sitk


def write_lesion_images(folder: Path) -> None:
    """Write a noisy CT, five balls and a single voxel as lesions, and the mask with the liver."""
    shape = (24, 60, 60)
    grey = np.random.default_rng(11).normal(90, 20, shape)
    labels = np.zeros(shape, np.uint16)
    grid = np.indices(shape)
    for lesion, y in enumerate((8, 18, 28, 38, 48), start=1):
        away = (grid[0] - 11) ** 2 * 2 + (grid[1] - y) ** 2 + (grid[2] - y) ** 2
        labels[away <= 16 + lesion] = lesion
    labels[4, 4, 50] = 6
    grey[labels > 0] -= 45
    organs = np.where(labels > 0, 2, 1).astype(np.uint8)
    for name, array in (("ct", grey.astype(np.int16)), ("lesions", labels), ("mask", organs)):
        image = sitk.GetImageFromArray(array)
        image.SetSpacing((1.0, 1.0, 2.0))
        sitk.WriteImage(image, str(folder / f"{name}.nii.gz"))
