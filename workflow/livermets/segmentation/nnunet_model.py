"""A trained nnU-Net v2 model in memory, and its prediction for one CT.

Isensee et al. 2021, doi:10.1038/s41592-020-01008-z. The labels are those of nnU-Net's own
predictor. Its steps are called one by one here, for three reasons: importing the predictor takes
seven seconds; patches of air need not be computed (see `sliding_window`); and the logits need to be
resampled to the grid of the CT around the foreground alone. Probabilities are never written.
"""

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from scipy import ndimage

from livermets.core.errors import BadInput
from livermets.imaging.geometry import bounding_box
from livermets.segmentation.body_mask import body_mask
from livermets.segmentation.sliding_window import SlidingWindowInferer
from livermets.segmentation.volume_resampling import WHOLE, resampling_function

log = logging.getLogger(__name__)


@dataclass
class TrainedModel:
    """The plan of a trained model and the networks of its folds.

    Parameters
    ----------
    plans : dict
        Content of plans.json.
    configuration : dict
        The part of `plans` for the configuration in which the model was trained.
    dataset : dict
        Content of dataset.json.
    networks : list of torch.nn.Module
        One network for each fold.
    mirror_axes : tuple of int
        Axes along which predictions are averaged over flips.
    device : torch.device
        Where the networks are.
    step_size : float
        Distance of neighbouring patches as a fraction of the patch.
    """

    plans: dict[str, Any]
    configuration: dict[str, Any]
    dataset: dict[str, Any]
    networks: list[torch.nn.Module]
    mirror_axes: tuple[int, ...]
    device: torch.device
    step_size: float

    @property
    def regions(self) -> list[int] | None:
        """The label of each output where outputs may overlap; None where each is one label."""
        values = self.dataset["labels"].values()
        if any(isinstance(value, list | tuple) and len(value) > 1 for value in values):
            return list(self.dataset["regions_class_order"])
        return None

    @property
    def labels(self) -> set[int]:
        """Every value that a predicted mask can have."""
        if self.regions:
            return {0, *self.regions}
        names = self.dataset["labels"].items()
        return {int(np.max(value)) for name, value in names if name != "ignore"}

    @property
    def outputs(self) -> int:
        """Channels of the networks."""
        return len(self.regions or self.labels)


def load_model(
    folder: Path,
    folds: Sequence[int | str],
    checkpoint: str,
    device: torch.device,
    mirroring: bool = True,
    step_size: float = 0.5,
    name: str = "",
) -> TrainedModel:
    """Load a trained model.

    A checkpoint is a pickle, whose code runs when it is loaded: check the model's hash before.

    Parameters
    ----------
    folder : Path
        Folder with plans.json, dataset.json and `fold_*`.
    folds : sequence of int or str
        The folds whose networks are averaged.
    checkpoint : str
        File name of the checkpoints.
    device : torch.device
        Where the networks run.
    mirroring : bool
        Average over the flips that the model was trained with.
    step_size : float
        Distance of neighbouring patches as a fraction of the patch.
    name : str
        The model's name in the configuration, for messages.

    Returns
    -------
    TrainedModel
        The model, in evaluation mode.

    Raises
    ------
    BadInput
        For a model that needs more than one CT, or another preprocessing than nnU-Net's default.
    """
    plans = json.loads((folder / "plans.json").read_text())
    dataset = json.loads((folder / "dataset.json").read_text())
    states = [
        torch.load(folder / f"fold_{fold}" / checkpoint, map_location="cpu", weights_only=False)
        for fold in folds
    ]
    configuration = _configuration(plans, states[0]["init_args"]["configuration"])
    _refuse_unsupported(configuration, dataset, name)
    axes = states[0].get("inference_allowed_mirroring_axes") if mirroring else None
    model = TrainedModel(plans, configuration, dataset, [], tuple(axes or ()), device, step_size)
    model.networks += [_network(model, state).eval().to(device) for state in states]
    return model


def predict(model: TrainedModel, image: sitk.Image, orientation: str | None = None) -> np.ndarray:
    """The model's labels of a CT.

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

    Returns
    -------
    ndarray of uint16, shape (z, y, x)
        Labels of the voxels as they lie in `image`.
    """
    orientation = orientation or model.dataset.get("orientation")
    if not orientation and "Reorient" in model.plans["image_reader_writer"]:
        orientation = "RAS"  # nnU-Net's NibabelIOWithReorient turns every image to it
    oriented = sitk.DICOMOrient(image, orientation) if orientation else image
    forward, backward = model.plans["transpose_forward"], model.plans["transpose_backward"]
    spacing = [oriented.GetSpacing()[::-1][axis] for axis in forward]
    hu = sitk.GetArrayViewFromImage(oriented).transpose(forward)
    labels = predict_array(model, hu, spacing).transpose(backward)
    if not orientation:
        return labels
    result = sitk.GetImageFromArray(labels)
    result.CopyInformation(oriented)
    original = sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(image.GetDirection())
    return sitk.GetArrayFromImage(sitk.DICOMOrient(result, original))


def predict_array(model: TrainedModel, hu: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    """The model's labels of an array whose axes are ordered as its networks want them.

    Parameters
    ----------
    model : TrainedModel
        The loaded model.
    hu : ndarray
        The CT in HU, three axes.
    spacing : sequence of float
        Spacing of these axes in mm.

    Returns
    -------
    ndarray of uint16
        Labels, in the shape of `hu`.
    """
    plan, labels = model.configuration, np.zeros(hu.shape, np.uint16)
    # nnU-Net crops to voxels that are not 0; this decides where the patches of a padded CT lie.
    box = bounding_box(hu)
    if box is None:
        return labels
    hu = hu[box]
    target = [*spacing[: 3 - len(plan["spacing"])], *plan["spacing"]]  # 2-D models keep the slices
    sizes = zip(hu.shape, spacing, target, strict=True)
    shape = tuple(int(round(old / new * n)) for n, old, new in sizes)
    scale = np.divide(hu.shape, shape)
    to_network = resampling_function(plan["resampling_fn_data"], plan["resampling_fn_data_kwargs"])
    to_ct = resampling_function(
        plan["resampling_fn_probabilities"], plan["resampling_fn_probabilities_kwargs"]
    )
    inferer = SlidingWindowInferer(
        plan["patch_size"],
        model.outputs,
        step_size=model.step_size,
        mirror_axes=model.mirror_axes,
        regions=model.regions is not None,
        device=model.device,
    )
    logits = inferer.predict_logits(
        model.networks,
        to_network(_normalise(model, hu), shape, spacing, target),
        ndimage.affine_transform(
            body_mask(hu), scale, 0.5 * scale - 0.5, shape, order=0, mode="nearest"
        ),
    )
    window = _foreground_window(logits_to_labels(logits, model.regions) > 0, hu.shape, plan)
    if window:
        # One output after the other: all of them on the grid of a large CT need too much memory.
        on_ct = (to_ct(np.float32(x), hu.shape, target, spacing, window) for x in logits)
        labels[box][window] = logits_to_labels(on_ct, model.regions)
    return labels


def logits_to_labels(logits: Iterable[np.ndarray], regions: Sequence[int] | None) -> np.ndarray:
    """The label of each voxel, from one array of logits for each output.

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


def _foreground_window(
    foreground: np.ndarray, shape: Sequence[int], configuration: dict[str, Any]
) -> tuple[slice, ...] | None:
    """The part of a grid of `shape` that can hold foreground, None where there is none.

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


def _configuration(plans: dict[str, Any], name: str) -> dict[str, Any]:
    """The plan of one configuration; nnU-Net completes one that inherits or has an old format."""
    configuration: dict[str, Any] = plans["configurations"][name]
    if "inherits_from" in configuration or "architecture" not in configuration:
        from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

        configuration = PlansManager(plans).get_configuration(name).configuration
    return configuration


def _refuse_unsupported(configuration: dict[str, Any], dataset: dict[str, Any], name: str) -> None:
    """BadInput for models that need more than one CT and nnU-Net's default preprocessing."""
    channels = dataset.get("channel_names") or dataset["modality"]
    if len(channels) != 1:
        problem = f"wants {len(channels)} images of a patient ({', '.join(channels.values())})"
    elif configuration.get("previous_stage"):
        problem = "is the second stage of a cascade"
    elif configuration["preprocessor_name"] != "DefaultPreprocessor":
        problem = f"has a preprocessing of its own, {configuration['preprocessor_name']}"
    elif configuration["use_mask_for_norm"][0]:
        problem = "normalises within a mask"
    else:
        return
    raise BadInput(f"segmentation model {name} {problem}; give one that works on a CT alone")


def _network(model: TrainedModel, state: dict[str, Any]) -> torch.nn.Module:
    """The network of one fold, with the weights of its checkpoint."""
    from nnunetv2.utilities.get_network_from_plans import get_network_from_plans

    plan = model.configuration["architecture"]
    network: torch.nn.Module = get_network_from_plans(
        plan["network_class_name"],
        plan["arch_kwargs"],
        plan["_kw_requires_import"],
        input_channels=1,
        output_channels=model.outputs,
        allow_init=False,
        deep_supervision=False,
    )
    try:
        network.load_state_dict(state["network_weights"])
    except RuntimeError:  # the trainer class built another network than the one in the plan
        from nnunetv2.utilities.find_objects import recursive_find_trainer_class_by_name
        from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

        manager = PlansManager(model.plans)
        trainer = recursive_find_trainer_class_by_name(state["trainer_name"])
        network = trainer.build_network_architecture(
            manager,
            manager.get_configuration(state["init_args"]["configuration"]),
            1,
            model.outputs,
            enable_deep_supervision=False,
        )
        network.load_state_dict(state["network_weights"])
    return network


def _normalise(model: TrainedModel, hu: np.ndarray) -> np.ndarray:
    """HU as float32, normalised by the scheme and the intensities of the model's plan."""
    from nnunetv2.preprocessing.normalization import default_normalization_schemes as schemes

    scheme = getattr(schemes, model.configuration["normalization_schemes"][0])
    prefix = "foreground_intensity_properties"
    properties = model.plans.get(f"{prefix}_per_channel") or model.plans[f"{prefix}_by_modality"]
    normalise = scheme(use_mask_for_norm=False, intensityproperties=properties["0"])
    return normalise.run(hu.astype(np.float32))
