"""Network: DenseNet-121 for lesion slices, and its file.

Huang et al. 2017, 10.1109/CVPR.2017.243, as MONAI builds it. Lesion pixels are standardised by the
training patients' mean and deviation and black becomes 0: the texture is some 10 HU in a window of
330, and the outline would drown it. Two classes have one logit and a sigmoid, three or more a logit
each and a softmax.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from monai.networks.nets.densenet import DenseNet121
from torch import nn

from livermets.core.devices import pick_device
from livermets.core.io import atomic_path

State = dict[str, torch.Tensor]  # a network's weights by name


class LesionNet(nn.Module):
    """DenseNet-121 that carries its own standardisation of 8-bit images.

    Parameters
    ----------
    mean, deviation : float
        Mean and standard deviation of the lesion pixels of the training patients.
    classes : int
        Number of classes.
    channels : int
        Number of slices that an image holds.
    """

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(
        self, mean: float = 0.0, deviation: float = 1.0, classes: int = 2, channels: int = 1
    ) -> None:
        super().__init__()
        self.classes = classes
        outputs = 1 if classes == 2 else classes
        self.densenet = DenseNet121(spatial_dims=2, in_channels=channels, out_channels=outputs)
        self.register_buffer("mean", torch.tensor(float(mean)))
        self.register_buffer("deviation", torch.tensor(float(deviation)))

    def prepare(self, images: torch.Tensor) -> torch.Tensor:
        """Standardised images float32 (n, channels, size, size) of uint8; one channel may lack."""
        values = (images.float() - self.mean) / self.deviation
        values = torch.where(images > 0, values, 0)
        return values.unsqueeze(1) if values.ndim == 3 else values

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits of prepared images: (n,) of the second of two classes, (n, classes) of more."""
        logits: torch.Tensor = self.densenet(images)
        return logits.squeeze(1) if self.classes == 2 else logits


def network_of(state: Mapping[str, torch.Tensor], classes: int) -> LesionNet:
    """Build the network of trained weights, which also say how many channels its images have."""
    channels = next(weight.shape[1] for weight in state.values() if weight.ndim == 4)
    network = LesionNet(classes=classes, channels=channels)
    network.load_state_dict(dict(state))
    return network


def place(network: LesionNet, device: torch.device) -> LesionNet:
    """Move the network to a device, in the memory format that is fastest there."""
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # stubs lack it
    return network


def trained_network(state: Mapping[str, torch.Tensor], classes: int, device: str) -> LesionNet:
    """Build the network of trained weights, ready to predict.

    Parameters
    ----------
    state : mapping
        Weights of a `LesionNet`.
    classes : int
        Number of classes.
    device : str
        `densenet.device` of the configuration.
    """
    return place(network_of(state, classes), pick_device(device, "densenet.device")).eval()


def save_model(state: Mapping[str, torch.Tensor], values: Mapping[str, Any], path: Path) -> None:
    """Write the weights and plain values, such as settings, to one file, which holds no code."""
    with atomic_path(path) as unfinished, unfinished.open("wb") as file:
        torch.save({"state": dict(state), "facts": dict(values)}, file)


def load_model(path: Path) -> tuple[State, dict[str, Any]]:
    """Read weights and values from a file of `save_model`; reading it cannot run code."""
    content = torch.load(path, map_location="cpu", weights_only=True)
    return content["state"], content["facts"]
