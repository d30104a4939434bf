"""Prediction of one CT by an nnU-Net v2 in memory.

The labels are those of nnU-Net's own predictor (Isensee et al. 2021,
doi:10.1038/s41592-020-01008-z). Its steps are called one by one here, for three reasons: importing
the predictor takes seven seconds; patches of air need not be computed (see `sliding_window`); and
the logits need to be resampled to the grid of the CT around the foreground alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import SimpleITK as sitk
from scipy import ndimage, special

from livermets.imaging.geometry import bounding_box
from livermets.imaging.reorientation import lay_back
from livermets.segmentation.body_mask import body_mask
from livermets.segmentation.nnunet_model import TrainedModel
from livermets.segmentation.prediction import Prediction
from livermets.segmentation.sliding_window import SlidingWindowInferer
from livermets.segmentation.volume_resampling import WHOLE, resampling_function


def predict(
    model: TrainedModel,
    image: sitk.Image,
    orientation: str | None = None,
    lesions: Sequence[int] = (),
) -> Prediction:
    """Predict a CT.

    Parameters
    ----------
    model : TrainedModel
        The loaded model.
    image : SimpleITK.Image
        The CT in HU.
    orientation : str, optional
        How the model wants its voxels to lie (LPS, RAS ...). Default: the orientation in the
        model's dataset.json; or RAS, where it was trained through a reader that reorients; or as
        the CT lies.
    lesions : sequence of int
        The labels that are lesion, whose probability is wanted.

    Returns
    -------
    Prediction
        Of the voxels as they lie in `image`; labels of uint16.
    """
    orientation = orientation or model.dataset.get("orientation")
    if not orientation and "Reorient" in model.plans["image_reader_writer"]:
        orientation = "RAS"  # nnU-Net's NibabelIOWithReorient turns every image to it
    oriented = sitk.DICOMOrient(image, orientation) if orientation else image
    forward, backward = model.plans["transpose_forward"], model.plans["transpose_backward"]
    spacing = [oriented.GetSpacing()[::-1][axis] for axis in forward]
    hu = sitk.GetArrayViewFromImage(oriented).transpose(forward)

    def as_the_image_lies(array: np.ndarray) -> np.ndarray:
        array = array.transpose(backward)
        return lay_back(array, oriented, image) if orientation else array

    return predict_array(model, hu, spacing, lesions).map(as_the_image_lies)


def predict_array(
    model: TrainedModel, hu: np.ndarray, spacing: Sequence[float], lesions: Sequence[int] = ()
) -> Prediction:
    """Predict an array whose axes are ordered as the model's networks want them.

    Parameters
    ----------
    model : TrainedModel
        The loaded model.
    hu : ndarray
        The CT in HU, three axes.
    spacing : sequence of float
        Spacing of these axes in mm.
    lesions : sequence of int
        The labels that are lesion, whose probability is wanted.

    Returns
    -------
    Prediction
        In the shape of `hu`; labels of uint16.
    """
    plan, labels = model.configuration, np.zeros(hu.shape, np.uint16)
    probability = np.zeros(hu.shape, np.float32) if len(lesions) else None
    # nnU-Net crops to voxels that are not 0; this decides where the patches of a padded CT lie.
    box = bounding_box(hu)
    if box is None:
        return Prediction(labels, probability)
    hu = hu[box]
    target = [*spacing[: 3 - len(plan["spacing"])], *plan["spacing"]]  # 2-D models keep the slices
    logits = _logits(model, hu, spacing, target)
    resample = resampling_function(
        plan["resampling_fn_probabilities"], plan["resampling_fn_probabilities_kwargs"]
    )

    def on_ct(window: Sequence[slice]) -> Iterator[np.ndarray]:
        # One output after the other: all of them on the grid of a large CT need too much memory.
        for output in logits:
            yield resample(np.float32(output), hu.shape, target, spacing, window)

    window = _foreground_window(logits_to_labels(logits, model.regions) > 0, hu.shape, plan)
    if window:
        labels[box][window] = logits_to_labels(on_ct(window), model.regions)
    if probability is not None:
        around = bounding_box(np.isin(labels[box], lesions))
        if around:
            probability[box][around] = label_probability(
                on_ct(around), model.regions, lesions, are_probabilities=model.version == 1
            )
    return Prediction(labels, probability)


def _logits(
    model: TrainedModel, hu: np.ndarray, spacing: Sequence[float], target: Sequence[float]
) -> np.ndarray:
    """Compute the networks' outputs (outputs, *shape), on the grid of the spacing `target`."""
    plan = model.configuration
    sizes = zip(hu.shape, spacing, target, strict=True)
    shape = tuple(int(round(old / new * n)) for n, old, new in sizes)
    scale = np.divide(hu.shape, shape)
    resample = resampling_function(plan["resampling_fn_data"], plan["resampling_fn_data_kwargs"])
    if model.version == 1:
        data = _normalise(model, resample(hu.astype(np.float32), shape, spacing, target))
    else:
        data = resample(_normalise(model, hu), shape, spacing, target)
    inferer = SlidingWindowInferer(
        plan["patch_size"],
        model.outputs,
        step_size=model.step_size,
        mirror_axes=model.mirror_axes,
        regions=model.regions is not None,
        probabilities=model.version == 1,
        device=model.device,
    )
    return inferer.predict_logits(
        model.networks,
        data,
        ndimage.affine_transform(
            body_mask(hu), scale, 0.5 * scale - 0.5, shape, order=0, mode="nearest"
        ),
    )


def logits_to_labels(logits: Iterable[np.ndarray], regions: Sequence[int] | None) -> np.ndarray:
    """Choose the label of each voxel, from one array of logits for each output.

    The label is that of the largest logit. Where the outputs are regions that may overlap, it is
    the last region with a positive logit, as in nnU-Net.

    Parameters
    ----------
    logits : iterable of ndarray
        One array for each output, all of one shape.
    regions : sequence of int or None
        The label of each output where outputs are regions.

    Returns
    -------
    ndarray of uint16
        Labels, in the shape of one output.
    """
    outputs = iter(logits)
    best = np.array(next(outputs))
    labels = np.zeros(best.shape, np.uint16)
    if regions:
        labels[best > 0] = regions[0]
    for number, value in enumerate(outputs, start=1):
        if regions:
            labels[value > 0] = regions[number]
        else:
            better = value > best
            labels[better], best[better] = number, value[better]
    return labels


def label_probability(
    logits: Iterable[np.ndarray],
    regions: Sequence[int] | None,
    labels: Sequence[int],
    are_probabilities: bool = False,
) -> np.ndarray:
    """Compute the probability that a voxel has one of some labels, from the logits of each output.

    Parameters
    ----------
    logits : iterable of ndarray
        One array for each output, all of one shape.
    regions : sequence of int or None
        The label of each output where outputs are regions that may overlap.
    labels : sequence of int
        The labels.
    are_probabilities : bool
        The outputs are probabilities already, as those of nnU-Net v1.

    Returns
    -------
    ndarray of float32
        The softmax's sum over the labels; or, of regions, the largest sigmoid.
    """
    outputs = np.stack(list(logits))
    if regions:
        chosen = [number for number, label in enumerate(regions) if label in labels]
        return special.expit(outputs[chosen].max(axis=0))
    if are_probabilities:
        return outputs[list(labels)].sum(axis=0)
    return special.softmax(outputs, axis=0)[list(labels)].sum(axis=0)


def _foreground_window(
    foreground: np.ndarray, shape: Sequence[int], configuration: dict[str, Any]
) -> tuple[slice, ...] | None:
    """Find the part of a grid of `shape` that can hold foreground, None where there is none.

    Linear interpolation between voxels that are all background gives background.
    """
    box = bounding_box(foreground)
    if box is None:
        return None
    settings = configuration["resampling_fn_probabilities_kwargs"]
    if max(settings.get("order", 3), settings.get("order_z", 0)) > 1:
        return WHOLE
    scaled = zip(box, np.divide(shape, foreground.shape), shape, strict=True)
    return tuple(
        slice(max(0, int((side.start - 1) * scale)), min(n, int(np.ceil((side.stop + 1) * scale))))
        for side, scale, n in scaled
    )


def _normalise(model: TrainedModel, hu: np.ndarray) -> np.ndarray:
    """Normalise HU by the scheme and the intensities of the model's plan, to float32."""
    from nnunetv2.preprocessing.normalization import default_normalization_schemes as schemes

    scheme = getattr(schemes, model.configuration["normalization_schemes"][0])
    prefix = "foreground_intensity_properties"
    properties = model.plans.get(f"{prefix}_per_channel") or model.plans[f"{prefix}_by_modality"]
    normalise = scheme(use_mask_for_norm=False, intensityproperties=properties["0"])
    return normalise.run(hu.astype(np.float32))
