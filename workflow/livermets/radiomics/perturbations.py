"""A lesion seen a little differently, as another reader, scan or moment would have had it.

Perturbations in the manner of Zwanenburg et al. 2019 (doi 10.1038/s41598-018-36938-4): mask grown
and shrunk by a voxel within the slices, image and mask moved and turned, the contour drawn again,
noise at the image's own level.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import SimpleITK as sitk

from livermets.core.seeds import derive
from livermets.imaging.geometry import axial_axis
from livermets.radiomics.extraction import extract_patient
from livermets.radiomics.feature_sets import ORIGINAL, FeatureSet, feature_sets
from livermets.radiomics.regions import lesion_boxes

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
    organs: sitk.Image | None = None,
) -> list[dict]:
    """The features of every lesion under every perturbation.

    organs : the patient's mask (1 liver, 2 lesion), needed by rings

    Returns rows as `extract_patient`'s with "perturbation" in front, by lesion and then in the
    order of `NAMES`. Rings lie around the perturbed lesion; the liver is no lesion's and is left
    out. With `normalize` it is the lesion's surroundings that are normalised, not the whole CT.
    """
    own = {name: s for name, s in sets.items() if s.get("region", "lesion") != "liver"}
    margin = _margin(feature_sets(settings, classes, own), ct.GetSpacing())
    rows = []
    for lesion, (start, size) in sorted(lesion_boxes(labelled).items()):
        low = np.maximum(start - margin, 0)
        high = np.minimum(start + size + margin, ct.GetSize())
        image, labels, around = (
            None if i is None else sitk.RegionOfInterest(i, (high - low).tolist(), low.tolist())
            for i in (ct, labelled, organs)
        )
        rng = np.random.default_rng(derive(seed, "perturbation", lesion))
        for name, *seen in perturbations(image, labels == lesion, rng, around):
            found = extract_patient(*seen[:2], settings, classes, own, seen[2])
            rows += [{"perturbation": name} | row | {"lesion": lesion} for row in found]
    return rows


def _margin(sets: Sequence[FeatureSet], spacing: Sequence[float]) -> np.ndarray:
    """Voxels (x, y, z) around a lesion that its features may feel, also once it has grown."""
    reach = [0.0]
    reach += [s.width_mm for s in sets if s.region == "ring"]
    reach += [4 * max(s.sigma_mm) for s in sets if s.filter == "log"]
    return MARGIN + np.ceil(max(reach) / np.array(spacing)).astype(int)


def perturbations(
    image: sitk.Image,
    mask: sitk.Image,
    rng: np.random.Generator,
    organs: sitk.Image | None = None,
) -> Iterator[tuple[str, sitk.Image, sitk.Image, sitk.Image | None]]:
    """Name, image, mask and organs for each of `NAMES`; a mask may come out empty."""
    step = [1, 1, 1]
    step[axial_axis(mask)] = 0  # within the axial slices, as contours are drawn
    yield "as it is", image, mask, organs
    yield "grown", image, sitk.BinaryDilate(mask, step, sitk.sitkCross), organs
    yield "shrunk", image, sitk.BinaryErode(mask, step, sitk.sitkCross), organs
    moved = sitk.TranslationTransform(3, [SHIFT * mm for mm in image.GetSpacing()])
    yield "moved", *_transformed(image, mask, organs, moved)
    shapes = sitk.LabelShapeStatisticsImageFilter()
    shapes.Execute(mask)
    turned = sitk.VersorRigid3DTransform()
    turned.SetCenter(shapes.GetCentroid(1))
    turned.SetRotation((0.0, 0.0, 1.0), float(np.radians(ANGLE_DEG)))
    yield "turned", *_transformed(image, mask, organs, turned)
    yield "contour", image, _redrawn(mask, rng), organs
    yield "noise", _noisy(image, rng), mask, organs


def _transformed(
    image: sitk.Image, mask: sitk.Image, organs: sitk.Image | None, transform: sitk.Transform
) -> tuple[sitk.Image, sitk.Image, sitk.Image | None]:
    """All sampled elsewhere: the image linearly, rounded to its own type, the mask at half, the
    organs by the nearest voxel.
    """
    edge = float(sitk.GetArrayViewFromImage(image).min())
    grey = sitk.Resample(
        sitk.Cast(image, sitk.sitkFloat64), image, transform, sitk.sitkLinear, edge
    )
    share = sitk.Resample(sitk.Cast(mask, sitk.sitkFloat64), mask, transform, sitk.sitkLinear, 0.0)
    if organs is not None:
        organs = sitk.Resample(organs, organs, transform, sitk.sitkNearestNeighbor, 0)
    return sitk.Cast(sitk.Round(grey), image.GetPixelID()), share >= 0.5, organs


def _redrawn(mask: sitk.Image, rng: np.random.Generator) -> sitk.Image:
    """The mask with its surface moved in and out at random, smoothly along it."""
    # To the voxel centres inside and outside: the surface lies in the middle, on every axis.
    inner, outer = (
        sitk.SignedMaurerDistanceMap(part, squaredDistance=False, useImageSpacing=True)
        for part in (mask, mask == 0)
    )
    field = sitk.GetImageFromArray(rng.standard_normal(mask.GetSize()[::-1]))
    field.CopyInformation(mask)
    field = sitk.SmoothingRecursiveGaussian(field, CONTOUR_REACH_MM)
    values = sitk.GetArrayViewFromImage(field)
    moved = sitk.Cast(field, sitk.sitkFloat64) * (CONTOUR_MM / float(values.std()))
    return (inner - outer) / 2 <= moved


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
