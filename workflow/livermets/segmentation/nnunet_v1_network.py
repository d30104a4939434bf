"""The network of nnU-Net v1: its `Generic_UNet` with strided and transposed convolutions.

Isensee et al. 2021, doi:10.1038/s41592-020-01008-z. nnU-Net v2 cannot build it from a plan: its
decoder takes other kernel sizes, and adds biases. The names of the parts are those of v1, so that
the weights of a checkpoint fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

SLOPE = 0.01  # of the leaky ReLU


@dataclass(frozen=True)
class UNetPlan:
    """Sizes of a network of nnU-Net v1.

    Parameters
    ----------
    outputs : int
        Labels with the background.
    features : int
        Channels of the first stage; each further stage has twice as many.
    strides : sequence of sequence of int
        From each stage to the next, along the axes of a patch.
    kernel_sizes : sequence of sequence of int
        Of the convolutions of each stage: one more than `strides`.
    convolutions : int
        Convolutions of a stage.
    """

    outputs: int
    features: int
    strides: Sequence[Sequence[int]]
    kernel_sizes: Sequence[Sequence[int]]
    convolutions: int = 2

    @property
    def channels(self) -> list[int]:
        """Channels of each stage, limited as in nnU-Net v1."""
        limit = 320 if len(self.kernel_sizes[0]) == 3 else 480
        stages = range(len(self.kernel_sizes))
        return [min(self.features * 2**stage, limit) for stage in stages]


class GenericUNet(nn.Module):
    """The network; gives the probability of each output.

    nnU-Net v1 averages probabilities over flips, patches and folds, where v2 averages logits.
    """

    def __init__(self, plan: UNetPlan) -> None:
        super().__init__()
        channels, depth, n = plan.channels, len(plan.strides), plan.convolutions
        first = [None, *plan.strides]
        inputs = [1, *channels]
        self.conv_blocks_context = nn.ModuleList(
            _Convolutions(inputs[d], channels[d], plan.kernel_sizes[d], n, first[d])
            for d in range(depth)
        )
        self.conv_blocks_context.append(
            _stage(channels[depth - 1], channels[depth], plan.kernel_sizes[depth], n, first[depth])
        )
        transposed = _of_dimension(plan, nn.ConvTranspose2d, nn.ConvTranspose3d)
        convolution = _of_dimension(plan, nn.Conv2d, nn.Conv3d)
        self.tu, self.conv_blocks_localization = nn.ModuleList(), nn.ModuleList()
        self.seg_outputs = nn.ModuleList()
        for u in range(depth):
            below, skip = channels[depth - u], channels[depth - u - 1]
            stride = tuple(plan.strides[depth - u - 1])
            self.tu.append(transposed(below, skip, stride, stride, bias=False))
            # the kernel sizes of the stage below: v1's own choice, which the weights obey
            kernel = plan.kernel_sizes[depth - u]
            self.conv_blocks_localization.append(_stage(2 * skip, skip, kernel, n))
            self.seg_outputs.append(convolution(skip, plan.outputs, 1, bias=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compute the probabilities (n, outputs, ...) of patches (n, 1, ...)."""
        skips = []
        for stage in self.conv_blocks_context[:-1]:
            x = stage(x)
            skips.append(x)
        x = self.conv_blocks_context[-1](x)
        for up, stage, skip in zip(
            self.tu, self.conv_blocks_localization, reversed(skips), strict=True
        ):
            x = stage(torch.cat((up(x), skip), dim=1))
        # the outputs of lower stages served the training alone
        return torch.softmax(self.seg_outputs[-1](x), dim=1)


class _Convolution(nn.Module):
    """Convolution, instance normalisation and leaky ReLU."""

    def __init__(
        self, inputs: int, outputs: int, kernel: Sequence[int], stride: Sequence[int] | None
    ) -> None:
        super().__init__()
        three = len(kernel) == 3
        convolution: type = nn.Conv3d if three else nn.Conv2d
        norm: type = nn.InstanceNorm3d if three else nn.InstanceNorm2d
        padding = [1 if size == 3 else 0 for size in kernel]
        self.conv = convolution(
            inputs, outputs, tuple(kernel), tuple(stride or [1] * len(kernel)), tuple(padding)
        )
        self.instnorm = norm(outputs, eps=1e-5, affine=True)
        self.lrelu = nn.LeakyReLU(SLOPE, inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        activated: torch.Tensor = self.lrelu(self.instnorm(self.conv(x)))
        return activated


class _Convolutions(nn.Module):
    """Convolutions of one stage, the first of them with a stride."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: Sequence[int],
        count: int,
        stride: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            *(
                _Convolution(outputs if i else inputs, outputs, kernel, None if i else stride)
                for i in range(count)
            )
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        stacked: torch.Tensor = self.blocks(x)
        return stacked


def _stage(
    inputs: int,
    outputs: int,
    kernel: Sequence[int],
    count: int,
    stride: Sequence[int] | None = None,
) -> nn.Sequential:
    """A stage whose last convolution v1 keeps apart: the lowest one, and those of the decoder."""
    return nn.Sequential(
        _Convolutions(inputs, outputs, kernel, count - 1, stride),
        _Convolutions(outputs, outputs, kernel, 1),
    )


def _of_dimension(plan: UNetPlan, two: type, three: type) -> type:
    return three if len(plan.kernel_sizes[0]) == 3 else two
