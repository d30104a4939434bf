"""3-D convolutions by oneDNN on a CPU, also where PyTorch would choose a slower way.

For one small patch (batch × channels × z × y of no more than 20,480) PyTorch 2.13 takes its own
`slow_conv3d`, which needs up to five times as long. The outputs agree to the last digits of
float32.
"""

import torch
from torch import nn


class OneDnnConv3d(nn.Conv3d):
    """A convolution that calls oneDNN for every float32 input in main memory."""

    def _conv_forward(
        self, input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
    ) -> torch.Tensor:
        """Convolve, as `torch.nn.Conv3d` does."""
        float32_on_cpu = input.device.type == "cpu" and input.dtype == torch.float32
        if not float32_on_cpu or isinstance(self.padding, str):
            return super()._conv_forward(input, weight, bias)
        return torch.mkldnn_convolution(
            input, weight, bias, self.padding, self.stride, self.dilation, self.groups
        )


def use_onednn(network: nn.Module) -> nn.Module:
    """Let the 3-D convolutions of a network call oneDNN, where PyTorch was built with it.

    Parameters
    ----------
    network : torch.nn.Module
        Any network. Its weights and their names stay: only the class of the layers changes.

    Returns
    -------
    torch.nn.Module
        The same network.
    """
    if torch.backends.mkldnn.is_available():
        for module in network.modules():
            if type(module) is nn.Conv3d and module.padding_mode == "zeros":
                module.__class__ = OneDnnConv3d
    return network
