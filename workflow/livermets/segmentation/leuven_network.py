"""U-Nets of KU Leuven for liver and liver lesions, in PyTorch.

Tang et al., EJNMMI 2020, doi:10.1007/s00259-020-04800-3. The published weights are Keras files
(HDF5, no pickle); the networks here compute the same. Tensors are (batch, channel, x, y, z) with x
to the right, y to the front and z up.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

Kernel = tuple[int, int, int]
FLAT: Kernel = (3, 3, 1)
CUBE: Kernel = (3, 3, 3)
CHANNELS = ((20, 40), (40, 80), (80, 160), (160, 160))  # of the two convolutions of each level
EPSILON = 1e-7  # Keras adds it to a standard deviation
SLOPE = 0.01  # of the leaky ReLU


class Architecture(NamedTuple):
    """Properties in which the two networks differ.

    Parameters
    ----------
    factor : int
        Pooling between two levels.
    padded : bool
        Whether convolutions keep the size; otherwise each loses a border.
    residual : bool
        Whether a shortcut leads around each pair of convolutions.
    smooth : bool
        Whether upsampling is followed by a mean over `factor` voxels.
    deepest : tuple of Kernel
        Kernels of the deepest level.
    input_size, output_size : tuple of int
        Voxels (x, y, z) of a segment that goes in, and of its middle that comes out. The
        normalisation is over the whole segment, so its size is part of the network.
    spacing_mm : tuple of float
        Voxel size (x, y, z).
    """

    factor: int
    padded: bool
    residual: bool
    smooth: bool
    deepest: tuple[Kernel, Kernel]
    input_size: tuple[int, int, int]
    output_size: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]


LIVER = Architecture(
    factor=3,
    padded=True,
    residual=False,
    smooth=True,
    deepest=(CUBE, CUBE),
    input_size=(189, 162, 162),
    output_size=(163, 136, 136),
    spacing_mm=(3.0, 3.0, 3.0),
)
LESIONS = Architecture(
    factor=2,
    padded=False,
    residual=True,
    smooth=False,
    deepest=(FLAT, CUBE),
    input_size=(180, 172, 86),
    output_size=(92, 84, 42),
    spacing_mm=(1.0, 1.0, 3.0),
)


def normalise(x: torch.Tensor) -> torch.Tensor:
    """Give each channel mean 0 and standard deviation 1 over the segment; then a leaky ReLU."""
    # PyTorch's batch normalisation is faster, but its sums over a segment whose channels lie
    # last are off by so much (0.1 standard deviations, PyTorch 2.13) that lesions change.
    mean = channel_means(x)
    scale = 1 / (channel_means((x - mean).square_()).sqrt() + EPSILON)
    return functional.leaky_relu_(torch.addcmul(-mean * scale, x, scale), SLOPE)


def channel_means(x: torch.Tensor) -> torch.Tensor:
    """Average each channel over the segment, shape (batch, channel, 1, 1, 1).

    The average is one of planes, and then of their averages. OpenVINO (2026.4) adds up the millions
    of voxels of a channel one after the other, in float32, which is off by 0.5 %. It joins two
    averages to one unless there is a change of shape between them.
    """
    batch, channels, planes, height, width = x.shape
    of_planes = x.reshape(batch, channels, planes, height * width).mean(3, keepdim=True)
    whole = of_planes.reshape(batch, channels, planes).mean(2)
    return whole.reshape(batch, channels, 1, 1, 1)


def middle(x: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    """Cut out the middle `size` voxels of the last three axes."""
    for axis, voxels in enumerate(size, start=2):
        x = x.narrow(axis, (x.shape[axis] - voxels) // 2, voxels)
    return x


class ConvolutionPair(nn.Module):
    """Two convolutions, each after a normalisation; the network's very first has none before it."""

    def __init__(
        self,
        channels: tuple[int, int, int],
        kernels: tuple[Kernel, Kernel],
        architecture: Architecture,
        first: bool = False,
    ) -> None:
        super().__init__()
        self.first = first
        self.residual = architecture.residual
        layers = []
        for (before, after), kernel in zip(pairwise(channels), kernels, strict=True):
            x, y, z = (n // 2 if architecture.padded else 0 for n in kernel)
            layers.append(nn.Conv3d(before, after, kernel, padding=(x, y, z)))
        self.convolutions = nn.ModuleList(layers)
        self.shortcut: nn.Module = nn.Identity()
        if self.residual and channels[0] != channels[-1]:
            self.shortcut = nn.Conv3d(channels[0], channels[-1], 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compute the features of one level from those of the level before."""
        y = x
        for number, convolution in enumerate(self.convolutions):
            y = convolution(y if self.first and number == 0 else normalise(y))
        return y.add_(self.shortcut(middle(x, y.shape[2:]))) if self.residual else y


class LeuvenUNet(nn.Module):
    """A U-Net of four levels that gives the probability of the foreground."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        down, up, before = [], [], 1
        for level, (first, second) in enumerate(CHANNELS):
            kernels = (FLAT, CUBE) if level < len(CHANNELS) - 1 else architecture.deepest
            channels = (before, first, second)
            down.append(ConvolutionPair(channels, kernels, architecture, first=level == 0))
            before = second
        for first, second in reversed(CHANNELS[:-1]):
            channels = (before + second, second, first)
            up.append(ConvolutionPair(channels, (CUBE, FLAT), architecture))
            before = first
        self.down, self.up = nn.ModuleList(down), nn.ModuleList(up)
        self.last = nn.Conv3d(before, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compute the probabilities (batch, 1, x, y, z) of segments of the stated input size."""
        factor, levels = self.architecture.factor, []
        for level, pair in enumerate(self.down):
            x = pair(functional.max_pool3d(x, factor) if level else x)
            levels.append(x)
        levels.pop()  # the deepest level goes up by itself
        for pair in self.up:
            x = functional.interpolate(x, scale_factor=factor, mode="nearest")
            if self.architecture.smooth:
                x = functional.avg_pool3d(x, factor, stride=1)
            x = pair(torch.cat([middle(levels.pop(), x.shape[2:]), x], dim=1))
        return torch.sigmoid(self.last(normalise(x)))

    def convolutions_as_keras_counts(self) -> Iterator[nn.Conv3d]:
        """Give the convolutions in the order in which Keras numbered them, from 1."""
        for pair in (*self.down, *self.up):
            yield from pair.convolutions
            if isinstance(pair.shortcut, nn.Conv3d):
                yield pair.shortcut
        yield self.last
