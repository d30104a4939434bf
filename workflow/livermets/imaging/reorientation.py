"""Arrays of voxels as images on the grid of a CT, and turned to lie as that CT lies."""

import numpy as np
import SimpleITK as sitk


def image_like(array: np.ndarray, grid: sitk.Image) -> sitk.Image:
    """An array (z, y, x) as an image on the grid of another."""
    image = sitk.GetImageFromArray(array)
    image.CopyInformation(grid)
    return image


def lay_back(array: np.ndarray, oriented: sitk.Image, image: sitk.Image) -> np.ndarray:
    """Turn an array (z, y, x) on the grid of an image that was reoriented to the original's axes.

    Parameters
    ----------
    array : ndarray, shape (z, y, x)
        Values on the grid of `oriented`.
    oriented, image : SimpleITK.Image
        An image, and the one that it was reoriented from.

    Returns
    -------
    ndarray, shape (z, y, x)
        The values as the voxels lie in `image`.
    """
    original = sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(image.GetDirection())
    return sitk.GetArrayFromImage(sitk.DICOMOrient(image_like(array, oriented), original))
