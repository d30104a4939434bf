"""Weights of the networks of KU Leuven, from Keras files (HDF5, no pickle)."""

import io

import h5py
import numpy as np
import torch

from livermets.core.errors import BadInput
from livermets.segmentation.leuven_network import Architecture, LeuvenUNet


def load_weights(content: bytes, architecture: Architecture, title: str) -> LeuvenUNet:
    """Load a network with the weights of a Keras file (HDF5).

    Raises
    ------
    BadInput
        Where the file is damaged, or its weights are those of another network.
    """
    network = LeuvenUNet(architecture)
    try:
        with h5py.File(io.BytesIO(content)) as file, torch.no_grad():
            convolutions = list(network.convolutions_as_keras_counts())
            _refuse_other_network(file, len(convolutions))
            for number, convolution in enumerate(convolutions, start=1):
                group = file[f"conv3d_{number}/conv3d_{number}"]
                kernel = group["kernel:0"][()].transpose(4, 3, 0, 1, 2)  # to (out, in, x, y, z)
                for own, given in (
                    (convolution.weight, kernel),
                    (convolution.bias, group["bias:0"]),
                ):
                    if own is None or own.shape != given.shape:
                        raise KeyError(f"conv3d_{number} has the shape {given.shape}")
                    own.copy_(torch.from_numpy(np.ascontiguousarray(given)))
    except (OSError, KeyError) as error:
        raise BadInput(
            f"segmentation model {title} does not hold the expected network ({error}); name the "
            "package and version of config/recipes/leuven.yaml"
        ) from error
    for convolution in network.convolutions_as_keras_counts():
        layout = torch.channels_last_3d  # a third faster on a CPU
        convolution.weight.data = convolution.weight.data.contiguous(memory_format=layout)
    return network.eval()


def _refuse_other_network(file: h5py.File, expected: int) -> None:
    count = sum(name.startswith("conv3d_") for name in file)
    if count != expected:
        raise KeyError(f"it has {count} convolutions, not {expected}")
