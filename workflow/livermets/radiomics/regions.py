"""Regions: crops of a CT around one lesion, on the grid that pyradiomics makes of the whole CT."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import SimpleITK as sitk

from livermets.imaging.geometry import axial_axis, bounding_box
from livermets.masks.labels import Label
from livermets.radiomics.lazy_pyradiomics import imageoperations

Box = tuple[np.ndarray, np.ndarray]  # start and size in voxels, (x, y, z)
# A voxel k steps away weighs 0.268**k in a cubic B-spline coefficient: 1e-18 after 32 steps.
SPLINE_REACH = 32
MOST_VOXELS = 200_000_000  # of a resampled crop: a liver at 0.4 mm


@dataclass(frozen=True)
class Region:
    """Grey values and a binary mask on one grid.

    Parameters
    ----------
    image : ndarray, shape (z, y, x)
        Grey values.
    mask : ndarray of bool, shape (z, y, x)
        Voxels to measure.
    spacing : tuple of float
        Size of a voxel (x, y, z) in mm.
    axial : int
        Array axis nearest to the patient's long axis.
    """

    image: np.ndarray
    mask: np.ndarray
    spacing: tuple[float, float, float]
    axial: int

    @cached_property
    def images(self) -> tuple[sitk.Image, sitk.Image]:
        """Image and mask (1 inside) as pyradiomics takes them; their position does not matter."""
        image = sitk.GetImageFromArray(self.image)
        mask = sitk.GetImageFromArray(self.mask.view(np.uint8))
        image.SetSpacing(self.spacing)
        mask.SetSpacing(self.spacing)
        return image, mask


class Scan:
    """CT of a patient with its lesions, from which regions are cropped.

    Parameters
    ----------
    ct : SimpleITK.Image
        CT in HU, or its normalised grey values.
    lesions : SimpleITK.Image
        Lesions numbered from 1, on the same grid.
    liver_mask : SimpleITK.Image, optional
        Mask of the patient (1 liver, 2 lesion), which `ring` and `liver` need.
    """

    def __init__(
        self, ct: sitk.Image, lesions: sitk.Image, liver_mask: sitk.Image | None = None
    ) -> None:
        self.ct, self.lesions, self.liver_mask = ct, lesions, liver_mask
        self.boxes = lesion_boxes(lesions)
        self.axial = 2 - axial_axis(ct)

    def crop(self, lesion: int, settings: dict, margin: int | np.ndarray = 0) -> Region:
        """Crop a lesion and `margin` voxels (x, y, z) around it, or resample it if set so."""
        resampler = self._resampler(self.boxes[lesion], settings)
        if resampler is None:
            box = self.boxes[lesion]
            image, labels = _crop(self.ct, box, margin), _crop(self.lesions, box, margin)
            return Region(image, labels == lesion, self.ct.GetSpacing(), self.axial)
        image, labels = self._resample(resampler, settings, lesion)
        return Region(image, labels == lesion, resampler.GetOutputSpacing(), self.axial)

    def ring(self, lesion: int, settings: dict, width_mm: float) -> Region:
        """Crop the liver within `width_mm` of a lesion, without other lesions.

        Distances are measured between voxel centres on the grid of the CT, before it is resampled.
        """
        margin = np.ceil(width_mm / np.array(self.ct.GetSpacing())).astype(int) + 1
        region = self.crop(lesion, settings | {"resampledPixelSpacing": None}, margin)
        distance = sitk.SignedMaurerDistanceMap(
            region.images[1], squaredDistance=False, useImageSpacing=True
        )
        near = sitk.GetArrayViewFromImage(distance) <= width_mm + 1e-3  # float32 rounds ties
        liver = _crop(self._mask(), self.boxes[lesion], margin) == Label.LIVER
        return self._resampled(replace(region, mask=near & liver & ~region.mask), settings)

    def liver(self, settings: dict) -> Region:
        """Crop the liver without its lesions.

        Raises
        ------
        ValueError
            If the mask has no liver.
        """
        mask = sitk.Equal(self._mask(), Label.LIVER)
        boxes = lesion_boxes(mask)
        if 1 not in boxes:
            raise ValueError("the mask has no liver")
        image, inside = _crop(self.ct, boxes[1], 1), _crop(mask, boxes[1], 1)
        region = Region(image, inside == 1, self.ct.GetSpacing(), self.axial)
        return self._resampled(region, settings)

    def _mask(self) -> sitk.Image:
        if self.liver_mask is None:
            raise TypeError("rings and the liver need the mask of the patient")
        return self.liver_mask

    def _resampled(self, region: Region, settings: dict) -> Region:
        """The region resampled as pyradiomics resamples an image with its mask."""
        if settings["resampledPixelSpacing"] is None or settings["interpolator"] is None:
            return region
        spacing = np.array(region.spacing)
        new = np.array(settings["resampledPixelSpacing"], float)
        extent = spacing * region.mask.shape[::-1]
        _refuse_too_fine(extent / np.where(new == 0, spacing, new))
        image, mask = imageoperations.resampleImage(*region.images, **settings)
        return Region(
            sitk.GetArrayFromImage(image),
            sitk.GetArrayFromImage(mask) == 1,
            image.GetSpacing(),
            self.axial,
        )

    def _resample(
        self, resampler: sitk.ResampleImageFilter, settings: dict, lesion: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Grey values and numbers of the lesions on the grid of the resampler."""
        # Nearest neighbour and linear interpolation run on the whole image. They need no crop, and
        # they then round midpoints (2 mm from 1 mm) as pyradiomics does. The spline filters its
        # whole input first, so it gets a crop.
        source = self.ct
        if "Spline" in settings["interpolator"]:
            start, size = self.boxes[lesion]
            low = np.maximum(start - SPLINE_REACH, 0)
            high = np.minimum(start + size + SPLINE_REACH, source.GetSize())
            source = sitk.RegionOfInterest(source, (high - low).tolist(), low.tolist())
        resampler.SetInterpolator(getattr(sitk, settings["interpolator"]))
        image = sitk.GetArrayFromImage(resampler.Execute(source))
        resampler.SetInterpolator(sitk.sitkNearestNeighbor)
        return image, sitk.GetArrayFromImage(resampler.Execute(self.lesions))

    def _resampler(self, box: Box, settings: dict) -> sitk.ResampleImageFilter | None:
        """Resampler to the part around a lesion of pyradiomics' grid of the whole CT.

        pyradiomics aligns its grid to the corner of the image, so a crop would get another grid.
        The arithmetic is that of `imageoperations.resampleImage`, step by step. None if nothing is
        to be resampled.
        """
        if settings["resampledPixelSpacing"] is None or settings["interpolator"] is None:
            return None
        start, size = box
        old = np.array(self.ct.GetSpacing())
        new = np.array(settings["resampledPixelSpacing"], float)
        new = np.where((new == 0) | (size == 1), old, new)  # a single slice is not resampled
        if np.allclose(old, new):
            return None
        ratio, margin = old / new, settings["padDistance"]
        low = np.maximum(np.floor((start - 0.5) * ratio - margin), 0)
        high = np.ceil((start + size - 0.5) * ratio + margin)
        high = np.minimum(high, np.ceil(np.array(self.ct.GetSize()) * ratio) - 1)
        _refuse_too_fine(high - low + 1)
        corner = 0.5 * (new - old) / old + low / ratio
        resampler = sitk.ResampleImageFilter()
        resampler.SetOutputSpacing(new.tolist())
        resampler.SetOutputDirection(self.ct.GetDirection())
        resampler.SetOutputOrigin(self.ct.TransformContinuousIndexToPhysicalPoint(corner.tolist()))
        resampler.SetSize((high - low + 1).astype(int).tolist())
        return resampler


def _refuse_too_fine(size: np.ndarray) -> None:
    """Refuse a grid of so many voxels that no job has the memory for it.

    Raises
    ------
    ValueError
        If there are more than `MOST_VOXELS`.
    """
    if np.prod(size) > MOST_VOXELS:
        raise ValueError(
            f"resampled to {np.prod(size):.2g} voxels, more than {MOST_VOXELS:,} (widen "
            "resampledPixelSpacing)"
        )


def _crop(image: sitk.Image, box: Box, margin: int | np.ndarray = 0) -> np.ndarray:
    low = np.maximum(box[0] - margin, 0)[::-1]
    high = np.minimum(box[0] + box[1] + margin, image.GetSize())[::-1]
    whole = sitk.GetArrayViewFromImage(image)
    return whole[tuple(slice(a, b) for a, b in zip(low, high, strict=True))].copy()


def lesion_boxes(lesions: sitk.Image) -> dict[int, Box]:
    """Bounding box of each lesion, by its number."""
    shapes = sitk.LabelShapeStatisticsImageFilter()
    shapes.ComputePerimeterOff()
    shapes.Execute(lesions)
    return {n: tuple(np.reshape(shapes.GetBoundingBox(n), (2, 3))) for n in shapes.GetLabels()}


def checked_box(mask: np.ndarray, settings: dict) -> tuple[slice, ...]:
    """Bounding box of a mask, which must be large enough for pyradiomics.

    The checks and messages are those of `imageoperations.checkMask`, without its statistics of the
    grey values.

    Raises
    ------
    ValueError
        If the mask is too small.
    """
    box = bounding_box(mask)
    if box is None:
        raise ValueError("Label (1) not present in mask")
    dimensions = sum(s.stop - s.start > 1 for s in box)
    least = settings["minimumROIDimensions"]
    if dimensions == 0:
        raise ValueError(
            "mask only contains 1 segmented voxel! Cannot extract features for a single voxel."
        )
    if dimensions < least:
        raise ValueError(
            f"mask has too few dimensions (number of dimensions {dimensions}, "
            f"minimum required {least})"
        )
    if settings["minimumROISize"] is not None and mask.sum() <= settings["minimumROISize"]:
        raise ValueError(
            f"Size of the ROI is too small (minimum size: {settings['minimumROISize']}, "
            f"ROI size: {mask.sum()})"
        )
    return box


def _within(region: Region, box: tuple[slice, ...]) -> Region:
    return replace(
        region, image=region.image[box].copy(), mask=np.ascontiguousarray(region.mask[box])
    )


def resegment(region: Region, settings: dict) -> Region:
    """Resegment the mask of a region by its grey values, if the settings say so."""
    if settings["resegmentRange"] is None:
        return region
    mask = imageoperations.resegmentMask(*region.images, **settings)
    return replace(region, mask=sitk.GetArrayFromImage(mask) == 1)


def grey_region(region: Region, settings: dict) -> Region:
    """Region for the grey level classes: the lesion, resegmented if the settings say so."""
    region = resegment(region, settings)
    return _within(region, checked_box(region.mask, settings))


def shape_region(region: Region, settings: dict) -> Region:
    """Region for 3-D shape: the whole lesion in the bounding box of the resegmented one.

    This is what pyradiomics does. With `resegmentShape` it is the resegmented lesion itself.
    """
    if settings.get("resegmentShape"):
        return grey_region(region, settings)
    return _within(region, checked_box(resegment(region, settings).mask, settings))


def slice_region(region: Region, settings: dict) -> Region:
    """Region for 2-D shape: the axial slice with the most voxels, the first of equal ones.

    Axial slices are those across the image axis nearest to the patient's long axis.
    """
    if settings.get("resegmentShape"):
        region = resegment(region, settings)
    counts = np.moveaxis(region.mask, region.axial, 0).sum((1, 2))
    largest = [slice(None)] * 3
    largest[region.axial] = slice(counts.argmax(), counts.argmax() + 1)
    region = _within(region, tuple(largest))
    least = min(settings["minimumROIDimensions"], 2)
    flat = settings | {"minimumROISize": None, "minimumROIDimensions": least}
    return _within(region, checked_box(region.mask, flat))


View = Callable[[Region, dict], Region]
VIEWS: dict[str, View] = {"shape": shape_region, "shape2D": slice_region}
