"""Resampling of volumes as in nnU-Net, for the whole result or for a window of it alone.

The values are those of `resample_data_or_seg_to_shape` of nnU-Net 2.8; a test compares both. The
computation here needs SciPy alone, while nnU-Net's module imports pandas and scikit-image, which
takes a second in every job, and always computes the whole result.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from scipy import ndimage

PADDING = 12  # voxels added at both ends of an axis before a spline filter
ANISOTROPY_RATIO = 3  # from this ratio of spacings on, nnU-Net resamples the coarse axis separately
WHOLE = (slice(None),) * 3


def resampling_function(name: str, settings: dict[str, Any]) -> Callable[..., np.ndarray]:
    """Choose the resampling function that a plan names.

    Parameters
    ----------
    name : str
        Name of the function in nnU-Net.
    settings : dict
        Its keyword arguments in the plan.

    Returns
    -------
    callable
        Called as (volume, shape, spacing, new_spacing, window). `resample`, where it gives the
        values of the named function; else nnU-Net's function, of whose result the window is cut.
    """
    orders = {settings.get("order", 3), settings.get("order_z", 0)}
    equivalent = name == "resample_data_or_seg_to_shape" and orders <= {0, 1, 3}
    if equivalent and not settings.get("is_seg"):
        return partial(resample, **{k: v for k, v in settings.items() if k != "is_seg"})

    def resample_by_nnunet(
        volume: np.ndarray,
        shape: Sequence[int],
        spacing: Sequence[float],
        new_spacing: Sequence[float],
        window: Sequence[slice] = WHOLE,
    ) -> np.ndarray:
        from nnunetv2.preprocessing.resampling.utils import recursive_find_resampling_fn_by_name

        function = recursive_find_resampling_fn_by_name(name)
        result = function(volume[None], tuple(shape), spacing, new_spacing, **settings)
        return np.asarray(result[0])[tuple(window)]

    return resample_by_nnunet


def resample(
    volume: np.ndarray,
    shape: Sequence[int],
    spacing: Sequence[float],
    new_spacing: Sequence[float],
    window: Sequence[slice] = WHOLE,
    order: int = 3,
    order_z: int = 0,
    force_separate_z: bool | None = False,
    separate_z_anisotropy_threshold: float = ANISOTROPY_RATIO,
) -> np.ndarray:
    """Resample a volume to a grid of another shape that covers the same space.

    The spacings decide one thing only, as in nnU-Net: whether a coarse axis is resampled
    separately, within the slices with `order` and across the slices with `order_z`.

    Parameters
    ----------
    volume : ndarray, shape (z, y, x)
        The values.
    shape : sequence of int
        Voxels of the new grid.
    spacing, new_spacing : sequence of float
        Distance of voxels in mm, before and after.
    window : sequence of slice
        The part of the new grid that is computed.
    order, order_z : int
        Order of the splines: 0, 1 or 3.
    force_separate_z : bool, optional
        Resample the coarse axis separately (True) or never (False). None: by the threshold.
    separate_z_anisotropy_threshold : float
        Largest spacing divided by the smallest, above which the coarse axis is separate.

    Returns
    -------
    ndarray
        The window of the new grid, in the dtype of `volume`.
    """
    if tuple(volume.shape) == tuple(shape):
        return volume[tuple(window)]
    axis = _coarse_axis(spacing, new_spacing, force_separate_z, separate_z_anisotropy_threshold)
    if axis is None:
        return _resample_axes(volume, shape, window, order).astype(volume.dtype)
    plane = [i for i in range(3) if i != axis]
    in_plane = [shape[i] for i in plane], [window[i] for i in plane], order
    slices = np.stack([_resample_axes(x, *in_plane) for x in np.moveaxis(volume, axis, 0)], axis)
    across, part = list(slices.shape), list(WHOLE)
    across[axis], part[axis] = shape[axis], window[axis]
    return _resample_axes(slices, across, part, order_z).astype(volume.dtype)


def _coarse_axis(
    spacing: Sequence[float], new_spacing: Sequence[float], force: bool | None, threshold: float
) -> int | None:
    """The one axis that is resampled separately, None where there is none."""
    for candidate in (spacing, new_spacing):
        if force or (force is None and max(candidate) / min(candidate) > threshold):
            coarse = np.flatnonzero(np.asarray(candidate) == max(candidate))
            return int(coarse[0]) if len(coarse) == 1 else None
    return None


def _resample_axes(
    volume: np.ndarray, shape: Sequence[int], window: Sequence[slice], order: int
) -> np.ndarray:
    """Splines between voxel centres, clipped to the range of the input as in scikit-image.

    The axes are resampled one by one, the one that shrinks most first. This gives the numbers of
    SciPy's `zoom` in a third of the time for a CT, most of whose voxels the first axis removes.
    """
    if volume.shape == tuple(shape):
        return volume[tuple(window)]
    result = volume
    for axis in np.argsort(np.divide(shape, volume.shape)):
        indices = np.arange(shape[axis])[window[axis]]
        positions = (indices + 0.5) * volume.shape[axis] / shape[axis] - 0.5
        result = _interpolate_axis(result, int(axis), positions, order)
    return np.clip(result, volume.min(), volume.max(), out=result) if order > 1 else result


def _interpolate_axis(
    volume: np.ndarray, axis: int, positions: np.ndarray, order: int
) -> np.ndarray:
    """`volume` at positions (in voxels, as float) along one axis; its end values continue."""
    last = volume.shape[axis] - 1
    if order == 0:
        return volume.take(np.clip(np.floor(positions + 0.5).astype(int), 0, last), axis)
    if order == 1:
        positions = np.clip(positions, 0, last)
        first = np.minimum(np.floor(positions).astype(int), max(last - 1, 0))
        fraction = positions - first
        weights = [1 - fraction, fraction]
    else:
        padding = [(0, 0)] * volume.ndim
        padding[axis] = (PADDING, PADDING)  # as in SciPy, so that the filter's ends have no effect
        volume = np.pad(volume, padding, mode="edge")
        volume = ndimage.spline_filter1d(volume, 3, axis, np.float64, "nearest")
        positions = positions + PADDING
        first = np.floor(positions).astype(int) - 1
        t = positions - first - 1
        weights = [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]
        weights = [weight / 6 for weight in weights]  # the cubic B-spline
    sides = [1] * volume.ndim
    sides[axis] = -1
    last = volume.shape[axis] - 1
    return sum(
        volume.take(np.minimum(first + k, last), axis) * weight.reshape(sides)
        for k, weight in enumerate(weights)
    )
