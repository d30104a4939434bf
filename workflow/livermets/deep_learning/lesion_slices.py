"""The pictures DenseNet sees: one lesion, one axial slice, everything else black.

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

MARGIN = 0.1  # of the crop's side, free on each side of the lesion
SMALLEST = 32  # pixels: DenseNet-121 halves its input five times


def lesion_slices(
    ct: sitk.Image,
    labelled: sitk.Image,
    width: float = 330,
    level: float = 10,
    size: int = 224,
    max_per_lesion: int | None = None,
) -> dict[str, np.ndarray]:
    """Every axial slice of every lesion as a square 8-bit image.

    Parameters
    ----------
    ct : HU
    labelled : lesions 1..n on the grid of `ct`, 0 elsewhere
    width, level : HU, the window
    size : pixels, the side of the images
    max_per_lesion : at most so many slices a lesion (see `chosen_slices`); None takes all

    Returns
    -------
    ``images`` uint8 (n, size, size), ``lesion`` and ``z`` int64 (n,), ``pixel_mm`` float32 (n,):
    the pixel's side. In order of lesion and z; all of length 0 where there is no lesion.
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
        for z in chosen_slices(inside.sum((1, 2)), max_per_lesion):
            image = _draw(hu[box][z], inside[z], down, across, level - width / 2, width)
            rows.append((image, lesion, box[0].start + z, side / size))
    images, lesions, zs, pixels = zip(*rows, strict=True) if rows else ((), (), (), ())
    return {
        "images": np.array(images, np.uint8).reshape(-1, size, size),
        "lesion": np.array(lesions, np.int64),
        "z": np.array(zs, np.int64),
        "pixel_mm": np.array(pixels, np.float32),
    }


def chosen_slices(areas: np.ndarray, most: int | None) -> np.ndarray:
    """Indices of at most `most` slices, ascending, from the lesion's area in each slice (z,).

    They are spread evenly over the slices at least half as large as the largest one, or are the
    `most` largest ones where those are fewer. One slice is the largest one.
    """
    present = np.flatnonzero(areas)
    if most is None or len(present) <= most:
        return present
    by_area = np.argsort(-areas, kind="stable")
    large = np.flatnonzero(2 * areas >= areas.max())
    if most == 1 or len(large) < most:
        return np.sort(by_area[:most])
    return large[np.linspace(0, len(large) - 1, most).round().astype(int)]


def save_slices(slices: dict[str, np.ndarray], path: Path) -> None:
    """A compressed .npz; the same arrays give the same bytes."""
    np.savez_compressed(path, **slices)


def load_slices(path: Path) -> dict[str, np.ndarray]:
    """What `save_slices` wrote."""
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _weights(n: int, spacing: float, side: float, size: int) -> np.ndarray:
    """(size, n): how much each of `n` voxels counts in each pixel of a line of `side` mm.

    Linear interpolation, or a tent as wide as the pixels where those are the coarser ones. A row
    sums to 1 on an endless line of voxels, so to less where it reaches over the lesion's box.
    """
    pixels = (n - 1) / 2 + ((np.arange(size) + 0.5) / size - 0.5) * side / spacing
    reach = max(1.0, side / size / spacing)
    voxels = np.arange(np.floor(pixels[0] - reach), np.ceil(pixels[-1] + reach) + 1)
    weights = np.clip(1 - np.abs(pixels[:, None] - voxels) / reach, 0, None)
    weights /= weights.sum(1, keepdims=True)
    return weights[:, (voxels >= 0) & (voxels < n)]


def _draw(hu, inside, down, across, lowest: float, width: float) -> np.ndarray:
    """One windowed image (size, size) uint8 of the voxels `inside`, 0 where they are not."""
    share = down @ inside.astype(float) @ across.T
    total = down @ np.where(inside, hu, 0).astype(float) @ across.T
    # The border lies half-way between voxels in and out; a lone small voxel is one pixel at least.
    lesion = share >= min(0.5, share.max()) - 1e-9
    value = (total[lesion] / share[lesion] - lowest) / width
    image = np.zeros(share.shape, np.uint8)
    image[lesion] = 1 + np.rint(254 * np.clip(value, 0, 1)).astype(np.uint8)
    return image


def _check(ct, labelled, width, size, max_per_lesion) -> None:
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
