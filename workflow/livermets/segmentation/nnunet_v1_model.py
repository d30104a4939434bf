"""A trained model of nnU-Net v1, with its plan in the words of v2.

Isensee et al. 2021, doi:10.1038/s41592-020-01008-z. v1 normalises a CT after it has resampled it,
averages probabilities in place of logits, has a network of its own (`nnunet_v1_network`) and
removes small pieces (`largest_pieces`). All else is as in v2, so v2's code predicts with it.
"""

import pickle
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import SimpleITK as sitk
import torch

from livermets.core.errors import BadInput
from livermets.segmentation.largest_pieces import KeepLargest, read_postprocessing
from livermets.segmentation.nnunet_model import TrainedModel
from livermets.segmentation.nnunet_prediction import predict
from livermets.segmentation.nnunet_v1_network import GenericUNet, UNetPlan
from livermets.segmentation.openvino_network import fast_network
from livermets.segmentation.prediction import Prediction

CASCADE = "cascade"
# Trainers that build the network of `nnUNetTrainerV2`, and differ in the training alone
TRAINERS = (
    r"nnUNetTrainerV2(_noMirroring|_noDeepSupervision|_DDP|_DP|_fp16|_insaneDA|_DA[235]\w*"
    r"|_Loss_\w+|_focalLoss|_Adam\w*|_SGD\w*|_momentum\w+)?"
)
PREPROCESSORS = (None, "GenericPreprocessor", "PreprocessorFor2D")
# v1's name of a normalisation -> v2's
NORMALISATIONS = {
    "CT": "CTNormalization",
    "nonCT": "ZScoreNormalization",
    "noNorm": "NoNormalization",
}
STAGE = 5  # which of the trainer's arguments is the stage of the plan


class V1Model(NamedTuple):
    """A trained model of nnU-Net v1 and its post-processing.

    Parameters
    ----------
    trained : TrainedModel
        The plan in the words of v2, and the networks.
    postprocessing : KeepLargest
        The labels of which small pieces are removed.
    """

    trained: TrainedModel
    postprocessing: KeepLargest


def predict_v1(
    model: V1Model,
    ct: sitk.Image,
    orientation: str | None = None,
    lesions: Sequence[int] = (),
) -> Prediction:
    """Predict a CT, with the post-processing of nnU-Net v1.

    Parameters
    ----------
    model : V1Model
        The loaded model.
    ct : SimpleITK.Image
        The CT in HU.
    orientation : str, optional
        How the model wants its voxels to lie (LPS, RAS ...). Default: as the CT lies.
    lesions : sequence of int
        The labels that are lesion, whose probability is wanted.

    Returns
    -------
    Prediction
        Of the voxels as they lie in `ct`; labels of uint16.
    """
    predicted = predict(model.trained, ct, orientation, lesions)
    voxel_mm3 = float(np.prod(ct.GetSpacing()))
    return predicted._replace(labels=model.postprocessing.apply(predicted.labels, voxel_mm3))


def load_v1_model(
    folder: Path,
    folds: Sequence[int | str],
    checkpoint: str,
    device: torch.device,
    mirroring: bool = True,
    step_size: float = 0.5,
    name: str = "",
) -> V1Model:
    """Load a trained model of nnU-Net v1.

    Its files are pickles, whose code runs when they are loaded: check the model's hash before.

    Parameters
    ----------
    folder : Path
        Folder with plans.pkl and `fold_*` or `all`.
    folds : sequence of int or str
        The folds whose networks are averaged.
    checkpoint : str
        Name of the checkpoints, without their endings .model and .model.pkl.
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
    V1Model
        The model, in evaluation mode.

    Raises
    ------
    BadInput
        For a fold or checkpoint that is not there, a model that needs more than one CT, a cascade,
        and trainers or preprocessors that change the network or the CT.
    """
    title = f"segmentation model {name or folder.name}"
    weights = [_checkpoint_file(folder, fold, checkpoint, title) for fold in folds]
    info = _unpickle(weights[0].with_name(weights[0].name + ".pkl"), title)
    plans, trainer = info["plans"], str(info["name"])
    _refuse_unsupported(plans, trainer, title)
    stages = plans["plans_per_stage"]
    stage = info["init"][STAGE] if len(info["init"]) > STAGE else None
    stage_plan = stages[max(stages) if stage is None else stage]
    planned = UNetPlan(
        int(plans["num_classes"]) + 1,
        int(plans["base_num_features"]),
        _pooling(stage_plan),
        _kernel_sizes(stage_plan),
        int(plans.get("conv_per_stage", 2)),
    )
    axes = (
        range(len(stage_plan["patch_size"])) if mirroring and "noMirroring" not in trainer else ()
    )
    model = TrainedModel(
        _plans(plans),
        _configuration(plans, stage_plan),
        _dataset(plans),
        [],
        tuple(axes),
        device,
        step_size,
        version=1,
    )
    networks = (_network(planned, file, title) for file in weights)
    model.networks += [fast_network(network, device) for network in networks]
    foreground = sorted(model.labels - {0})
    return V1Model(model, read_postprocessing(folder / "postprocessing.json", foreground))


def _checkpoint_file(folder: Path, fold: int | str, checkpoint: str, title: str) -> Path:
    """Find the weights of a fold, beside which lies the pickle with the plan."""
    file = folder / ("all" if fold == "all" else f"fold_{fold}") / f"{checkpoint}.model"
    if not file.is_file() or not file.with_name(file.name + ".pkl").is_file():
        present = sorted(str(f.relative_to(folder)) for f in folder.glob("*/*.model"))
        raise BadInput(
            f"{title} has no {file.relative_to(folder)} with its .pkl; set `folds` and "
            f"`checkpoint` to one of {present}"
        )
    return file


def _unpickle(file: Path, title: str) -> dict[str, Any]:
    try:
        with file.open("rb") as stream:
            info: dict[str, Any] = pickle.load(stream)
    except (pickle.UnpicklingError, EOFError, ModuleNotFoundError, AttributeError) as error:
        raise BadInput(
            f"{title}: {file.name} of an nnU-Net v1 model cannot be read ({error}); fetch the "
            "model again"
        ) from error
    return info


def _refuse_unsupported(plans: Mapping[str, Any], trainer: str, title: str) -> None:
    """Refuse what this package cannot do as nnU-Net v1 does."""
    scheme = plans["normalization_schemes"][0]
    remedy = "give a model of 3d_fullres, 3d_lowres or 2d that works on a CT alone"
    if plans["num_modalities"] != 1:
        problem = f"wants {plans['num_modalities']} images of a patient"
    elif CASCADE in trainer.lower():
        problem = f"is the second stage of a cascade ({trainer})"
    elif not re.fullmatch(TRAINERS, trainer):
        problem = f"was trained by {trainer}, whose network is not that of nnUNetTrainerV2"
    elif plans.get("preprocessor_name") not in PREPROCESSORS:
        problem = f"has a preprocessing of its own, {plans['preprocessor_name']}"
    elif scheme not in NORMALISATIONS:
        problem = f"has the normalisation {scheme}"
    elif plans["use_mask_for_norm"][0]:
        problem = "normalises within a mask"
    else:
        return
    raise BadInput(f"{title} of nnU-Net v1 {problem}; {remedy}")


def _plans(plans: Mapping[str, Any]) -> dict[str, Any]:
    """Write the plans for all configurations as plans.json of v2 has them."""
    properties = (plans["dataset_properties"].get("intensityproperties") or {}).get(0) or {}
    names = {"mean": "mean", "sd": "std"}
    names |= {key: key for key in ("percentile_00_5", "percentile_99_5")}
    intensities = {new: float(properties[old]) for old, new in names.items() if old in properties}
    axes = [0, 1, 2]
    return {
        "image_reader_writer": "SimpleITKIO",
        "transpose_forward": list(plans.get("transpose_forward") or axes),
        "transpose_backward": list(plans.get("transpose_backward") or axes),
        "foreground_intensity_properties_per_channel": {"0": intensities},
    }


def _configuration(plans: Mapping[str, Any], stage: Mapping[str, Any]) -> dict[str, Any]:
    """Write the plan of one configuration as plans.json of v2 has it."""
    patch = [int(size) for size in stage["patch_size"]]
    export = plans.get("segmentation_export_params") or {}
    resample = "resample_data_or_seg_to_shape"
    return {
        "patch_size": patch,
        "spacing": [float(value) for value in stage["current_spacing"]][-len(patch) :],
        "normalization_schemes": [NORMALISATIONS[plans["normalization_schemes"][0]]],
        "resampling_fn_data": resample,
        "resampling_fn_data_kwargs": {"order": 3, "order_z": 0, "force_separate_z": None},
        "resampling_fn_probabilities": resample,
        "resampling_fn_probabilities_kwargs": {
            "order": export.get("interpolation_order", 1),
            "order_z": export.get("interpolation_order_z", 0),
            "force_separate_z": export.get("force_separate_z"),
        },
    }


def _dataset(plans: Mapping[str, Any]) -> dict[str, Any]:
    labels = {str(value): value for value in range(1, int(plans["num_classes"]) + 1)}
    return {"channel_names": {"0": "CT"}, "labels": {"background": 0, **labels}}


def _pooling(stage: Mapping[str, Any]) -> list[list[int]]:
    """Read the strides between the stages; old plans only count them along each axis."""
    if "pool_op_kernel_sizes" in stage:
        return [list(map(int, size)) for size in stage["pool_op_kernel_sizes"]]
    counts = [int(count) for count in stage["num_pool_per_axis"]]
    return [[2 if max(counts) - count <= i else 1 for count in counts] for i in range(max(counts))]


def _kernel_sizes(stage: Mapping[str, Any]) -> list[list[int]]:
    """Read the kernel sizes of the stages; in old plans they are 3 everywhere."""
    if "conv_kernel_sizes" in stage:
        return [list(map(int, size)) for size in stage["conv_kernel_sizes"]]
    return [[3] * len(stage["patch_size"])] * (len(_pooling(stage)) + 1)


def _network(plan: UNetPlan, file: Path, title: str) -> GenericUNet:
    """Build the network of one fold, with the weights of its checkpoint."""
    state = torch.load(file, map_location="cpu", weights_only=False)["state_dict"]
    network = GenericUNet(plan)
    try:
        network.load_state_dict({key.removeprefix("module."): w for key, w in state.items()})
    except RuntimeError as error:
        raise BadInput(
            f"{title}: the weights of {file.parent.name}/{file.name} are those of another network "
            "than the plan of nnUNetTrainerV2; give a model of that trainer"
        ) from error
    return network
