"""A lesion seen a little differently, as another reader, scan or moment would have had it.

Perturbations in the manner of Zwanenburg et al. 2019 (doi 10.1038/s41598-018-36938-4): mask grown
and shrunk by a voxel within the slices, image and mask moved and turned, the contour drawn again,
noise at the image's own level.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import SimpleITK as sitk

from livermets.geometry import axial_axis
from livermets.radiomics_features import extract_patient
from livermets.radiomics_regions import lesion_boxes
from livermets.radiomics_sets import ORIGINAL
from livermets.seeds import derive

NAMES = ("as it is", "grown", "shrunk", "moved", "turned", "contour", "noise")
MARGIN = 8  # voxels of surroundings kept around a lesion
SHIFT = 0.5  # voxels along each axis
ANGLE_DEG = 4.0  # about the patient's long axis
CONTOUR_MM = 0.7  # standard deviation of the surface's displacement
CONTOUR_REACH_MM = 3.0  # its correlation length


def perturbed_rows(
    ct: sitk.Image,
    labelled: sitk.Image,
    settings: dict,
    classes: Sequence[str],
    sets: Mapping[str, dict] = ORIGINAL,
    seed: int = 0,
) -> list[dict]:
    """The features of every lesion under every perturbation.

    Returns rows as `extract_patient`'s with "perturbation" in front, by lesion and then in the
    order of `NAMES`. Sets of other regions than the lesion's are left out.
    """
    own = {name: s for name, s in sets.items() if s.get("region", "lesion") == "lesion"}
    rows = []
    for lesion, (start, size) in sorted(lesion_boxes(labelled).items()):
        low = np.maximum(start - MARGIN, 0)
        high = np.minimum(start + size + MARGIN, ct.GetSize())
        image, labels = (
            sitk.RegionOfInterest(i, (high - low).tolist(), low.tolist()) for i in (ct, labelled)
        )
        rng = np.random.default_rng(derive(seed, "perturbation", lesion))
        for name, grey, mask in perturbations(image, labels == lesion, rng):
            found = extract_patient(grey, mask, settings, classes, own)
            rows += [{"perturbation": name} | row | {"lesion": lesion} for row in found]
    return rows


def perturbations(
    image: sitk.Image, mask: sitk.Image, rng: np.random.Generator
) -> Iterator[tuple[str, sitk.Image, sitk.Image]]:
    """Name, image and mask for each of `NAMES`; a mask may come out empty."""
    step = [1, 1, 1]
    step[axial_axis(mask)] = 0  # within the axial slices, as contours are drawn
    yield "as it is", image, mask
    yield "grown", image, sitk.BinaryDilate(mask, step, sitk.sitkCross)
    yield "shrunk", image, sitk.BinaryErode(mask, step, sitk.sitkCross)
    moved = sitk.TranslationTransform(3, [SHIFT * mm for mm in image.GetSpacing()])
    yield "moved", *_transformed(image, mask, moved)
    shapes = sitk.LabelShapeStatisticsImageFilter()
    shapes.Execute(mask)
    turned = sitk.VersorRigid3DTransform()
    turned.SetCenter(shapes.GetCentroid(1))
    turned.SetRotation((0.0, 0.0, 1.0), float(np.radians(ANGLE_DEG)))
    yield "turned", *_transformed(image, mask, turned)
    yield "contour", image, _redrawn(mask, rng)
    yield "noise", _noisy(image, rng), mask


def _transformed(
    image: sitk.Image, mask: sitk.Image, transform: sitk.Transform
) -> tuple[sitk.Image, sitk.Image]:
    """Both sampled elsewhere: the image linearly, rounded to its own type, the mask at half."""
    edge = float(sitk.GetArrayViewFromImage(image).min())
    grey = sitk.Resample(
        sitk.Cast(image, sitk.sitkFloat64), image, transform, sitk.sitkLinear, edge
    )
    share = sitk.Resample(sitk.Cast(mask, sitk.sitkFloat64), mask, transform, sitk.sitkLinear, 0.0)
    return sitk.Cast(sitk.Round(grey), image.GetPixelID()), share >= 0.5


def _redrawn(mask: sitk.Image, rng: np.random.Generator) -> sitk.Image:
    """The mask with its surface moved in and out at random, smoothly along it."""
    distance = sitk.SignedMaurerDistanceMap(mask, squaredDistance=False, useImageSpacing=True)
    field = sitk.GetImageFromArray(rng.standard_normal(mask.GetSize()[::-1]))
    field.CopyInformation(mask)
    field = sitk.SmoothingRecursiveGaussian(field, CONTOUR_REACH_MM)
    values = sitk.GetArrayViewFromImage(field)
    # Distances are those to the outermost voxel centres: the surface lies half a voxel further.
    half = min(mask.GetSpacing()) / 2
    moved = sitk.Cast(field, sitk.sitkFloat32) * (CONTOUR_MM / float(values.std())) + half
    return distance <= moved


def noise_level(image: np.ndarray) -> float:
    """The standard deviation of a CT's noise, HU.

    From the median absolute second difference within the slices, which smooth anatomy hardly
    touches (Immerkaer 1996, doi 10.1006/cviu.1996.0060, with a median for the mean). `image` is
    (z, y, x).
    """
    grey = image.astype(float)
    across = grey[:, :, 2:] - 2 * grey[:, :, 1:-1] + grey[:, :, :-2]
    twice = across[:, 2:] - 2 * across[:, 1:-1] + across[:, :-2]
    return float(np.median(np.abs(twice)) / 0.6745 / 6)


def _noisy(image: sitk.Image, rng: np.random.Generator) -> sitk.Image:
    grey = sitk.GetArrayFromImage(image)
    noise = rng.normal(0, noise_level(grey), grey.shape)
    noisy = sitk.GetImageFromArray(np.rint(grey + noise).astype(grey.dtype))
    noisy.CopyInformation(image)
    return noisy
