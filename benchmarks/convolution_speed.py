"""Operations of a network, and the speed of convolutions on this machine."""

import math
import time

import torch
from torch.utils.flop_counter import FlopCounterMode

CHANNELS, SIDE, REPEATS = 80, 48, 5


def convolution_speed() -> float:
    """Floating-point operations per second of CPU time of a 3 × 3 × 3 convolution."""
    layout = torch.channels_last_3d
    layer = torch.nn.Conv3d(CHANNELS, CHANNELS, 3, padding=1).to(memory_format=layout)
    x = torch.randn(1, CHANNELS, SIDE, SIDE, SIDE).contiguous(memory_format=layout)
    best = float("inf")
    with torch.inference_mode():
        for _ in range(REPEATS):
            start = time.process_time()
            layer(x)
            best = min(best, time.process_time() - start)
    return 2 * 27 * CHANNELS**2 * SIDE**3 / best


def operation_counter() -> FlopCounterMode:
    """PyTorch's counter of floating-point operations, which knows oneDNN's convolution as well."""

    def of_convolution(x_shape, weight_shape, *_, out_shape, **__) -> int:
        return 2 * math.prod(out_shape) * math.prod(weight_shape[1:])

    return FlopCounterMode(
        display=False, custom_mapping={torch.ops.aten.mkldnn_convolution: of_convolution}
    )
