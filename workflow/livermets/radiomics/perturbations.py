"""Perturbations: small changes of image and mask that a second reader or scan would bring.

They follow Zwanenburg et al. 2019 (doi 10.1038/s41598-018-36938-4): the mask grown and shrunk by a
voxel within the slices, image and mask translated and rotated, the contour redrawn, and noise at
the level of the image.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import SimpleITK as sitk

from livermets.core.io import atomic_path
from livermets.core.seeds import derive_seed
from livermets.imaging.geometry import axial_axis
from livermets.radiomics.extraction import LesionExtractor, read_images
from livermets.radiomics.feature_files import REASON
from livermets.radiomics.feature_sets import FeatureSet
from livermets.radiomics.regions import lesion_boxes

PERTURBATIONS = ("as it is", "grown", "shrunk", "moved", "turned", "contour", "noise")
MARGIN = 8  # voxels of surroundings kept around a lesion
SHIFT = 0.5  # voxels along each axis
ANGLE_DEG = 4.0  # about the patient's long axis
CONTOUR_MM = 0.7  # standard deviation of the displacement of the surface
CONTOUR_SMOOTHING_MM = 3.0  # its correlation length along the surface


def perturb_files(
    extractor: LesionExtractor,
    ct: str | Path,
    lesions: str | Path,
    liver_mask: str | Path | None,
    output: str | Path,
    seed: int,
) -> None:
    """Extract the perturbed lesions of a patient's image files to a Parquet file.

    An empty file of lesions (the patient is excluded) gives a table without rows.
    """
    rows = []
    if Path(lesions).stat().st_size:
        ct_image, lesion_image, mask_image = read_images(ct, lesions, liver_mask)
        rows = perturbed_rows(extractor, ct_image, lesion_image, mask_image, seed)
    keys = pa.schema([("perturbation", pa.string()), ("lesion", pa.int64())])
    table = pa.Table.from_pylist(rows).drop([REASON]) if rows else keys.empty_table()
    with atomic_path(output) as unfinished:
        pq.write_table(table, unfinished, compression="zstd")


def perturbed_rows(
    extractor: LesionExtractor,
    ct: sitk.Image,
    lesions: sitk.Image,
    liver_mask: sitk.Image | None = None,
    seed: int = 0,
) -> list[dict]:
    """Extract the features of every lesion under every perturbation.

    A ring lies around the perturbed lesion. The features of the liver are left out, as they belong
    to no lesion. With `normalize`, the surroundings of the lesion are normalised instead of the
    whole CT.

    Parameters
    ----------
    extractor : LesionExtractor
        Settings, classes and feature sets.
    ct, lesions, liver_mask : SimpleITK.Image
        Images of a patient, as `LesionExtractor.extract` takes them.
    seed : int
        Seed of the study.

    Returns
    -------
    list of dict
        Rows of `LesionExtractor.extract_lesions` with "perturbation" in front, by lesion and then
        in the order of `PERTURBATIONS`.
    """
    margin = _margin(extractor.lesion_sets, ct.GetSpacing())
    rows = []
    for lesion, (start, size) in sorted(lesion_boxes(lesions).items()):
        low = np.maximum(start - margin, 0)
        high = np.minimum(start + size + margin, ct.GetSize())
        extent = (high - low).tolist(), low.tolist()
        image = sitk.RegionOfInterest(ct, *extent)
        mask = sitk.Equal(sitk.RegionOfInterest(lesions, *extent), lesion)
        organs = None if liver_mask is None else sitk.RegionOfInterest(liver_mask, *extent)
        rng = np.random.default_rng(derive_seed(seed, "perturbation", lesion))
        for name, grey, changed_mask, changed_organs in perturbations(image, mask, rng, organs):
            rows += [
                {"perturbation": name} | row | {"lesion": lesion}
                for row in extractor.extract_lesions(grey, changed_mask, changed_organs)
            ]
    return rows


def _margin(sets: Sequence[FeatureSet], spacing: Sequence[float]) -> np.ndarray:
    """Voxels (x, y, z) around a lesion that change its features, also after it has grown."""
    reach_mm = [0.0]
    reach_mm += [s.width_mm for s in sets if s.region == "ring"]
    reach_mm += [4 * max(s.sigma_mm) for s in sets if s.filter == "log"]
    return MARGIN + np.ceil(max(reach_mm) / np.array(spacing)).astype(int)


def perturbations(
    image: sitk.Image,
    mask: sitk.Image,
    rng: np.random.Generator,
    liver_mask: sitk.Image | None = None,
) -> Iterator[tuple[str, sitk.Image, sitk.Image, sitk.Image | None]]:
    """Perturb a lesion in each way of `PERTURBATIONS`.

    Parameters
    ----------
    image, mask : SimpleITK.Image
        Grey values, and the lesion (1) on the same grid.
    rng : numpy.random.Generator
        Source of the contour and the noise.
    liver_mask : SimpleITK.Image, optional
        Mask of the patient, which is translated and rotated with the image.

    Yields
    ------
    tuple
        Name of the perturbation, image, mask and liver mask. A mask may become empty.
    """
    radius = [1, 1, 1]
    radius[axial_axis(mask)] = 0  # within the axial slices, as contours are drawn
    yield "as it is", image, mask, liver_mask
    yield "grown", image, sitk.BinaryDilate(mask, radius, sitk.sitkCross), liver_mask
    yield "shrunk", image, sitk.BinaryErode(mask, radius, sitk.sitkCross), liver_mask
    translation = sitk.TranslationTransform(3, [SHIFT * mm for mm in image.GetSpacing()])
    yield "moved", *_transform(image, mask, liver_mask, translation)
    shapes = sitk.LabelShapeStatisticsImageFilter()
    shapes.Execute(mask)
    rotation = sitk.VersorRigid3DTransform()
    rotation.SetCenter(shapes.GetCentroid(1))
    rotation.SetRotation((0.0, 0.0, 1.0), float(np.radians(ANGLE_DEG)))
    yield "turned", *_transform(image, mask, liver_mask, rotation)
    yield "contour", image, _redraw_contour(mask, rng), liver_mask
    yield "noise", _add_noise(image, rng), mask, liver_mask


def _transform(
    image: sitk.Image, mask: sitk.Image, liver_mask: sitk.Image | None, transform: sitk.Transform
) -> tuple[sitk.Image, sitk.Image, sitk.Image | None]:
    """Resample image, mask and liver mask under a transform.

    The image is interpolated linearly and rounded to its own type, the mask is interpolated
    linearly and cut at one half, and the liver mask takes the nearest voxel.
    """
    edge = float(sitk.GetArrayViewFromImage(image).min())
    grey = sitk.Resample(
        sitk.Cast(image, sitk.sitkFloat64), image, transform, sitk.sitkLinear, edge
    )
    share = sitk.Resample(sitk.Cast(mask, sitk.sitkFloat64), mask, transform, sitk.sitkLinear, 0.0)
    if liver_mask is not None:
        liver_mask = sitk.Resample(liver_mask, liver_mask, transform, sitk.sitkNearestNeighbor, 0)
    rounded = sitk.Cast(sitk.Round(grey), image.GetPixelID())
    return rounded, sitk.GreaterEqual(share, 0.5), liver_mask


def _redraw_contour(mask: sitk.Image, rng: np.random.Generator) -> sitk.Image:
    """Move the surface of a mask in and out at random, smoothly along it."""
    # Distances to the voxel centres inside and outside: the surface lies in the middle.
    inner, outer = (
        sitk.SignedMaurerDistanceMap(part, squaredDistance=False, useImageSpacing=True)
        for part in (mask, sitk.Equal(mask, 0))
    )
    field = sitk.GetImageFromArray(rng.standard_normal(mask.GetSize()[::-1]))
    field.CopyInformation(mask)
    field = sitk.SmoothingRecursiveGaussian(field, CONTOUR_SMOOTHING_MM)
    values = sitk.GetArrayViewFromImage(field)
    displacement = sitk.Cast(field, sitk.sitkFloat64) * (CONTOUR_MM / float(values.std()))
    return (inner - outer) / 2 <= displacement


def noise_level(image: np.ndarray) -> float:
    """Estimate the standard deviation of a CT's noise.

    It is the median absolute second difference within the slices, which smooth anatomy hardly
    changes (Immerkaer 1996, doi 10.1006/cviu.1996.0060, with the median in place of the mean).

    Parameters
    ----------
    image : ndarray, shape (z, y, x)
        Grey values in HU.

    Returns
    -------
    float
        Noise in HU.
    """
    grey = image.astype(float)
    along_x = grey[:, :, 2:] - 2 * grey[:, :, 1:-1] + grey[:, :, :-2]
    along_both = along_x[:, 2:] - 2 * along_x[:, 1:-1] + along_x[:, :-2]
    return float(np.median(np.abs(along_both)) / 0.6745 / 6)


def _add_noise(image: sitk.Image, rng: np.random.Generator) -> sitk.Image:
    grey = sitk.GetArrayFromImage(image)
    noise = rng.normal(0, noise_level(grey), grey.shape)
    noisy = sitk.GetImageFromArray(np.rint(grey + noise).astype(grey.dtype))
    noisy.CopyInformation(image)
    return noisy
