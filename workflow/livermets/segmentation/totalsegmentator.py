"""Prediction of one CT as TotalSegmentator makes it with its nnU-Nets.

Wasserthal et al. 2023, doi:10.1148/ryai.230024, version 2.18 of the package. Before the network it
turns a CT to RAS, resamples it by itself, linearly between the outermost voxel centres, and cuts
off the decimals; afterwards it brings the labels back by the nearest voxel. nnU-Net's own command
does none of this, so that its labels differ by a voxel along the edges.
"""

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from livermets.imaging.reorientation import lay_back
from livermets.segmentation.nnunet_model import TrainedModel
from livermets.segmentation.nnunet_prediction import predict
from livermets.segmentation.prediction import Prediction


def predict_like_totalsegmentator(
    model: TrainedModel, image: sitk.Image, lesions: Sequence[int] = ()
) -> Prediction:
    """Predict a CT with TotalSegmentator's preprocessing.

    Parameters
    ----------
    model : TrainedModel
        The loaded model.
    image : SimpleITK.Image
        The CT in HU, or the part of it that TotalSegmentator crops to.
    lesions : sequence of int
        The labels that are lesion, whose probability is wanted.

    Returns
    -------
    Prediction
        Of the voxels as they lie in `image`.
    """
    upright = sitk.DICOMOrient(image, "RAS")
    hu = sitk.GetArrayFromImage(upright)
    coarse = _at_spacing(upright, hu, _spacing_of(model))
    predicted = predict(model, coarse, "RAS", lesions)

    def as_the_image_lies(array: np.ndarray) -> np.ndarray:
        factors = np.divide(hu.shape, array.shape)
        return lay_back(ndimage.zoom(array, factors, order=0, mode="nearest"), upright, image)

    return predicted.map(as_the_image_lies)


def _spacing_of(model: TrainedModel) -> list[float]:
    """Read the voxel size (z, y, x) in mm that the model was trained with."""
    spacing = model.configuration["spacing"]
    return [spacing[axis] for axis in model.plans["transpose_backward"]]


def _at_spacing(upright: sitk.Image, hu: np.ndarray, spacing_mm: Sequence[float]) -> sitk.Image:
    """Resample the CT to another voxel size (z, y, x), in whole HU."""
    # nibabel, from which TotalSegmentator takes the voxel size, stores it as float32
    factors = np.float32(upright.GetSpacing()[::-1]) / np.asarray(spacing_mm)
    if not np.array_equal(factors, [1, 1, 1]):
        hu = ndimage.zoom(hu.astype(np.float64), factors, order=1, mode="nearest")
    image = sitk.GetImageFromArray(hu.astype(np.int32))
    image.SetSpacing([float(mm) for mm in spacing_mm[::-1]])
    image.SetDirection(upright.GetDirection())
    return image
