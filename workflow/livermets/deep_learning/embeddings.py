"""Embeddings: what a trained DenseNet-121 makes of a slice before its last layer, 1024 values."""

from torch import nn

from livermets.deep_learning.network import LesionNet


def take_last_layer(network: LesionNet) -> nn.Linear:
    """Take the last layer out of a network, which from then on gives embeddings.

    Parameters
    ----------
    network : LesionNet
        It is changed in place.

    Returns
    -------
    Linear
        The layer that makes logits of embeddings.
    """
    name, last = [
        (name, part)
        for name, part in network.densenet.named_modules()
        if isinstance(part, nn.Linear)
    ][-1]
    parent, _, child = name.rpartition(".")
    setattr(network.densenet.get_submodule(parent), child, nn.Identity())
    return last
