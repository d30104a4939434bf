"""What pyradiomics gets to see of one lesion: crops on the grid it would make of the whole CT."""

import numpy as np
import SimpleITK as sitk
from radiomics import imageoperations

Region = tuple[sitk.Image, sitk.Image, dict]  # image, mask (lesion = 1), settings
Box = tuple[np.ndarray, np.ndarray]  # start and size in voxels, (x, y, z)
# A cubic B-spline coefficient feels a voxel k steps away by 0.268**k: 1e-18 after 32 steps.
SPLINE_REACH = 32


def lesion_boxes(labelled: sitk.Image) -> dict[int, Box]:
    """The bounding box of each lesion."""
    shapes = sitk.LabelShapeStatisticsImageFilter()
    shapes.ComputePerimeterOff()
    shapes.Execute(labelled)
    return {n: tuple(np.reshape(shapes.GetBoundingBox(n), (2, 3))) for n in shapes.GetLabels()}


def cut_lesion(
    ct: sitk.Image, labelled: sitk.Image, lesion: int, box: Box, settings: dict
) -> tuple[sitk.Image, sitk.Image]:
    """The lesion's CT and binary mask, cropped, and resampled if the settings say so."""
    if settings["resampledPixelSpacing"] is not None and settings["interpolator"] is not None:
        resampler = _resampler(ct, box, settings)
        if resampler is not None:
            # Nearest neighbour and linear interpolation need no crop, and on the whole image they
            # decide ties (2 mm from 1 mm samples midpoints) as pyradiomics does. Only the spline
            # filters the whole image first, so it gets a crop.
            source = _crop(ct, box, SPLINE_REACH) if "Spline" in settings["interpolator"] else ct
            resampler.SetInterpolator(getattr(sitk, settings["interpolator"]))
            image = resampler.Execute(source)
            resampler.SetInterpolator(sitk.sitkNearestNeighbor)
            return image, resampler.Execute(labelled) == lesion
    return _crop(ct, box), _crop(labelled, box) == lesion


def _crop(image: sitk.Image, box: Box, pad: int = 0) -> sitk.Image:
    low = np.maximum(box[0] - pad, 0)
    high = np.minimum(box[0] + box[1] + pad, image.GetSize())
    return sitk.RegionOfInterest(image, (high - low).tolist(), low.tolist())


def _resampler(ct: sitk.Image, box: Box, settings: dict) -> sitk.ResampleImageFilter | None:
    """The grid that `imageoperations.resampleImage` lays over the whole CT, around one lesion.

    Grids are aligned to the corner of the CT, so one made from a crop would be another grid. The
    arithmetic follows pyradiomics step by step. None where the spacing is already the one wanted.
    """
    start, size = box
    old = np.array(ct.GetSpacing())
    new = np.array(settings["resampledPixelSpacing"], float)
    new = np.where((new == 0) | (size == 1), old, new)  # a single slice is not resampled
    if np.allclose(old, new):
        return None
    ratio, pad = old / new, settings["padDistance"]
    low = np.maximum(np.floor((start - 0.5) * ratio - pad), 0)
    high = np.ceil((start + size - 0.5) * ratio + pad)
    high = np.minimum(high, np.ceil(np.array(ct.GetSize()) * ratio) - 1)
    corner = 0.5 * (new - old) / old + low / ratio
    resampler = sitk.ResampleImageFilter()
    resampler.SetOutputSpacing(new.tolist())
    resampler.SetOutputDirection(ct.GetDirection())
    resampler.SetOutputOrigin(ct.TransformContinuousIndexToPhysicalPoint(corner.tolist()))
    resampler.SetSize((high - low + 1).astype(int).tolist())
    return resampler


def grey_region(image: sitk.Image, mask: sitk.Image, settings: dict) -> Region:
    """What the grey level classes see: the lesion, resegmented if the settings say so."""
    if settings["resegmentRange"] is not None:
        mask = imageoperations.resegmentMask(image, mask, **settings)
    bounds, _ = imageoperations.checkMask(image, mask, **settings)
    return *imageoperations.cropToTumorMask(image, mask, bounds), settings


def shape_region(image: sitk.Image, mask: sitk.Image, settings: dict) -> Region:
    """What 3-D shape sees: the whole lesion, within the box of the resegmented one (as
    pyradiomics), or the resegmented one itself with `resegmentShape`."""
    if settings["resegmentRange"] is None or settings.get("resegmentShape"):
        return grey_region(image, mask, settings)
    resegmented = imageoperations.resegmentMask(image, mask, **settings)
    bounds, _ = imageoperations.checkMask(image, resegmented, **settings)
    return *imageoperations.cropToTumorMask(image, mask, bounds), settings


def slice_region(image: sitk.Image, mask: sitk.Image, settings: dict) -> Region:
    """What 2-D shape sees: the axial slice with the most voxels, the first of equal ones.

    Axial is the image axis nearest to the patient's long axis, whatever the storage order.
    """
    if settings["resegmentRange"] is not None and settings.get("resegmentShape"):
        mask = imageoperations.resegmentMask(image, mask, **settings)
    axis = int(np.abs(np.reshape(image.GetDirection(), (3, 3))[2]).argmax())
    counts = np.moveaxis(sitk.GetArrayViewFromImage(mask), 2 - axis, 0).sum((1, 2), dtype=np.int64)
    start, size = [0, 0, 0], list(mask.GetSize())
    start[axis], size[axis] = int(counts.argmax()), 1
    flat = {"force2D": True, "force2Ddimension": 2 - axis, "minimumROISize": None}
    flat["minimumROIDimensions"] = min(settings["minimumROIDimensions"], 2)
    image, mask = (sitk.RegionOfInterest(i, size, start) for i in (image, mask))
    bounds, _ = imageoperations.checkMask(image, mask, **settings | flat)
    return *imageoperations.cropToTumorMask(image, mask, bounds), settings | flat


VIEWS = {"shape": shape_region, "shape2D": slice_region}
