"""Image probabilities: what a trained DenseNet-121 says of prepared images."""

import torch

from livermets.deep_learning.inference import forward
from livermets.deep_learning.losses import probabilities
from livermets.deep_learning.network import LesionNet

BATCH = 32  # images at a time


@torch.inference_mode()
def chances(network: LesionNet, prepared: torch.Tensor) -> torch.Tensor:
    """Compute the probabilities (n, classes) of images that `network.prepare` made."""
    device = network.mean.device
    parts = [forward(network, part.to(device)) for part in prepared.split(BATCH)]
    return probabilities(torch.cat(parts).double()).cpu()
