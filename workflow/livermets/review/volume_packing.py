"""Pack the CT and the masks of a scan so small that they fit in a page of the browser.

The volume is cropped to the liver with a margin. HU are rounded to 256 levels: steps of 2 HU where
soft tissue lies, steps of 32 HU in lung and bone. If the page would still be too large, slices are
averaged to thicker ones, then voxels within slices. What was done is part of the result, so that
the page can say it.
"""

import base64
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np
import SimpleITK as sitk

from livermets.imaging.geometry import bounding_box
from livermets.masks.labels import Label

MARGIN_MM = 12
FINE = (-160, 240)  # HU between which the steps are fine
FINE_STEP, COARSE_STEP = 2, 32  # HU
LEVELS = np.concatenate(
    [
        FINE[0] - COARSE_STEP * np.arange(27, 0, -1),
        np.arange(FINE[0], FINE[1] + 1, FINE_STEP),
        FINE[1] + COARSE_STEP * np.arange(1, 29),
    ]
).astype(np.int16)
SLABS_MM = (0, 2, 3, 4, 5)  # thickness to which thinner slices are averaged, 0: as they are
IN_PLANE = (1, 2, 3, 4)  # voxels averaged along rows and columns, at the thickest slab
PACKED_BYTES = 4_440_000  # of CT and masks: 5.92 MB as base64
FIRST_LESION = 3  # voxel value of the first lesion; 1 is liver, 2 a lesion that was dropped
MAX_LESIONS = 255 - FIRST_LESION + 1  # with a value of their own; further ones share the last


@dataclass(frozen=True)
class PackedScan:
    """A scan for the page.

    Parameters
    ----------
    shape : tuple of int
        Voxels along x, y and z; x runs to the right, y to the front, z to the head.
    affine : list of list of float
        From voxels to mm (RAS), as in NIfTI.
    volumes : dict of str to str
        ct, mask and perhaps automatic: levels and labels as base64 of compressed bytes. Each byte
        of the CT is the difference to what its neighbours predict (`predicted_levels`).
    headers : dict of str to str
        int16 and uint8: a NIfTI header for volumes of this shape, base64.
    slices_averaged, voxels_averaged : int
        How many slices, and how many voxels along rows and columns, became one.
    places : dict of int to dict
        Number of each lesion -> `box`, two corners, and `centre`, the middle of the voxel of the
        lesion that is nearest to its centroid; mm (RAS).
    """

    shape: tuple[int, ...]
    affine: list[list[float]]
    volumes: dict[str, str]
    headers: dict[str, str]
    slices_averaged: int
    voxels_averaged: int
    places: dict[int, dict[str, Any]]

    @property
    def spacing_mm(self) -> list[float]:
        """Size of a voxel along x, y and z."""
        return [float(np.linalg.norm(column)) for column in np.array(self.affine)[:3, :3].T]


def pack_scan(
    ct: sitk.Image,
    mask: sitk.Image,
    numbers: sitk.Image,
    automatic: sitk.Image | None = None,
    limit: int = PACKED_BYTES,
) -> PackedScan:
    """Crop and compress a scan.

    Parameters
    ----------
    ct : SimpleITK.Image of int16
        Hounsfield units.
    mask : SimpleITK.Image of uint8
        The final mask, with the values of `masks.labels.Label`.
    numbers : SimpleITK.Image
        Numbers of the lesions that a reader decides about.
    automatic : SimpleITK.Image, optional
        The mask of the models.
    limit : int
        Bytes that the compressed volumes may take.

    Returns
    -------
    PackedScan
        The volumes, in the finest of the steps `SLABS_MM` and `IN_PLANE` that keeps the limit.
    """
    images = {"ct": ct, "mask": mask, "numbers": numbers}
    images |= {"automatic": automatic} if automatic is not None else {}
    upright = {name: sitk.DICOMOrient(image, "RAS") for name, image in images.items()}
    arrays = {name: sitk.GetArrayFromImage(image) for name, image in upright.items()}
    spacing = upright["ct"].GetSpacing()
    drawn = arrays["mask"] > 0
    if "automatic" in arrays:
        drawn = drawn | (arrays["automatic"] > 0)
    margin = tuple(round(MARGIN_MM / mm) for mm in spacing[::-1])
    box = bounding_box(drawn, margin) or (slice(None),) * 3
    arrays = {name: array[box] for name, array in arrays.items()}
    labels, values = _page_labels(arrays["mask"], arrays["numbers"])
    whole = {"ct": arrays["ct"], "mask": labels}
    if "automatic" in arrays:
        whole["automatic"] = arrays["automatic"].astype(np.uint8)
    packed: dict[str, bytes] = {}
    for slices, voxels in _averagings(spacing[2], spacing[0]):
        block = (slices, voxels, voxels)
        if packed and _expected(packed, whole["ct"].size, block) > 1.3 * limit:
            continue
        small = {"ct": _mean_of_blocks(whole["ct"], block)}
        small |= {key: _labels_of_blocks(whole[key], block) for key in whole if key != "ct"}
        packed = {key: _compress(key, array) for key, array in small.items()}
        if sum(map(len, packed.values())) <= limit:
            break
    affine = _affine(upright["ct"], [side.start or 0 for side in box][::-1], block[::-1])
    shape = small["ct"].shape[::-1]
    return PackedScan(
        shape,
        affine.tolist(),
        {key: base64.b64encode(data).decode() for key, data in packed.items()},
        {kind: _nifti_header(shape, affine, kind) for kind in ("int16", "uint8")},
        slices,
        voxels,
        {number: _place(small["mask"] == value, affine) for number, value in values.items()},
    )


def levels_of(hu: np.ndarray) -> np.ndarray:
    """Round HU to the nearest of `LEVELS`, as their places in it."""
    edges = (LEVELS[1:].astype(float) + LEVELS[:-1]) / 2
    table = np.searchsorted(edges, np.arange(LEVELS[0], LEVELS[-1] + 1)).astype(np.uint8)
    clipped = np.clip(np.rint(hu), LEVELS[0], LEVELS[-1]).astype(np.int32)
    places: np.ndarray = table[clipped - int(LEVELS[0])]
    return places


def _averagings(slice_mm: float, voxel_mm: float) -> Iterator[tuple[int, int]]:
    """How many slices, and voxels within slices, to average: the finest first."""
    thick = [max(1, round(slab / slice_mm)) for slab in SLABS_MM]
    yield from ((n, 1) for n in dict.fromkeys(sorted(thick)))
    yield from ((max(thick), n) for n in IN_PLANE[1:])
    n = IN_PLANE[-1]
    while n * voxel_mm < 50:
        n *= 2
        yield max(thick), n


def _expected(packed: Mapping[str, bytes], voxels: int, block: tuple[int, ...]) -> float:
    """About how many bytes coarser blocks will take, from those of the voxels as they are."""
    return sum(map(len, packed.values())) / int(np.prod(block)) if voxels else 0.0


def _page_labels(mask: np.ndarray, numbers: np.ndarray) -> tuple[np.ndarray, dict[int, int]]:
    """Values of the page's mask, and the value of each lesion by its number."""
    listed = [int(number) for number in np.unique(numbers[numbers > 0])]
    values = {n: FIRST_LESION + min(place, MAX_LESIONS - 1) for place, n in enumerate(listed)}
    table = np.zeros(int(numbers.max(initial=0)) + 1, np.uint8)
    for number, value in values.items():
        table[number] = value
    labels = np.where(mask == Label.LESION, 2, np.where(mask == Label.LIVER, 1, 0))
    return np.where(numbers > 0, table[numbers], labels).astype(np.uint8), values


def _mean_of_blocks(array: np.ndarray, block: tuple[int, ...]) -> np.ndarray:
    """The mean of each block of voxels; an incomplete one at the end has fewer."""
    mean = array.astype(np.float32)
    for axis, size in enumerate(block):
        if size > 1:
            starts = np.arange(0, mean.shape[axis], size)
            counts = np.minimum(size, mean.shape[axis] - starts).astype(np.float32)
            shape = [-1 if a == axis else 1 for a in range(mean.ndim)]
            mean = np.add.reduceat(mean, starts, axis=axis) / counts.reshape(shape)
    return mean


def _labels_of_blocks(labels: np.ndarray, block: tuple[int, ...]) -> np.ndarray:
    """The label in the middle of each block; one that would vanish fills every block it is in."""
    middle = tuple(
        np.minimum(np.arange(0, side, size) + size // 2, side - 1)
        for side, size in zip(labels.shape, block, strict=True)
    )
    small = labels[np.ix_(*middle)]
    for value in set(np.unique(labels).tolist()) - set(np.unique(small).tolist()):
        places = np.argwhere(labels == value) // np.array(block)
        small[tuple(places.T)] = value
    return small


def _compress(kind: str, array: np.ndarray) -> bytes:
    """The bytes of a volume: differences of levels for the CT, labels for a mask."""
    if kind == "ct":
        levels = levels_of(array)
        return _deflated(levels - predicted_levels(levels), zlib.Z_RLE)
    return _deflated(array, zlib.Z_DEFAULT_STRATEGY)


def predicted_levels(levels: np.ndarray) -> np.ndarray:
    """Predict each voxel from those before it in its slice, by the median of JPEG-LS (LOCO-I).

    Noise is left over, which compresses better than the levels: on CHAOS set 3 to 4.37 MB,
    where the differences between neighbours take 4.54 MB.
    """
    whole = np.zeros((levels.shape[0], levels.shape[1] + 1, levels.shape[2] + 1), np.int16)
    whole[:, 1:, 1:] = levels
    left, above, corner = whole[:, 1:, :-1], whole[:, :-1, 1:], whole[:, :-1, :-1]
    low, high = np.minimum(left, above), np.maximum(left, above)
    plane = left + above - corner
    predicted = np.where(corner >= high, low, np.where(corner <= low, high, plane))
    return predicted.astype(np.uint8)


def _deflated(array: np.ndarray, strategy: int) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, 31, 9, strategy)
    return packer.compress(np.ascontiguousarray(array).tobytes()) + packer.flush()


def _affine(image: sitk.Image, start: list[int], block: tuple[int, ...]) -> np.ndarray:
    """From voxels of the packed volume to mm (RAS)."""
    lps = np.eye(4)
    direction = np.array(image.GetDirection()).reshape(3, 3)
    lps[:3, :3] = direction * np.array(image.GetSpacing()) * np.array(block)
    middle = [first + (size - 1) / 2 for first, size in zip(start, block, strict=True)]
    lps[:3, 3] = image.TransformContinuousIndexToPhysicalPoint(middle)
    ras: np.ndarray = np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps
    return ras


def _nifti_header(shape: tuple[int, ...], affine: np.ndarray, kind: str) -> str:
    header = nib.Nifti1Header()
    header.set_data_shape(shape)
    header.set_data_dtype(np.dtype(kind))
    header.set_xyzt_units("mm")
    header.set_zooms(np.linalg.norm(affine[:3, :3], axis=0))
    header.set_sform(affine, code="scanner")
    header["vox_offset"], header["magic"] = 352, b"n+1"
    return base64.b64encode(header.binaryblock + bytes(4)).decode()


def _place(voxels: np.ndarray, affine: np.ndarray) -> dict[str, Any]:
    """Box and centre of the voxels of a lesion in mm (RAS)."""
    where = np.argwhere(voxels)[:, ::-1]
    nearest = where[((where - where.mean(axis=0)) ** 2).sum(axis=1).argmin()]
    corners = np.array([where.min(axis=0) - 0.5, where.max(axis=0) + 0.5, nearest])
    low, high, centre = (corners @ affine[:3, :3].T + affine[:3, 3]).tolist()
    return {"box": [low, high], "centre": centre}


def page_facts(packed: PackedScan) -> dict[str, Any]:
    """What the page must know to unpack the volumes and to say what was done to them."""
    return {
        "shape": packed.shape,
        "levels": LEVELS.tolist(),
        "headers": packed.headers,
        "fine": FINE,
        "steps": [FINE_STEP, COARSE_STEP],
    }
