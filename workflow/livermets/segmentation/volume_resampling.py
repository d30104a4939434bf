"""nnU-Net's resampling of volumes, on the part of the result that is wanted.

The same values as `resample_data_or_seg_to_shape` of nnU-Net 2.8 (a test holds them against each
other) from SciPy alone: nnU-Net's own module brings pandas and scikit-image, a second of imports
in every job, and always computes the whole result.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from scipy import ndimage

EDGE = 12  # voxels of padding
ANISOTROPIC = 3  # from this ratio of spacings on, nnU-Net treats the coarse axis apart
WHOLE = (slice(None),) * 3


def resampler(name: str, settings: dict[str, Any]) -> Callable[..., np.ndarray]:
    """The function a plan names, called as (volume, shape, spacing, new_spacing, window).

    Of nnU-Net's other functions the whole result is computed, and the window cut out.
    """
    orders = {settings.get("order", 3), settings.get("order_z", 0)}
    ours = name == "resample_data_or_seg_to_shape" and orders <= {0, 1, 3}
    if ours and not settings.get("is_seg"):
        return partial(resample, **{k: v for k, v in settings.items() if k != "is_seg"})

    def whole(volume, shape, spacing, new_spacing, window=WHOLE):
        from nnunetv2.preprocessing.resampling.utils import recursive_find_resampling_fn_by_name

        function = recursive_find_resampling_fn_by_name(name)
        result = function(volume[None], tuple(shape), spacing, new_spacing, **settings)
        return np.asarray(result[0])[tuple(window)]

    return whole


def resample(
    volume: np.ndarray,
    shape: Sequence[int],
    spacing: Sequence[float],
    new_spacing: Sequence[float],
    window: Sequence[slice] = WHOLE,
    order: int = 3,
    order_z: int = 0,
    force_separate_z: bool | None = False,
    separate_z_anisotropy_threshold: float = ANISOTROPIC,
) -> np.ndarray:
    """`volume` (z, y, x) as the `window` of a grid of `shape` voxels that covers the same space.

    The spacings decide one thing only, as in nnU-Net: whether a coarse axis is resampled apart,
    slice by slice with `order` and across the slices with `order_z`. Keeps the dtype.
    """
    if tuple(volume.shape) == tuple(shape):
        return volume[tuple(window)]
    axis = _coarse_axis(spacing, new_spacing, force_separate_z, separate_z_anisotropy_threshold)
    if axis is None:
        return _zoom(volume, shape, window, order).astype(volume.dtype)
    plane = [i for i in range(3) if i != axis]
    in_plane = [shape[i] for i in plane], [window[i] for i in plane], order
    flat = np.stack([_zoom(one, *in_plane) for one in np.moveaxis(volume, axis, 0)], axis)
    across, part = list(flat.shape), list(WHOLE)
    across[axis], part[axis] = shape[axis], window[axis]
    return _zoom(flat, across, part, order_z).astype(volume.dtype)


def _coarse_axis(
    spacing: Sequence[float], new_spacing: Sequence[float], force: bool | None, threshold: float
) -> int | None:
    for one in (spacing, new_spacing):
        if force or (force is None and max(one) / min(one) > threshold):
            coarse = np.flatnonzero(np.asarray(one) == max(one))
            return int(coarse[0]) if len(coarse) == 1 else None
    return None


def _zoom(
    volume: np.ndarray, shape: Sequence[int], window: Sequence[slice], order: int
) -> np.ndarray:
    """Splines between voxel centres, clipped to the range of the input as scikit-image does.

    Axis by axis, what shrinks most first: the same numbers as SciPy's `zoom` for a third of its
    work on a CT, of which most voxels are gone after the first axis.
    """
    if volume.shape == tuple(shape):
        return volume[tuple(window)]
    result = volume
    for axis in np.argsort(np.divide(shape, volume.shape)):
        wanted = np.arange(shape[axis])[window[axis]]
        result = _along(result, int(axis), (wanted + 0.5) * volume.shape[axis] / shape[axis] - 0.5,
                        order)  # fmt: skip
    return np.clip(result, volume.min(), volume.max(), out=result) if order > 1 else result


def _along(volume: np.ndarray, axis: int, at: np.ndarray, order: int) -> np.ndarray:
    """`volume` at the indices `at` (float) of one axis, its ends continued."""
    last = volume.shape[axis] - 1
    if order == 0:
        return volume.take(np.clip(np.floor(at + 0.5).astype(int), 0, last), axis)
    if order == 1:
        at = np.clip(at, 0, last)
        first = np.minimum(np.floor(at).astype(int), max(last - 1, 0))
        part = at - first
        weights = [1 - part, part]
    else:
        padding = [(0, 0)] * volume.ndim
        padding[axis] = (EDGE, EDGE)  # as SciPy does, so that the filter's ends do not show
        volume = np.pad(volume, padding, mode="edge")
        volume = ndimage.spline_filter1d(volume, 3, axis, np.float64, "nearest")
        at = at + EDGE
        first = np.floor(at).astype(int) - 1
        p = at - first - 1
        weights = [(1 - p) ** 3, 3 * p**3 - 6 * p**2 + 4, -3 * p**3 + 3 * p**2 + 3 * p + 1, p**3]
        weights = [weight / 6 for weight in weights]  # the cubic B-spline
    sides = [1] * volume.ndim
    sides[axis] = -1
    last = volume.shape[axis] - 1
    return sum(
        volume.take(np.minimum(first + k, last), axis) * weight.reshape(sides)
        for k, weight in enumerate(weights)
    )
