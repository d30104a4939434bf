"""Liver and lesion masks by the networks of KU Leuven (Tang et al. 2020).

doi:10.1007/s00259-020-04800-3. The weights come from the wheel of pyliverlesionseg (Apache-2.0);
no code of that package is run. Preprocessing follows the package: Hounsfield units are clipped to
-200 to 200; the liver is segmented at 3 mm, the lesions at 1 x 1 x 3 mm within the liver.
"""

import logging
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from scipy import ndimage

from livermets.core.errors import BadInput
from livermets.imaging.connected_pieces import largest_piece
from livermets.imaging.geometry import bounding_box
from livermets.imaging.reorientation import image_like, lay_back
from livermets.masks.labels import Label
from livermets.segmentation.leuven_network import LESIONS, LIVER
from livermets.segmentation.leuven_tiles import predict_by_tiles, predict_by_windows
from livermets.segmentation.leuven_weights import load_weights
from livermets.segmentation.liver_plausibility import why_not_liver
from livermets.segmentation.openvino_network import fast_network
from livermets.segmentation.prediction import Prediction

log = logging.getLogger(__name__)

WEIGHTS = {"liver": ("liv_seg", LIVER), "lesion": ("lesion_seg", LESIONS)}  # part of a file's name
WINDOW_HU, GAIN = 200.0, 2.5  # clipped to +-200 HU, which becomes +-0.5
BACKGROUND = -0.5  # what lies outside the liver, for the network of lesions
MEDIAN_SPACING_MM = (1.5, 1.5, 1.5)  # grid on which the CT is smoothed for the liver
NEIGHBOURS_18 = ndimage.generate_binary_structure(3, 2)


@dataclass(frozen=True)
class LeuvenModel:
    """The two networks; one of them may be left out.

    Parameters
    ----------
    networks : mapping of str to torch.nn.Module
        `liver`, `lesion` or both.
    device : torch.device
        Where the networks run.
    min_probability : float
        Probability from which on a voxel is lesion.
    """

    networks: Mapping[str, torch.nn.Module]
    device: torch.device
    min_probability: float = 0.5

    @property
    def labels(self) -> set[int]:
        """Every value that a predicted mask can have."""
        return {0, *(int(Label[name.upper()]) for name in self.networks)}

    def predict(self, ct: sitk.Image, earlier: np.ndarray) -> Prediction:
        """Segment one CT.

        Parameters
        ----------
        ct : SimpleITK.Image of int16
            Hounsfield units, portal venous phase.
        earlier : ndarray of uint8, shape (z, y, x)
            Mask of the models before this one, whose liver is taken where this one has no liver.

        Returns
        -------
        Prediction
            Labels: 0 background, 1 liver, 2 lesion.
        """
        upright = sitk.Cast(sitk.DICOMOrient(ct, "RAS"), sitk.sitkFloat32)
        if "liver" in self.networks:
            liver = self._liver(upright)
        else:
            liver = _volume(sitk.DICOMOrient(image_like(earlier, ct), "RAS")) > 0
        mask = np.zeros(liver.shape, np.uint8)
        if "liver" in self.networks:
            mask[liver] = Label.LIVER

        def as_the_ct_lies(volume: np.ndarray) -> np.ndarray:
            return lay_back(np.ascontiguousarray(volume.T), upright, ct)

        if "lesion" not in self.networks:
            return Prediction(as_the_ct_lies(mask))
        if not liver.any():
            log.warning("no liver was found, so no lesion was looked for")
        probability = self._lesion_probability(upright, liver)
        mask[probability >= self.min_probability] = Label.LESION
        return Prediction(as_the_ct_lies(mask), as_the_ct_lies(probability))

    def _liver(self, ct: sitk.Image) -> np.ndarray:
        """Find the liver (x, y, z) of an upright CT: the largest piece, if it can be one."""
        smooth = sitk.Median(_resample(ct, MEDIAN_SPACING_MM), (1, 1, 1))
        coarse = _resample(smooth, LIVER.spacing_mm)
        hu = _volume(coarse)
        network = self.networks["liver"]
        probability = predict_by_windows(network, LIVER, _intensities(hu), self.device)
        largest = largest_piece(ndimage.binary_erosion(probability > 0.5, NEIGHBOURS_18))
        # two voxels around the eroded piece: what the erosion took, and the slope of the edge
        near = ndimage.binary_dilation(largest, NEIGHBOURS_18, iterations=2)
        probability[~near] = 0
        if reason := why_not_liver(probability > 0.5, hu, LIVER.spacing_mm[0]):
            log.warning("no liver was found: the largest piece %s", reason)
            probability[:] = 0
        return _volume(_onto(_image(probability, coarse), ct)) > 0.5

    def _lesion_probability(self, ct: sitk.Image, liver: np.ndarray) -> np.ndarray:
        """Predict the probability of lesion (x, y, z) of an upright CT; 0 beyond 6 mm of liver."""
        fine = _resample(ct, LESIONS.spacing_mm)
        inside = _volume(_onto(_image(liver.astype(np.float32), ct), fine)) > 0.5
        near = ndimage.iterate_structure(NEIGHBOURS_18, 2)
        box = bounding_box(inside, [2, 2, 2])
        if box is None:
            return np.zeros(ct.GetSize(), dtype=np.float32)
        inside = ndimage.binary_dilation(inside[box], near)
        segment = np.where(inside, _intensities(_volume(fine)[box]), np.float32(BACKGROUND))
        probability = np.zeros(fine.GetSize(), dtype=np.float32)
        network = self.networks["lesion"]
        probability[box] = predict_by_tiles(network, LESIONS, segment, inside, self.device) * inside
        return _volume(_onto(_image(probability, fine), ct))


def load_leuven_model(
    wheel: Path, labels: Any, device: torch.device, min_probability: float = 0.5, name: str = ""
) -> LeuvenModel:
    """Load the networks of a wheel of pyliverlesionseg.

    Parameters
    ----------
    wheel : Path
        The wheel, whose hash was checked before.
    labels : collection of str
        `liver`, `lesion` or both: the networks that are wanted.
    device : torch.device
        Where the networks run.
    min_probability : float
        Probability from which on a voxel is lesion.
    name : str
        The model's name in the configuration, for messages.

    Returns
    -------
    LeuvenModel
        The networks, in evaluation mode.

    Raises
    ------
    BadInput
        Where the wheel is damaged, or holds other networks.
    """
    networks = {}
    for label in labels:
        part, architecture = WEIGHTS[label]
        try:
            with zipfile.ZipFile(wheel) as members:
                (file,) = (m for m in members.namelist() if part in m and m.endswith(".hdf5"))
                content = members.read(file)
        except (ValueError, zipfile.BadZipFile) as error:
            raise BadInput(
                f"segmentation model {name}: {wheel} is no wheel of pyliverlesionseg with one file "
                f"*{part}*.hdf5; delete it and run again, so that it is downloaded anew"
            ) from error
        network = load_weights(content, architecture, f"{name}: {file}")
        networks[label] = fast_network(network, device)
    return LeuvenModel(networks, device, min_probability)


def _intensities(hu: np.ndarray) -> np.ndarray:
    """Scale Hounsfield units as the networks want them: -200 to 200 becomes -0.5 to 0.5."""
    return (np.clip(hu, -WINDOW_HU, WINDOW_HU) / 1000 * GAIN).astype(np.float32)


def _resample(image: sitk.Image, spacing_mm: tuple[float, float, float]) -> sitk.Image:
    """Resample to a grid of this spacing from the same first voxel, linearly; 0 beyond it."""
    size = [
        max(1, round(n * old / new))
        for n, old, new in zip(image.GetSize(), image.GetSpacing(), spacing_mm, strict=True)
    ]
    return sitk.Resample(
        image, size, sitk.Transform(), sitk.sitkLinear, image.GetOrigin(), spacing_mm,
        image.GetDirection(), 0.0, sitk.sitkFloat32,
    )  # fmt: skip


def _onto(image: sitk.Image, grid: sitk.Image) -> sitk.Image:
    """Resample to the grid of another image, linearly; 0 beyond the first one."""
    return sitk.Resample(image, grid, sitk.Transform(), sitk.sitkLinear, 0.0, sitk.sitkFloat32)


def _volume(image: sitk.Image) -> np.ndarray:
    """Give the voxels (x, y, z) of an image."""
    return np.ascontiguousarray(sitk.GetArrayFromImage(image).T)


def _image(volume: np.ndarray, grid: sitk.Image) -> sitk.Image:
    """Make an image on a grid from voxels (x, y, z)."""
    return image_like(np.ascontiguousarray(volume.T), grid)
