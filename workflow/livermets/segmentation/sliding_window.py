"""A network moved over a volume patch by patch, as nnU-Net does it, but only where it matters."""

import contextlib
import itertools
from collections.abc import Sequence

import numpy as np
import torch

FAINT = -4.6  # logit of 1 %: a patch with less foreground everywhere needs no mirrored look


@torch.inference_mode()
def sliding_window(
    networks: Sequence[torch.nn.Module],
    data: np.ndarray,
    inside: np.ndarray,
    patch: Sequence[int],
    outputs: int,
    *,
    step_size: float = 0.5,
    mirror_axes: Sequence[int] = (),
    regions: bool = False,
    device: torch.device | str = "cpu",
) -> np.ndarray:
    """Logits of a volume, averaged over networks, mirrored forms and overlapping patches.

    Parameters
    ----------
    data : float32 (z, y, x), normalised and resampled
    inside : boolean like `data`; patches without a true voxel are not looked at
    patch : voxels (z, y, x), or (y, x) of a network that sees single slices
    outputs : channels that the networks give
    step_size : distance of neighbouring patches as a fraction of the patch
    mirror_axes : axes of the patch that the networks were trained to see flipped. A patch in which
        the plain look finds nothing at all (less than 1 % everywhere) is not looked at flipped
    regions : whether outputs are regions that may overlap, not the background and one label each

    Returns
    -------
    float16 (outputs, z, y, x), as precise as nnU-Net's own; 0 where no patch was looked at
    """
    from nnunetv2.inference.sliding_window_prediction import (
        compute_gaussian,
        compute_steps_for_sliding_window,
    )

    device = torch.device(device)
    slices = 3 - len(patch)  # 1 where every slice is a volume of its own
    size = (1,) * slices + tuple(patch)
    short = [max(0, want - n) for want, n in zip(size, data.shape, strict=True)]
    pad = [(missing // 2, missing - missing // 2) for missing in short]
    volume, inside = torch.from_numpy(np.pad(data, pad)).to(device), np.pad(inside, pad)
    store = _roomy(device, outputs * volume.numel() * 6)
    logits = torch.zeros((outputs, *volume.shape), dtype=torch.half, device=store)
    weights = torch.zeros(volume.shape, dtype=torch.half, device=store)
    gaussian = compute_gaussian(tuple(patch), 1 / 8, 10, device=store).reshape(size)
    flips = [
        tuple(axis + 2 for axis in axes)
        for n in range(1, len(mirror_axes) + 1)
        for axes in itertools.combinations(mirror_axes, n)
    ]
    steps = [range(n) for n in volume.shape[:slices]]
    steps += compute_steps_for_sliding_window(volume.shape[slices:], patch, step_size)
    half = torch.autocast("cuda") if device.type == "cuda" else contextlib.nullcontext()
    with half:  # as nnU-Net: on a CPU there is no gain in it
        for corner in itertools.product(*steps):
            here = tuple(slice(at, at + n) for at, n in zip(corner, size, strict=True))
            if not inside[here].any():
                continue
            look = volume[here].reshape(1, 1, *patch)
            found = sum(network(look) for network in networks)
            if flips and _anything(found[0] / len(networks), regions):
                for axes in flips:
                    flipped = torch.flip(look, axes)
                    found += sum(torch.flip(network(flipped), axes) for network in networks)
                found /= len(flips) + 1
            found = (found[0] / len(networks)).reshape(outputs, *size).to(store)
            logits[(slice(None), *here)] += found * gaussian
            weights[here] += gaussian
    logits /= torch.where(weights > 0, weights, 1)
    if not torch.isfinite(logits).all():
        raise FloatingPointError("the network's outputs overflow half precision")
    inner = tuple(slice(low, n - high) for (low, high), n in zip(pad, volume.shape, strict=True))
    return logits[(slice(None), *inner)].cpu().numpy()


def _anything(logits: torch.Tensor, regions: bool) -> bool:
    """Whether any output but the background's may be more than faint somewhere in a patch."""
    return bool((logits if regions else logits[1:] - logits[:1]).max() > FAINT)


def _roomy(device: torch.device, wanted: int) -> torch.device:
    """Where to gather the logits: on the device, or beside it where they would not fit."""
    if device.type == "cuda" and torch.cuda.mem_get_info(device)[0] < 2 * wanted:
        return torch.device("cpu")
    return device
