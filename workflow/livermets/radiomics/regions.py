"""What pyradiomics gets to see of one lesion: crops on the grid it would make of the whole CT."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import SimpleITK as sitk

from livermets.imaging.geometry import axial_axis, bounding_box
from livermets.masks.labels import Label
from livermets.radiomics.lazy_pyradiomics import imageoperations

Box = tuple[np.ndarray, np.ndarray]  # start and size in voxels, (x, y, z)
# A cubic B-spline coefficient feels a voxel k steps away by 0.268**k: 1e-18 after 32 steps.
SPLINE_REACH = 32


@dataclass(frozen=True)
class Region:
    """Grey values and a binary mask on one grid.

    image : (z, y, x)
    mask : (z, y, x), bool
    spacing : mm, (x, y, z)
    axial : the array axis nearest to the patient's long axis
    """

    image: np.ndarray
    mask: np.ndarray
    spacing: tuple[float, float, float]
    axial: int

    @cached_property
    def images(self) -> tuple[sitk.Image, sitk.Image]:
        """Image and mask (1 inside) as pyradiomics takes them; where they lie plays no part."""
        made = tuple(sitk.GetImageFromArray(a) for a in (self.image, self.mask.view(np.uint8)))
        for image in made:
            image.SetSpacing(self.spacing)
        return made


class Scan:
    """A patient's CT and labelled lesions on one grid, and the liver mask where a set needs it."""

    def __init__(self, ct: sitk.Image, labelled: sitk.Image, organs: sitk.Image | None = None):
        self.ct, self.labelled, self.organs = ct, labelled, organs
        self.boxes = lesion_boxes(labelled)
        self.axial = 2 - axial_axis(ct)

    def cut(self, lesion: int, settings: dict, pad: int | np.ndarray = 0) -> Region:
        """A lesion in its box, `pad` voxels (x, y, z) wider; resampled if the settings say so."""
        resampler = self._resampler(self.boxes[lesion], settings)
        if resampler is None:
            image, labels = (
                self._crop(i, self.boxes[lesion], pad) for i in (self.ct, self.labelled)
            )
            return Region(image, labels == lesion, self.ct.GetSpacing(), self.axial)
        image, labels = self._resample(resampler, settings, lesion, self.labelled)
        return Region(image, labels == lesion, resampler.GetOutputSpacing(), self.axial)

    def ring(self, lesion: int, settings: dict, width_mm: float) -> Region:
        """The liver within `width_mm` of a lesion's surface: no other lesion, nothing outside.

        Distances are those between voxel centres; the ring is laid on the CT's own grid.
        """
        pad = np.ceil(width_mm / np.array(self.ct.GetSpacing())).astype(int) + 1
        region = self.cut(lesion, settings | {"resampledPixelSpacing": None}, pad)
        distance = sitk.SignedMaurerDistanceMap(
            region.images[1], squaredDistance=False, useImageSpacing=True
        )
        near = sitk.GetArrayViewFromImage(distance) <= width_mm + 1e-3  # float32 rounds ties
        liver = self._crop(self.organs, self.boxes[lesion], pad) == Label.LIVER
        return self._resampled(replace(region, mask=near & liver & ~region.mask), settings)

    def liver(self, settings: dict) -> Region:
        """The liver without its lesions."""
        mask = self.organs == Label.LIVER
        shapes = lesion_boxes(mask)
        if 1 not in shapes:
            raise ValueError("the mask has no liver")
        image, inside = (self._crop(i, shapes[1], 1) for i in (self.ct, mask))
        region = Region(image, inside == 1, self.ct.GetSpacing(), self.axial)
        return self._resampled(region, settings)

    def _resampled(self, region: Region, settings: dict) -> Region:
        """A region of its own resampled as pyradiomics resamples an image and a mask."""
        if settings["resampledPixelSpacing"] is None or settings["interpolator"] is None:
            return region
        image, mask = imageoperations.resampleImage(*region.images, **settings)
        return Region(
            sitk.GetArrayFromImage(image),
            sitk.GetArrayFromImage(mask) == 1,
            image.GetSpacing(),
            self.axial,
        )

    def _crop(self, image: sitk.Image, box: Box, pad: int | np.ndarray = 0) -> np.ndarray:
        low = np.maximum(box[0] - pad, 0)[::-1]
        high = np.minimum(box[0] + box[1] + pad, image.GetSize())[::-1]
        whole = sitk.GetArrayViewFromImage(image)
        return whole[tuple(slice(a, b) for a, b in zip(low, high, strict=True))].copy()

    def _resample(
        self, resampler: sitk.ResampleImageFilter, settings: dict, lesion: int, labels: sitk.Image
    ) -> tuple[np.ndarray, np.ndarray]:
        # Nearest neighbour and linear interpolation need no crop, and on the whole image they
        # decide ties (2 mm from 1 mm samples midpoints) as pyradiomics does. Only the spline
        # filters the whole image first, so it gets a crop.
        source = self.ct
        if "Spline" in settings["interpolator"]:
            start, size = self.boxes[lesion]
            low = np.maximum(start - SPLINE_REACH, 0)
            high = np.minimum(start + size + SPLINE_REACH, source.GetSize())
            source = sitk.RegionOfInterest(source, (high - low).tolist(), low.tolist())
        resampler.SetInterpolator(getattr(sitk, settings["interpolator"]))
        image = sitk.GetArrayFromImage(resampler.Execute(source))
        resampler.SetInterpolator(sitk.sitkNearestNeighbor)
        return image, sitk.GetArrayFromImage(resampler.Execute(labels))

    def _resampler(self, box: Box, settings: dict) -> sitk.ResampleImageFilter | None:
        """The grid that `imageoperations.resampleImage` lays over the whole CT, around one lesion.

        Grids are aligned to the corner of the CT, so one made from a crop would be another grid.
        The arithmetic follows pyradiomics step by step. None where nothing is to be resampled.
        """
        if settings["resampledPixelSpacing"] is None or settings["interpolator"] is None:
            return None
        start, size = box
        old = np.array(self.ct.GetSpacing())
        new = np.array(settings["resampledPixelSpacing"], float)
        new = np.where((new == 0) | (size == 1), old, new)  # a single slice is not resampled
        if np.allclose(old, new):
            return None
        ratio, pad = old / new, settings["padDistance"]
        low = np.maximum(np.floor((start - 0.5) * ratio - pad), 0)
        high = np.ceil((start + size - 0.5) * ratio + pad)
        high = np.minimum(high, np.ceil(np.array(self.ct.GetSize()) * ratio) - 1)
        corner = 0.5 * (new - old) / old + low / ratio
        resampler = sitk.ResampleImageFilter()
        resampler.SetOutputSpacing(new.tolist())
        resampler.SetOutputDirection(self.ct.GetDirection())
        resampler.SetOutputOrigin(self.ct.TransformContinuousIndexToPhysicalPoint(corner.tolist()))
        resampler.SetSize((high - low + 1).astype(int).tolist())
        return resampler


def lesion_boxes(labelled: sitk.Image) -> dict[int, Box]:
    """The bounding box of each lesion."""
    shapes = sitk.LabelShapeStatisticsImageFilter()
    shapes.ComputePerimeterOff()
    shapes.Execute(labelled)
    return {n: tuple(np.reshape(shapes.GetBoundingBox(n), (2, 3))) for n in shapes.GetLabels()}


def checked_box(mask: np.ndarray, settings: dict) -> tuple[slice, ...]:
    """The mask's bounding box; ValueError, in pyradiomics' words, where it is too small.

    `imageoperations.checkMask` without its statistics of the grey values.
    """
    box = bounding_box(mask)
    if box is None:
        raise ValueError("Label (1) not present in mask")
    dimensions, least = sum(s.stop - s.start > 1 for s in box), settings["minimumROIDimensions"]
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


def resegmented(region: Region, settings: dict) -> Region:
    """The region with the mask resegmented, where the settings say so."""
    if settings["resegmentRange"] is None:
        return region
    mask = imageoperations.resegmentMask(*region.images, **settings)
    return replace(region, mask=sitk.GetArrayFromImage(mask) == 1)


def grey_region(region: Region, settings: dict) -> Region:
    """What the grey level classes see: the lesion, resegmented if the settings say so."""
    region = resegmented(region, settings)
    return _within(region, checked_box(region.mask, settings))


def shape_region(region: Region, settings: dict) -> Region:
    """What 3-D shape sees: the whole lesion, within the box of the resegmented one (as
    pyradiomics), or the resegmented one itself with `resegmentShape`.
    """
    if settings.get("resegmentShape"):
        return grey_region(region, settings)
    return _within(region, checked_box(resegmented(region, settings).mask, settings))


def slice_region(region: Region, settings: dict) -> Region:
    """What 2-D shape sees: the axial slice with the most voxels, the first of equal ones.

    Axial is the image axis nearest to the patient's long axis, whatever the storage order.
    """
    if settings.get("resegmentShape"):
        region = resegmented(region, settings)
    counts = np.moveaxis(region.mask, region.axial, 0).sum((1, 2))
    largest = [slice(None)] * 3
    largest[region.axial] = slice(counts.argmax(), counts.argmax() + 1)
    region = _within(region, tuple(largest))
    least = min(settings["minimumROIDimensions"], 2)
    flat = settings | {"minimumROISize": None, "minimumROIDimensions": least}
    return _within(region, checked_box(region.mask, flat))


View = Callable[[Region, dict], Region]
VIEWS: dict[str, View] = {"shape": shape_region, "shape2D": slice_region}
