"""A trained nnU-Net v2 model in memory, and its labels of one CT.

Isensee et al. 2021, doi:10.1038/s41592-020-01008-z. The parts of nnU-Net that a run needs are
called one by one, since its predictor brings seven seconds of imports. Patches lie where nnU-Net
puts them, but those of air are passed over and empty ones not mirrored; logits are brought back to
the CT's grid around what was found alone, and probabilities are never written. The labels are those
of nnU-Net's own prediction.
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
from livermets.segmentation.sliding_window import sliding_window
from livermets.segmentation.volume_resampling import WHOLE, resampler

log = logging.getLogger(__name__)


@dataclass
class Model:
    """What the folder of a trained model says, and the network of each fold."""

    plans: dict[str, Any]
    setup: dict[str, Any]  # of the configuration it was trained in
    dataset: dict[str, Any]
    networks: list[torch.nn.Module]
    mirror_axes: tuple[int, ...]
    device: torch.device
    step_size: float

    @property
    def regions(self) -> list[int] | None:
        """The label behind each output where outputs overlap, None where each is one label."""
        values = self.dataset["labels"].values()
        if any(isinstance(value, list | tuple) and len(value) > 1 for value in values):
            return list(self.dataset["regions_class_order"])
        return None

    @property
    def labels(self) -> set[int]:
        """Every value that its masks can have."""
        if self.regions:
            return {0, *self.regions}
        names = self.dataset["labels"].items()
        return {int(np.max(value)) for name, value in names if name != "ignore"}

    @property
    def outputs(self) -> int:
        """Channels of the network."""
        return len(self.regions or self.labels)


def load_model(
    folder: Path,
    folds: Sequence[int | str],
    checkpoint: str,
    device: torch.device,
    mirroring: bool = True,
    step_size: float = 0.5,
    name: str = "",
) -> Model:
    """Read a model whose hash has been checked: a checkpoint is a pickle and runs when loaded."""
    plans = json.loads((folder / "plans.json").read_text())
    dataset = json.loads((folder / "dataset.json").read_text())
    states = [
        torch.load(folder / f"fold_{fold}" / checkpoint, map_location="cpu", weights_only=False)
        for fold in folds
    ]
    setup = _setup(plans, states[0]["init_args"]["configuration"])
    _refuse_unlike(setup, dataset, name)
    axes = states[0].get("inference_allowed_mirroring_axes") if mirroring else None
    model = Model(plans, setup, dataset, [], tuple(axes or ()), device, step_size)
    model.networks += [_network(model, state).eval().to(device) for state in states]
    return model


def predict(model: Model, image: sitk.Image, orientation: str | None = None) -> np.ndarray:
    """The model's labels of a CT in HU, uint16 (z, y, x) as the image lies.

    `orientation` (LPS, RAS ...) is how the model wants its voxels to lie; by default what its
    dataset.json says, or RAS where it was trained through a reader that reorients, or as they lie.
    """
    orientation = orientation or model.dataset.get("orientation")
    if not orientation and "Reorient" in model.plans["image_reader_writer"]:
        orientation = "RAS"  # what nnU-Net's NibabelIOWithReorient turns every image to
    lying = sitk.DICOMOrient(image, orientation) if orientation else image
    forward, backward = model.plans["transpose_forward"], model.plans["transpose_backward"]
    spacing = [lying.GetSpacing()[::-1][axis] for axis in forward]
    hu = sitk.GetArrayViewFromImage(lying).transpose(forward)
    labels = label_array(model, hu, spacing).transpose(backward)
    if not orientation:
        return labels
    result = sitk.GetImageFromArray(labels)
    result.CopyInformation(lying)
    back = sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(image.GetDirection())
    return sitk.GetArrayFromImage(sitk.DICOMOrient(result, back))


def label_array(model: Model, hu: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    """The model's labels (uint16) of voxels in HU that lie as its network wants them."""
    setup, labels = model.setup, np.zeros(hu.shape, np.uint16)
    # as nnU-Net crops; where a CT was padded by 0 HU this decides where its patches lie
    box = bounding_box(hu)
    if box is None:
        return labels
    hu = hu[box]
    target = [*spacing[: 3 - len(setup["spacing"])], *setup["spacing"]]  # 2-D keeps the slices
    sizes = zip(hu.shape, spacing, target, strict=True)
    shape = tuple(int(round(old / new * n)) for n, old, new in sizes)
    finer = np.divide(hu.shape, shape)
    to_network = resampler(setup["resampling_fn_data"], setup["resampling_fn_data_kwargs"])
    to_ct = resampler(
        setup["resampling_fn_probabilities"], setup["resampling_fn_probabilities_kwargs"]
    )
    logits = sliding_window(
        model.networks,
        to_network(_normalised(model, hu), shape, spacing, target),
        ndimage.affine_transform(
            body_mask(hu), finer, 0.5 * finer - 0.5, shape, order=0, mode="nearest"
        ),
        setup["patch_size"],
        model.outputs,
        step_size=model.step_size,
        mirror_axes=model.mirror_axes,
        regions=model.regions is not None,
        device=model.device,
    )
    window = _window(decide(logits, model.regions) > 0, hu.shape, setup)
    if window:
        # one output at a time: all of them on the grid of a big CT is what jobs are killed for
        on_ct = (to_ct(np.float32(one), hu.shape, target, spacing, window) for one in logits)
        labels[box][window] = decide(on_ct, model.regions)
    return labels


def decide(logits: Iterable[np.ndarray], regions: Sequence[int] | None) -> np.ndarray:
    """The likeliest label of each voxel; of overlapping regions the last that is likely at all."""
    labels = best = None
    for number, value in enumerate(logits):
        labels = np.zeros(value.shape, np.uint16) if labels is None else labels
        if regions:
            labels[value > 0] = regions[number]
        elif best is None:
            best = np.array(value)
        else:
            better = value > best
            labels[better], best[better] = number, value[better]
    return labels


def _window(
    foreground: np.ndarray, shape: Sequence[int], setup: dict[str, Any]
) -> tuple[slice, ...] | None:
    """Where on a grid of `shape` there can be foreground, None where nowhere.

    Between voxels that are all background, what is interpolated linearly is background.
    """
    box = bounding_box(foreground)
    if box is None:
        return None
    settings = setup["resampling_fn_probabilities_kwargs"]
    if max(settings.get("order", 3), settings.get("order_z", 0)) > 1:
        return WHOLE
    scaled = zip(box, np.divide(shape, foreground.shape), shape, strict=True)
    return tuple(
        slice(max(0, int((side.start - 1) * scale)), min(n, int(np.ceil((side.stop + 1) * scale))))
        for side, scale, n in scaled
    )


def _setup(plans: dict[str, Any], configuration: str) -> dict[str, Any]:
    """The plan of one configuration; nnU-Net itself completes those that inherit or are old."""
    setup = plans["configurations"][configuration]
    if "inherits_from" in setup or "architecture" not in setup:
        from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

        setup = PlansManager(plans).get_configuration(configuration).configuration
    return setup


def _refuse_unlike(setup: dict[str, Any], dataset: dict[str, Any], name: str) -> None:
    """BadInput for models that need more than one CT and nnU-Net's usual preprocessing."""
    channels = dataset.get("channel_names") or dataset["modality"]
    if len(channels) != 1:
        problem = f"wants {len(channels)} images of a patient ({', '.join(channels.values())})"
    elif setup.get("previous_stage"):
        problem = "is the second stage of a cascade"
    elif setup["preprocessor_name"] != "DefaultPreprocessor":
        problem = f"has a preprocessing of its own, {setup['preprocessor_name']}"
    elif setup["use_mask_for_norm"][0]:
        problem = "normalises within a mask"
    else:
        return
    raise BadInput(f"segmentation model {name} {problem}; give one that works on a CT alone")


def _network(model: Model, state: dict[str, Any]) -> torch.nn.Module:
    from nnunetv2.utilities.get_network_from_plans import get_network_from_plans

    plan = model.setup["architecture"]
    network = get_network_from_plans(
        plan["network_class_name"], plan["arch_kwargs"], plan["_kw_requires_import"],
        1, model.outputs, allow_init=False, deep_supervision=False,
    )  # fmt: skip
    try:
        network.load_state_dict(state["network_weights"])
    except RuntimeError:  # weights of another network than the plan's: only its trainer knows it
        from nnunetv2.utilities.find_objects import recursive_find_trainer_class_by_name
        from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

        manager = PlansManager(model.plans)
        trainer = recursive_find_trainer_class_by_name(state["trainer_name"])
        network = trainer.build_network_architecture(
            manager, manager.get_configuration(state["init_args"]["configuration"]),
            1, model.outputs, enable_deep_supervision=False,
        )  # fmt: skip
        network.load_state_dict(state["network_weights"])
    return network


def _normalised(model: Model, hu: np.ndarray) -> np.ndarray:
    from nnunetv2.preprocessing.normalization import default_normalization_schemes as schemes

    scheme = getattr(schemes, model.setup["normalization_schemes"][0])
    ours, older = (f"foreground_intensity_properties_{by}" for by in ("per_channel", "by_modality"))
    properties = (model.plans.get(ours) or model.plans[older])["0"]
    normalise = scheme(use_mask_for_norm=False, intensityproperties=properties)
    return normalise.run(hu.astype(np.float32))
