"""Tiles of a volume for the networks of KU Leuven, whose output is the middle of their input.

The network of the liver needs one segment for a CT of usual size. The network of lesions has
convolutions without padding, so its tiles lie side by side, and only those with liver are computed.
"""

from itertools import product

import numpy as np
import torch
from torch import nn

from livermets.segmentation.leuven_network import Architecture


def predict_by_windows(
    network: nn.Module, sizes: Architecture, volume: np.ndarray, device: torch.device
) -> np.ndarray:
    """Predict a volume (x, y, z), which one segment holds if the CT is no larger.

    A larger CT is covered by segments that overlap by half; each voxel takes the probability of
    the segment whose middle is nearest.
    """
    axes = [window_starts(n, size) for n, size in zip(volume.shape, sizes.output_size, strict=True)]
    probability = np.zeros(volume.shape, dtype=np.float32)
    distance = np.full(volume.shape, np.inf, dtype=np.float32)
    for start in product(*axes):
        part = _predict_segment(network, sizes, volume, start, device)
        to, of = _overlap(volume.shape, start, sizes.output_size)
        away = np.zeros(part[of].shape, dtype=np.float32)
        for axis, (place, size) in enumerate(zip(to, sizes.output_size, strict=True)):
            offset = np.arange(place.start, place.stop) - (start[axis] + (size - 1) / 2)
            away = np.maximum(
                away, np.abs(np.expand_dims(offset / size, tuple({0, 1, 2} - {axis})))
            )
        nearer = away < distance[to]
        probability[to][nearer] = part[of][nearer]
        distance[to][nearer] = away[nearer]
    return probability


def predict_by_tiles(
    network: nn.Module,
    sizes: Architecture,
    volume: np.ndarray,
    wanted: np.ndarray,
    device: torch.device,
) -> np.ndarray:
    """Predict a volume (x, y, z) tile by tile; tiles without a wanted voxel stay 0."""
    size = sizes.output_size
    probability = np.zeros(volume.shape, dtype=np.float32)
    axes = [tile_starts(n, step) for n, step in zip(volume.shape, size, strict=True)]
    for start in product(*axes):
        to, of = _overlap(volume.shape, start, size)
        if wanted[to].any():
            probability[to] = _predict_segment(network, sizes, volume, start, device)[of]
    return probability


def window_starts(voxels: int, size: int) -> list[int]:
    """Place segments of `size` along an axis: one in the middle, or overlapping ones."""
    if voxels <= size:
        return [(voxels - size) // 2]
    count = int(np.ceil((voxels - size) / (size / 2))) + 1
    return np.linspace(0, voxels - size, count).round().astype(int).tolist()


def tile_starts(voxels: int, size: int) -> list[int]:
    """Place tiles side by side along an axis; the last one ends where the axis ends."""
    last = max(voxels - size, 0)
    return [*range(0, last, size), last]


def _overlap(
    shape: tuple[int, ...], start: tuple[int, ...], size: tuple[int, ...]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Find where a segment lies in the volume, and the part of the segment that lies in it."""
    bounds = [
        (max(first, 0), min(first + extent, n), first)
        for first, extent, n in zip(start, size, shape, strict=True)
    ]
    in_volume = tuple(slice(low, high) for low, high, _ in bounds)
    in_segment = tuple(slice(low - first, high - first) for low, high, first in bounds)
    return in_volume, in_segment


def _predict_segment(
    network: nn.Module,
    sizes: Architecture,
    volume: np.ndarray,
    start: tuple[int, ...],
    device: torch.device,
) -> np.ndarray:
    """Predict the segment whose output begins at `start`; its input is 0 beyond the volume."""
    border = [(i - o) // 2 for i, o in zip(sizes.input_size, sizes.output_size, strict=True)]
    first = tuple(a - b for a, b in zip(start, border, strict=True))
    segment = np.zeros(sizes.input_size, dtype=np.float32)
    of, to = _overlap(volume.shape, first, sizes.input_size)
    segment[to] = volume[of]
    x = torch.from_numpy(segment)[None, None].to(device, memory_format=torch.channels_last_3d)
    with torch.inference_mode():
        probability: np.ndarray = network(x)[0, 0].cpu().numpy()
    return probability
