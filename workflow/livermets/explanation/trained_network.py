"""Trained network: a DenseNet-121 as it was saved, and its probabilities of prepared images."""

from collections.abc import Sequence

import torch

from livermets.core.devices import pick_device
from livermets.deep_learning.densenet import Run
from livermets.deep_learning.inference import forward
from livermets.deep_learning.losses import probabilities
from livermets.deep_learning.network import LesionNet, State, network_of, place

BATCH = 32  # images at a time


def trained_network(state: State, outputs: Sequence[str], run: Run) -> LesionNet:
    """Build the network of some weights on the device of a run, ready to predict."""
    network = network_of(state, len(outputs))
    return place(network, pick_device(run.device, "densenet.device")).eval()


@torch.inference_mode()
def chances(network: LesionNet, prepared: torch.Tensor) -> torch.Tensor:
    """Compute the probabilities (n, classes) of images that `network.prepare` made."""
    device = network.mean.device
    parts = [forward(network, part.to(device)) for part in prepared.split(BATCH)]
    return probabilities(torch.cat(parts).double()).cpu()
