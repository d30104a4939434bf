"""Pretrained weights: a DenseNet-121 that starts from a file instead of from random numbers.

The file may be torchvision's (ImageNet), MONAI's, or a `model.pt` of another study. Reading it
cannot run code. The last layer is always new, since the classes of the file are other classes.
"""

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from livermets.core.errors import BadInput
from livermets.core.io import hash_file

Tensors = dict[str, torch.Tensor]
FIRST, LAST = "features.conv0.weight", "class_layers."
_BEFORE = re.compile(r"^((module|model|densenet|backbone)\.)+")  # what wrappers put before names
_IN_LAYER = re.compile(r"(denselayer\d+\.)(?:layers\.)?(norm|conv)\.?([12])\.")


def load_pretrained(densenet: nn.Module, path: Path, sha256: str) -> None:
    """Load the weights of a file into a DenseNet-121, all but its last layer.

    Where the file's first layer takes another number of channels, such as the three colours of
    ImageNet, its kernels are added up over its channels and shared equally by ours. So a grey image
    gives what it gives as a picture of three equal colours.

    Parameters
    ----------
    densenet : module
        MONAI's DenseNet-121. It is changed in place.
    path : path
        A `.safetensors`, or what `torch.save` wrote: weights by name, alone or as `state_dict`.
    sha256 : str
        Of the file.

    Raises
    ------
    BadInput
        The file is missing, has another sha256, or does not hold the weights of a DenseNet-121.
    """
    content = {_our_name(name): tensor for name, tensor in _read(path, sha256).items()}
    state = densenet.state_dict()
    wanted = [
        name for name in state if not name.startswith(LAST) and "num_batches_tracked" not in name
    ]
    missing = [name for name in wanted if name not in content]
    if missing:
        raise BadInput(
            f"densenet.weights: {path} is not a DenseNet-121: {len(missing)} of {len(wanted)} "
            f"weights are missing, such as {missing[0]}. Name a file of torchvision's or MONAI's "
            "DenseNet-121 in two dimensions."
        )
    content[FIRST] = _share_channels(content[FIRST], state[FIRST].shape[1])
    for name in wanted:
        given, ours = content[name].float(), state[name]
        if given.shape != ours.shape:
            raise BadInput(
                f"densenet.weights: {path} is not a DenseNet-121 in two dimensions: {name} has the "
                f"shape {tuple(given.shape)}, not {tuple(ours.shape)}. Name another file."
            )
        if not given.isfinite().all():
            raise BadInput(
                f"densenet.weights: {name} of {path} is not finite: the training that made it "
                "diverged. Name another file."
            )
        ours.copy_(given)


def _read(path: Path, sha256: str) -> Tensors:
    """The tensors of a file by their names, once its hash is right."""
    if not path.is_file():
        raise BadInput(
            f"densenet.weights: {path} does not exist. Correct `path`, which counts from the "
            "study's folder, or copy the file there."
        )
    actual = hash_file(path)
    if actual != sha256.lower():
        raise BadInput(
            f"densenet.weights: {path} has the sha256 {actual}, and the configuration names "
            f"{sha256}. Fetch the file again; if you changed it yourself, write its sha256 into "
            "the configuration."
        )
    try:
        if path.suffix == ".safetensors":
            content: Any = load_file(path)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, RuntimeError, EOFError, pickle.UnpicklingError) as problem:
        raise BadInput(
            f"densenet.weights: {path} cannot be read, or holds more than weights "
            f"({str(problem).splitlines()[0]}). Save the network's state_dict() alone."
        ) from problem
    for key in ("state_dict", "state"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping):
        content = {}
    return {str(name): part for name, part in content.items() if isinstance(part, torch.Tensor)}


def _our_name(name: str) -> str:
    """MONAI's name of a weight, of its names in torchvision, old and new, and behind wrappers."""
    name = _BEFORE.sub("", name).replace("classifier.", f"{LAST}out.")
    return _IN_LAYER.sub(r"\1layers.\2\3.", name)


def _share_channels(kernels: torch.Tensor, channels: int) -> torch.Tensor:
    """Kernels (n, channels, y, x) whose sum over the channels is that of the given ones."""
    if kernels.ndim != 4 or kernels.shape[1] == channels:
        return kernels
    return kernels.float().sum(dim=1, keepdim=True).expand(-1, channels, -1, -1) / channels
