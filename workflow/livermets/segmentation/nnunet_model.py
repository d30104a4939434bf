"""A trained nnU-Net v2 model in memory: its plan and the networks of its folds.

Isensee et al. 2021, doi:10.1038/s41592-020-01008-z. `nnunet_prediction` predicts a CT with it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from livermets.core.errors import BadInput
from livermets.segmentation.openvino_network import fast_network


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
    version : int
        2, or 1 of nnU-Net v1, which normalises a CT after it has resampled it and whose networks
        give probabilities.
    """

    plans: dict[str, Any]
    configuration: dict[str, Any]
    dataset: dict[str, Any]
    networks: list[torch.nn.Module]
    mirror_axes: tuple[int, ...]
    device: torch.device
    step_size: float
    version: int = 2

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
    model.networks += [fast_network(_network(model, state), device) for state in states]
    return model


def _configuration(plans: dict[str, Any], name: str) -> dict[str, Any]:
    """Take the plan of one configuration; nnU-Net completes one that inherits or is old."""
    configuration: dict[str, Any] = plans["configurations"][name]
    if "inherits_from" in configuration or "architecture" not in configuration:
        from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

        configuration = PlansManager(plans).get_configuration(name).configuration
    return configuration


def _refuse_unsupported(configuration: dict[str, Any], dataset: dict[str, Any], name: str) -> None:
    """Refuse models that need more than one CT and nnU-Net's default preprocessing."""
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
    """Build the network of one fold, with the weights of its checkpoint."""
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
