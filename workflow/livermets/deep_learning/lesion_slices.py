"""Lesion slices: the images DenseNet sees, one lesion in one axial slice, all else black.

After the paper (doi 10.1186/s40644-023-00612-4, "Deep learning"): the surroundings are blackened,
the abdominal window (width 330, level 10) is applied, and the lesion is cropped and resized with
all of its border in view. What the paper leaves open is decided here:

- The crop is a square in millimetres around the lesion's bounding box over all its slices, with a
  tenth of its side free on each side, so a lesion keeps one scale and one place along its slices.
- Pixels are interpolated from the lesion's own voxels alone, so neither black nor parenchyma mixes
  into its border; where the grid gets coarser, they are averaged.
- 0 means "not this lesion" and nothing else: the window maps to 1..255.
"""

from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from livermets.core.errors import BadInput
from livermets.core.io import atomic_path

MARGIN = 0.1  # of the crop's side, free on each side of the lesion
SMALLEST = 32  # pixels: DenseNet-121 halves its input five times

Arrays = dict[str, np.ndarray]


def lesion_slices(
    ct: sitk.Image,
    labelled: sitk.Image,
    width: float = 330,
    level: float = 10,
    size: int = 224,
    max_per_lesion: int | None = None,
) -> Arrays:
    """Draw every axial slice of every lesion as a square 8-bit image.

    Parameters
    ----------
    ct : SimpleITK image
        HU.
    labelled : SimpleITK image
        Lesions 1 to n on the grid of `ct`, 0 elsewhere.
    width : float
        Width of the window, HU.
    level : float
        Centre of the window, HU.
    size : int
        Side of the images, pixels.
    max_per_lesion : int, optional
        Largest number of slices of a lesion (see `choose_slices`); by default all.

    Returns
    -------
    dict of ndarray
        `images` uint8 (n, size, size), `lesion` and `z` int64 (n,), `pixel_mm` float32 (n,), the
        pixel's side. In order of lesion and z; all of length 0 where there is no lesion.

    Raises
    ------
    BadInput
        Another grid, or a setting out of range.
    """
    _check(ct, labelled, width, size, max_per_lesion)
    hu, labels = sitk.GetArrayViewFromImage(ct), sitk.GetArrayViewFromImage(labelled)
    spacing = labelled.GetSpacing()[1::-1]  # mm: y, x
    rows = []
    for lesion, box in enumerate(ndimage.find_objects(np.asarray(labels)), start=1):
        if box is None:
            continue
        inside = labels[box] == lesion
        _, height, breadth = inside.shape
        side = max(height * spacing[0], breadth * spacing[1]) / (1 - 2 * MARGIN)
        down = _weights(height, spacing[0], side, size)
        across = _weights(breadth, spacing[1], side, size)
        for z in choose_slices(inside.sum((1, 2)), max_per_lesion):
            image = _draw(hu[box][z], inside[z], down, across, level - width / 2, width)
            rows.append((image, lesion, box[0].start + z, side / size))
    images, lesions, zs, pixels = zip(*rows, strict=True) if rows else ((), (), (), ())
    return {
        "images": np.array(images, np.uint8).reshape(-1, size, size),
        "lesion": np.array(lesions, np.int64),
        "z": np.array(zs, np.int64),
        "pixel_mm": np.array(pixels, np.float32),
    }


def choose_slices(areas: np.ndarray, max_per_lesion: int | None) -> np.ndarray:
    """Choose the slices to take, as ascending indices, by the lesion's area in each slice.

    They are spread evenly over the slices at least half as large as the largest one; where those
    are too few, the largest slices are taken. A single slice is the largest one.

    Parameters
    ----------
    areas : ndarray, shape (z,)
        Area of the lesion in each slice.
    max_per_lesion : int or None
        Largest number of slices; None takes all.

    Returns
    -------
    ndarray of int
        Indices into `areas`.
    """
    present = np.flatnonzero(areas)
    if max_per_lesion is None or len(present) <= max_per_lesion:
        return present
    by_area = np.argsort(-areas, kind="stable")
    large = np.flatnonzero(2 * areas >= areas.max())
    if max_per_lesion == 1 or len(large) < max_per_lesion:
        return np.sort(by_area[:max_per_lesion])
    return large[np.linspace(0, len(large) - 1, max_per_lesion).round().astype(int)]


def save_slices(slices: Arrays, path: Path) -> None:
    """Write an uncompressed .npz, which can be mapped; the same arrays give the same bytes."""
    with atomic_path(path) as unfinished:
        np.savez(unfinished, **slices)  # type: ignore[arg-type]  # stubs want a bool


def _weights(n: int, spacing: float, side: float, size: int) -> np.ndarray:
    """Weight of each of `n` voxels in each pixel of a line of `side` mm, shape (size, n).

    Linear interpolation, or a triangle as wide as the pixels where those are larger. Each row is
    normalised over an endless line of voxels, so it sums to less where it leaves the lesion's box.
    """
    pixels = (n - 1) / 2 + ((np.arange(size) + 0.5) / size - 0.5) * side / spacing
    reach = max(1.0, side / size / spacing)
    voxels = np.arange(np.floor(pixels[0] - reach), np.ceil(pixels[-1] + reach) + 1)
    weights = np.clip(1 - np.abs(pixels[:, None] - voxels) / reach, 0, None)
    weights /= weights.sum(1, keepdims=True)
    return weights[:, (voxels >= 0) & (voxels < n)]


def _draw(
    hu: np.ndarray,
    inside: np.ndarray,
    down: np.ndarray,
    across: np.ndarray,
    lowest: float,
    width: float,
) -> np.ndarray:
    """Windowed image uint8 (size, size) of the voxels `inside`; 0 elsewhere."""
    share = down @ inside.astype(float) @ across.T
    total = down @ np.where(inside, hu, 0).astype(float) @ across.T
    # The border lies half-way between voxels in and out; a lone small voxel is one pixel at least.
    lesion = share >= min(0.5, share.max()) - 1e-9
    value = (total[lesion] / share[lesion] - lowest) / width
    image = np.zeros(share.shape, np.uint8)
    image[lesion] = 1 + np.rint(254 * np.clip(value, 0, 1)).astype(np.uint8)
    return image


def _check(
    ct: sitk.Image, labelled: sitk.Image, width: float, size: int, max_per_lesion: int | None
) -> None:
    """Refuse another grid and settings out of range."""
    if ct.GetSize() != labelled.GetSize():
        raise BadInput(
            f"the lesions have {labelled.GetSize()} voxels and the CT {ct.GetSize()}. "
            "Split the lesions on the grid of this CT."
        )
    if width <= 0:
        raise BadInput(f"slices.width is {width}. Give the window a width above 0 HU.")
    if size < SMALLEST:
        raise BadInput(f"slices.size is {size}. DenseNet-121 needs at least {SMALLEST} pixels.")
    if max_per_lesion is not None and max_per_lesion < 1:
        raise BadInput(f"slices.max_per_lesion is {max_per_lesion}. Use 1 or more, or null.")
