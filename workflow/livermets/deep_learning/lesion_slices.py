"""Lesion slices: the images DenseNet sees, one lesion in one axial slice, all else black.

After the paper (doi 10.1186/s40644-023-00612-4, "Deep learning"): the surroundings are blackened,
the abdominal window (width 330, level 10) is applied, and the lesion is cropped and resized with
all of its border in view. What the paper leaves open is decided here:

- The crop is a square in millimetres around the lesion's bounding box over all its slices, with a
  tenth of its side free on each side, so a lesion keeps one scale and one place along its slices.
- Pixels are interpolated from the lesion's own voxels alone, so neither black nor parenchyma mixes
  into its border; where the grid gets coarser, they are averaged.
- 0 means "not this lesion" and nothing else: the window maps to 1..255.

Other choices can be made: another margin, images of one physical size, the surroundings kept (then
0 means "outside the CT"), and the slices above and below as further channels.
"""

import logging
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from livermets.core.errors import BadInput
from livermets.core.io import atomic_path

MARGIN = 0.1  # of the crop's side, free on each side of the lesion
SMALLEST, LARGEST = 32, 512  # pixels: DenseNet-121 halves its input five times; a CT has 512
BLACK, KEPT = "black", "kept"  # surroundings
MASKS = "masks"  # array of the slices whose surroundings are kept: where the lesion is

Arrays = dict[str, np.ndarray]
log = logging.getLogger(__name__)


def lesion_slices(
    ct: sitk.Image,
    labelled: sitk.Image,
    width: float = 330,
    level: float = 10,
    size: int = 224,
    max_per_lesion: int | None = None,
    margin_mm: float | None = None,
    side_mm: float | None = None,
    surroundings: str = BLACK,
    neighbours: int = 0,
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
    margin_mm : float, optional
        Free on each side of the lesion; by default a tenth of the image's side.
    side_mm : float, optional
        Side of every image, so that all lesions keep their scale; by default the lesion fills it.
        A larger lesion is cut off, with a warning.
    surroundings : {"black", "kept"}
        Whether pixels outside the lesion are black, or show the CT.
    neighbours : int
        Number of slices above, and as many below, that are further channels of each image.

    Returns
    -------
    dict of ndarray
        `images` uint8 (n, size, size), or (n, 1 + 2 * neighbours, size, size) from the lowest z
        up; `lesion` and `z` int64 (n,), `pixel_mm` float32 (n,), the pixel's side. In order of
        lesion and z; all of length 0 where there is no lesion. Where the surroundings are kept,
        `masks` uint8 (n, size, size / 8) says where the lesion is: bits, packed along x.

    Raises
    ------
    BadInput
        Another grid, or a setting out of range.
    """
    _check(ct, labelled, width, size, max_per_lesion)
    _check_view(margin_mm, side_mm, surroundings, neighbours)
    hu, labels = sitk.GetArrayViewFromImage(ct), sitk.GetArrayViewFromImage(labelled)
    spacing = labelled.GetSpacing()[1::-1]  # mm: y, x
    rows, masks, cut_off = [], [], 0
    for lesion, box in enumerate(ndimage.find_objects(np.asarray(labels)), start=1):
        if box is None:
            continue
        extent = _extent(box, spacing)
        fill = extent / (1 - 2 * MARGIN) if margin_mm is None else extent + 2 * margin_mm
        side = side_mm or fill
        cut_off += extent > side
        inside = labels[box] == lesion
        view = alone = _View(hu[box], inside, box, box, spacing, side, size)
        if surroundings == KEPT:
            everywhere = tuple(slice(0, n) for n in hu.shape)
            view = _View(
                hu, np.broadcast_to(np.True_, hu.shape), everywhere, box, spacing, side, size
            )
        for z in box[0].start + choose_slices(inside.sum((1, 2)), max_per_lesion):
            stack = [
                view.draw(z + step, level - width / 2, width)
                for step in range(-neighbours, neighbours + 1)
            ]
            rows.append((stack, lesion, z, side / size))
            masks.append(alone.draw(z, level - width / 2, width) > 0)
    if cut_off:
        log.warning("%d lesions are larger than slices.side_mm (%g) and cut off", cut_off, side_mm)
    images, lesions, zs, pixels = zip(*rows, strict=True) if rows else ((), (), (), ())
    shape = (1 + 2 * neighbours, size, size) if neighbours else (size, size)
    arrays: Arrays = {
        "images": np.array(images, np.uint8).reshape(-1, *shape),
        "lesion": np.array(lesions, np.int64),
        "z": np.array(zs, np.int64),
        "pixel_mm": np.array(pixels, np.float32),
    }
    if surroundings == KEPT:
        arrays[MASKS] = np.packbits(np.array(masks, bool).reshape(-1, size, size), axis=-1)
    return arrays


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


class _View:
    """The part of a CT that the images of one lesion are drawn from.

    Parameters
    ----------
    hu : ndarray, shape (z, y, x)
        The part.
    shown : ndarray of bool, shape (z, y, x)
        Voxels that are not black.
    where : tuple of slice
        Where the part lies in the CT.
    box : tuple of slice
        The lesion in the CT. The images are centred on it.
    spacing : tuple of float
        Millimetres: y, x.
    side : float
        Side of the images, mm.
    size : int
        Side of the images, pixels.
    """

    def __init__(
        self,
        hu: np.ndarray,
        shown: np.ndarray,
        where: tuple[slice, ...],
        box: tuple[slice, ...],
        spacing: tuple[float, ...],
        side: float,
        size: int,
    ) -> None:
        self.hu, self.shown, self.first, self.size = hu, shown, where[0].start, size
        self.down, self.across = (
            _weights(
                part.stop - part.start, mm, side, size,
                of_lesion.start - part.start + (of_lesion.stop - of_lesion.start - 1) / 2,
            )
            for part, of_lesion, mm in zip(where[1:], box[1:], spacing, strict=True)
        )  # fmt: skip

    def draw(self, z: int, lowest: float, width: float) -> np.ndarray:
        """The image of a slice of the CT; black where there is none, or nothing is shown."""
        k = z - self.first
        if not 0 <= k < len(self.hu):
            return np.zeros((self.size, self.size), np.uint8)
        return _draw(self.hu[k], self.shown[k], self.down, self.across, lowest, width)


def _extent(box: tuple[slice, ...], spacing: tuple[float, ...]) -> float:
    """The longer side of a lesion's box in its slices, mm."""
    lengths = (part.stop - part.start for part in box[1:])
    return max(n * mm for n, mm in zip(lengths, spacing, strict=True))


def _weights(n: int, spacing: float, side: float, size: int, centre: float) -> np.ndarray:
    """Weight of each of `n` voxels in each pixel of a line of `side` mm, shape (size, n).

    Linear interpolation, or a triangle as wide as the pixels where those are larger. Each row is
    normalised over an endless line of voxels, so it sums to less where it leaves the `n` voxels.
    """
    pixels = centre + ((np.arange(size) + 0.5) / size - 0.5) * side / spacing
    reach = max(1.0, side / size / spacing)
    voxels = np.arange(np.floor(pixels[0] - reach), np.ceil(pixels[-1] + reach) + 1)
    weights = np.clip(1 - np.abs(pixels[:, None] - voxels) / reach, 0, None)
    weights /= weights.sum(1, keepdims=True)
    there = (voxels >= 0) & (voxels < n)
    of_voxels = np.zeros((size, n))
    of_voxels[:, voxels[there].astype(int)] = weights[:, there]
    return of_voxels


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
    if not share.any():
        return np.zeros(share.shape, np.uint8)
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
    if not SMALLEST <= size <= LARGEST:
        raise BadInput(
            f"slices.size is {size}. Use {SMALLEST} (the least that DenseNet-121 can take) to "
            f"{LARGEST} pixels."
        )
    if max_per_lesion is not None and max_per_lesion < 1:
        raise BadInput(f"slices.max_per_lesion is {max_per_lesion}. Use 1 or more, or null.")


def _check_view(
    margin_mm: float | None, side_mm: float | None, surroundings: str, neighbours: int
) -> None:
    """Refuse settings of what an image shows that are out of range or exclude each other."""
    if margin_mm is not None and side_mm is not None:
        raise BadInput(
            "slices.margin_mm and slices.side_mm exclude each other: the margin is what a lesion "
            "leaves free. Set one of them to null."
        )
    if margin_mm is not None and margin_mm < 0:
        raise BadInput(f"slices.margin_mm is {margin_mm}. Use 0 or more, or null.")
    if side_mm is not None and side_mm <= 0:
        raise BadInput(f"slices.side_mm is {side_mm}. Use more than 0 mm, or null.")
    if surroundings not in (BLACK, KEPT):
        raise BadInput(f"slices.surroundings is {surroundings!r}. Use {BLACK} or {KEPT}.")
    if neighbours < 0:
        raise BadInput(f"slices.neighbours is {neighbours}. Use 0 or more.")
