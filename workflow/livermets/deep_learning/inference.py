"""Inference: logits of a dataset, in the number type and memory format that are fastest.

The dataset's batches are cut and standardised where the network is. A batch that does not fit in
the memory of the GPU is halved.
"""

import logging
from collections.abc import Iterator
from typing import Any, Protocol

import torch
from torch import nn

from livermets.core.errors import BadInput
from livermets.deep_learning.dataset import LesionDataset

log = logging.getLogger(__name__)


class Network(Protocol):
    """A PyTorch module that `fit` can train; its logits are those of `losses`."""

    classes: int

    def prepare(self, images: torch.Tensor) -> torch.Tensor:
        """Convert uint8 images to the network's input, ready to be augmented."""

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Compute the logits of prepared images."""

    def train(self, mode: bool = True) -> Any:
        """Set training or evaluation mode, as `torch.nn.Module` does, like the methods below."""

    def eval(self) -> Any: ...  # noqa: D102

    def parameters(self) -> Iterator[nn.Parameter]: ...  # noqa: D102

    def state_dict(self) -> dict[str, Any]: ...  # noqa: D102


def forward(network: Network, images: torch.Tensor, mixed_precision: bool = True) -> torch.Tensor:
    """Compute the logits (float32) of prepared images.

    Parameters
    ----------
    network : Network
        On the device of the images.
    images : tensor of float32, shape (n, channels, size, size)
        What `network.prepare` returns.
    mixed_precision : bool
        Whether a GPU computes with 16 bits where that does no harm. A CPU never does.

    Returns
    -------
    tensor of float32, shape (n,) or (n, classes)
        See `livermets.deep_learning.losses`.
    """
    kind = precision(images.device, mixed_precision)
    with torch.autocast(images.device.type, kind, enabled=kind is not torch.float32):
        return network(images.contiguous(memory_format=torch.channels_last)).float()


def precision(device: torch.device, mixed_precision: bool = True) -> torch.dtype:
    """Choose the number type the network computes with: 16 bits on a GPU, float32 on a CPU."""
    if device.type != "cuda" or not mixed_precision:
        return torch.float32
    native = torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if native else torch.float16


@torch.inference_mode()
def predict(
    network: Network, dataset: LesionDataset, batch_size: int = 64, mixed_precision: bool = True
) -> torch.Tensor:
    """Compute the logits of a dataset without augmentation, on the device of its targets."""
    network.eval()
    parts: list[torch.Tensor] = []
    start = 0
    while start < len(dataset):
        index = torch.arange(start, min(start + batch_size, len(dataset)))
        try:
            images = network.prepare(dataset.batch(index))
            parts.append(forward(network, images, mixed_precision))
        except torch.OutOfMemoryError:
            batch_size = halve(batch_size, smallest=1)
            continue
        start += len(index)
    return torch.cat(parts)


def halve(images: int, smallest: int) -> int:
    """Halve the number of images that a GPU gets at a time, after it ran out of memory.

    Parameters
    ----------
    images : int
        Images at a time so far.
    smallest : int
        The fewest that are possible.

    Returns
    -------
    int
        Images at a time from now on.

    Raises
    ------
    BadInput
        If that is fewer than `smallest`.
    """
    if images // 2 < smallest:
        raise BadInput(
            f"the GPU is out of memory with {images} slices at a time, and fewer are not possible. "
            "Lower slices.size, set densenet.device: cpu, or end what else uses the GPU."
        )
    log.warning(
        "the GPU is out of memory with %d slices at a time; going on with %d", images, images // 2
    )
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return images // 2


def lesion_means(values: torch.Tensor, lesions: torch.Tensor) -> torch.Tensor:
    """Average values (n, m) over each lesion: (lesions, m), in the order of their numbers."""
    _, place, count = lesions.unique(return_inverse=True, return_counts=True)
    sums = values.new_zeros(len(count), values.shape[1]).index_add(0, place, values)
    return sums / count[:, None]
