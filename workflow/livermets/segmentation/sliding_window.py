"""Sliding window: a network applied to a volume patch by patch, without patches of air.

Patches lie where nnU-Net puts them and are weighted as in nnU-Net. Two things save work: a patch
outside the body is not computed, and a patch without foreground is not computed in its flipped
forms.
"""

import contextlib
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

FAINT = 0.01  # probability: with less of it everywhere a patch is not computed flipped
FAINT_LOGIT = math.log(FAINT / (1 - FAINT))
BYTES_PER_LOGIT = 6  # two bytes of the sum, and the copies made of it


@dataclass(frozen=True)
class SlidingWindowInferer:
    """Settings of a sliding window, and the prediction of a volume with them.

    Parameters
    ----------
    patch_size : sequence of int
        Voxels (z, y, x), or (y, x) of networks for single slices.
    outputs : int
        Channels of the networks.
    step_size : float
        Distance of neighbouring patches as a fraction of the patch.
    mirror_axes : sequence of int
        Axes of the patch along which the networks were trained with flips.
    regions : bool
        Whether the outputs are regions that may overlap, instead of the background and one label
        each.
    device : torch.device or str
        Where the networks run.
    probabilities : bool
        Whether the networks give probabilities, as those of nnU-Net v1, instead of logits.
    """

    patch_size: Sequence[int]
    outputs: int
    step_size: float = 0.5
    mirror_axes: Sequence[int] = ()
    regions: bool = False
    device: torch.device | str = "cpu"
    probabilities: bool = False

    @torch.inference_mode()
    def predict_logits(
        self, networks: Sequence[torch.nn.Module], data: np.ndarray, inside: np.ndarray
    ) -> np.ndarray:
        """Logits of a volume, averaged over networks, flips and overlapping patches.

        Parameters
        ----------
        networks : sequence of torch.nn.Module
            The networks of the folds.
        data : ndarray of float32, shape (z, y, x)
            The CT, normalised and resampled.
        inside : ndarray of bool, shape (z, y, x)
            The body. Patches without a true voxel are skipped.

        Returns
        -------
        ndarray of float16, shape (outputs, z, y, x)
            As precise as nnU-Net's own; 0 where no patch was computed.

        Raises
        ------
        FloatingPointError
            Where the outputs overflow half precision.
        """
        from nnunetv2.inference.sliding_window_prediction import (
            compute_gaussian,
            compute_steps_for_sliding_window,
        )

        device = torch.device(self.device)
        slice_axes = 3 - len(self.patch_size)  # 1 where every slice is predicted by itself
        size = (1,) * slice_axes + tuple(self.patch_size)
        missing = [max(0, want - n) for want, n in zip(size, data.shape, strict=True)]
        padding = [(n // 2, n - n // 2) for n in missing]
        volume = torch.from_numpy(np.pad(data, padding)).to(device)
        inside = np.pad(inside, padding)
        store = _accumulator_device(device, self.outputs * volume.numel() * BYTES_PER_LOGIT)
        logits = torch.zeros((self.outputs, *volume.shape), dtype=torch.half, device=store)
        weights = torch.zeros(volume.shape, dtype=torch.half, device=store)
        gaussian = compute_gaussian(tuple(self.patch_size), 1 / 8, 10, device=store).reshape(size)
        steps = [range(n) for n in volume.shape[:slice_axes]]
        steps += compute_steps_for_sliding_window(
            volume.shape[slice_axes:], self.patch_size, self.step_size
        )
        # nnU-Net, too, computes in half precision on a GPU alone: on a CPU it gains nothing.
        half = torch.autocast("cuda") if device.type == "cuda" else contextlib.nullcontext()
        with half:
            for corner in itertools.product(*steps):
                patch = tuple(
                    slice(start, start + n) for start, n in zip(corner, size, strict=True)
                )
                if not inside[patch].any():
                    continue
                prediction = self._predict_patch(
                    networks, volume[patch].reshape(1, 1, *self.patch_size)
                )
                prediction = prediction.reshape(self.outputs, *size).to(store)
                logits[(slice(None), *patch)] += prediction * gaussian
                weights[patch] += gaussian
        logits /= torch.where(weights > 0, weights, 1)
        if not torch.isfinite(logits).all():
            raise FloatingPointError("the network's outputs overflow half precision")
        unpadded = tuple(
            slice(low, n - high) for (low, high), n in zip(padding, volume.shape, strict=True)
        )
        return logits[(slice(None), *unpadded)].cpu().numpy()

    def _predict_patch(
        self, networks: Sequence[torch.nn.Module], patch: torch.Tensor
    ) -> torch.Tensor:
        """Logits (outputs, *patch) of one patch, averaged over networks and flips."""
        prediction = sum(network(patch) for network in networks)
        flips = self._flips()
        if flips and self._has_foreground(prediction[0] / len(networks)):
            for axes in flips:
                flipped = torch.flip(patch, axes)
                prediction += sum(torch.flip(network(flipped), axes) for network in networks)
            prediction /= len(flips) + 1
        return prediction[0] / len(networks)

    def _has_foreground(self, outputs: torch.Tensor) -> bool:
        """Tell whether any output but the background's is more than faint somewhere."""
        if self.probabilities:
            return bool(outputs[1:].max() > FAINT)
        logits = outputs if self.regions else outputs[1:] - outputs[:1]
        return bool(logits.max() > FAINT_LOGIT)

    def _flips(self) -> list[tuple[int, ...]]:
        """List every combination of axes to flip, as axes of a batch (n, channel, z, y, x)."""
        return [
            tuple(axis + 2 for axis in axes)
            for n in range(1, len(self.mirror_axes) + 1)
            for axes in itertools.combinations(self.mirror_axes, n)
        ]


def _accumulator_device(device: torch.device, needed_bytes: int) -> torch.device:
    """Choose where logits are summed: the device, or main memory where they would not fit."""
    if device.type == "cuda" and torch.cuda.mem_get_info(device)[0] < 2 * needed_bytes:
        return torch.device("cpu")
    return device
