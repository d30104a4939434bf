"""Liver and lesion masks by the networks of KU Leuven (Tang et al. 2020).

doi:10.1007/s00259-020-04800-3. The weights come from the wheel of pyliverlesionseg (Apache-2.0);
no code of that package is run. Preprocessing follows the package: Hounsfield units are clipped to
-200 to 200; the liver is segmented at 3 mm, the lesions at 1 x 1 x 3 mm within the liver.
"""

import io
import logging
import zipfile
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK as sitk
import torch
from scipy import ndimage

from livermets.core.errors import BadInput
from livermets.imaging.geometry import bounding_box
from livermets.masks.labels import Label
from livermets.segmentation.leuven_network import LESIONS, LIVER, Architecture, LeuvenUNet

if TYPE_CHECKING:
    import h5py

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
    networks : mapping of str to LeuvenUNet
        `liver`, `lesion` or both.
    device : torch.device
        Where the networks run.
    min_probability : float
        Probability from which on a voxel is lesion.
    """

    networks: dict[str, LeuvenUNet]
    device: torch.device
    min_probability: float = 0.5

    @property
    def labels(self) -> set[int]:
        """Every value that a predicted mask can have."""
        return {0, *(int(Label[name.upper()]) for name in self.networks)}

    def predict(self, ct: sitk.Image, earlier: np.ndarray) -> np.ndarray:
        """Segment one CT.

        Parameters
        ----------
        ct : SimpleITK.Image of int16
            Hounsfield units, portal venous phase.
        earlier : ndarray of uint8, shape (z, y, x)
            Mask of the models before this one, whose liver is taken where this one has no liver.

        Returns
        -------
        ndarray of uint8, shape (z, y, x)
            0 background, 1 liver, 2 lesion.
        """
        upright = sitk.Cast(sitk.DICOMOrient(ct, "RAS"), sitk.sitkFloat32)
        if "liver" in self.networks:
            liver = self._liver(upright)
        else:
            liver = _volume(sitk.DICOMOrient(_like(ct, earlier), "RAS")) > 0
        mask = np.where(liver, np.uint8(Label.LIVER), np.uint8(0))
        if not liver.any():
            log.warning("no liver was found, so no lesion was looked for")
        elif "lesion" in self.networks:
            mask[self._lesions(upright, liver)] = Label.LESION
        if "liver" not in self.networks:
            mask[mask == Label.LIVER] = 0
        code = sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(ct.GetDirection())
        return sitk.GetArrayFromImage(sitk.DICOMOrient(_image(mask, upright), code))

    def _liver(self, ct: sitk.Image) -> np.ndarray:
        """The liver (x, y, z) on the grid of an upright CT: its largest piece."""
        smooth = sitk.Median(_resample(ct, MEDIAN_SPACING_MM), (1, 1, 1))
        coarse = _resample(smooth, LIVER.spacing_mm)
        probability = _by_windows(
            self.networks["liver"], _intensities(_volume(coarse)), self.device
        )
        core = ndimage.binary_erosion(probability > 0.5, NEIGHBOURS_18)
        pieces, count = ndimage.label(core)
        if not count:
            return np.zeros(ct.GetSize(), dtype=bool)
        largest = pieces == np.bincount(pieces.ravel())[1:].argmax() + 1
        # two voxels around the eroded piece: what the erosion took, and the slope of the edge
        probability[~ndimage.binary_dilation(largest, NEIGHBOURS_18, iterations=2)] = 0
        return _volume(_onto(_image(probability, coarse), ct)) > 0.5

    def _lesions(self, ct: sitk.Image, liver: np.ndarray) -> np.ndarray:
        """Lesions (x, y, z) on the grid of an upright CT, in the liver and 6 mm around it."""
        fine = _resample(ct, LESIONS.spacing_mm)
        inside = _volume(_onto(_image(liver.astype(np.float32), ct), fine)) > 0.5
        near = ndimage.iterate_structure(NEIGHBOURS_18, 2)
        box = bounding_box(inside, [2, 2, 2])
        if box is None:
            return np.zeros(ct.GetSize(), dtype=bool)
        inside = ndimage.binary_dilation(inside[box], near)
        segment = np.where(inside, _intensities(_volume(fine)[box]), np.float32(BACKGROUND))
        probability = np.zeros(fine.GetSize(), dtype=np.float32)
        network = self.networks["lesion"]
        probability[box] = _by_tiles(network, segment, inside, self.device) * inside
        return _volume(_onto(_image(probability, fine), ct)) >= self.min_probability


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
        networks[label] = load_weights(content, architecture, f"{name}: {file}").to(device)
    return LeuvenModel(networks, device, min_probability)


def load_weights(content: bytes, architecture: Architecture, title: str) -> LeuvenUNet:
    """A network with the weights of a Keras file (HDF5).

    Raises
    ------
    BadInput
        Where the file is damaged, or its weights are those of another network.
    """
    import h5py

    network = LeuvenUNet(architecture)
    try:
        with h5py.File(io.BytesIO(content)) as file, torch.no_grad():
            convolutions = list(network.convolutions_as_keras_counts())
            _refuse_other_network(file, len(convolutions))
            for number, convolution in enumerate(convolutions, start=1):
                group = file[f"conv3d_{number}/conv3d_{number}"]
                kernel = group["kernel:0"][()].transpose(4, 3, 0, 1, 2)  # to (out, in, x, y, z)
                for own, given in (
                    (convolution.weight, kernel),
                    (convolution.bias, group["bias:0"]),
                ):
                    if own is None or own.shape != given.shape:
                        raise KeyError(f"conv3d_{number} has the shape {given.shape}")
                    own.copy_(torch.from_numpy(np.ascontiguousarray(given)))
    except (OSError, KeyError) as error:
        raise BadInput(
            f"segmentation model {title} does not hold the expected network ({error}); name the "
            "package and version of config/recipes/leuven.yaml"
        ) from error
    for convolution in network.convolutions_as_keras_counts():
        layout = torch.channels_last_3d  # a third faster on a CPU
        convolution.weight.data = convolution.weight.data.contiguous(memory_format=layout)
    return network.eval()


def _refuse_other_network(file: "h5py.File", expected: int) -> None:
    count = sum(name.startswith("conv3d_") for name in file)
    if count != expected:
        raise KeyError(f"it has {count} convolutions, not {expected}")


def _by_windows(network: LeuvenUNet, volume: np.ndarray, device: torch.device) -> np.ndarray:
    """Probabilities of a volume (x, y, z), which one segment holds if the CT is no larger.

    A larger CT is covered by segments that overlap by half; each voxel takes the probability of
    the segment whose middle is nearest.
    """
    sizes = network.architecture
    axes = [
        _window_starts(n, size) for n, size in zip(volume.shape, sizes.output_size, strict=True)
    ]
    probability = np.zeros(volume.shape, dtype=np.float32)
    distance = np.full(volume.shape, np.inf, dtype=np.float32)
    for start in product(*axes):
        part = _run(network, volume, start, 0.0, device)
        to, of = _overlap(volume.shape, start, sizes.output_size)
        away = np.zeros(part[of].shape, dtype=np.float32)
        for axis, (place, size) in enumerate(zip(to, sizes.output_size, strict=True)):
            offset = np.arange(place.start, place.stop) - (start[axis] + (size - 1) / 2)
            away = np.maximum(
                away, np.abs(np.expand_dims(offset / size, tuple({0, 1, 2} - {axis})))
            )
        nearer = away < distance[to]
        probability[to][nearer] = part[of][nearer]
        distance[to][nearer] = away[nearer]
    return probability


def _by_tiles(
    network: LeuvenUNet, volume: np.ndarray, wanted: np.ndarray, device: torch.device
) -> np.ndarray:
    """Probabilities of a volume (x, y, z), tile by tile; tiles without a wanted voxel stay 0."""
    size = network.architecture.output_size
    probability = np.zeros(volume.shape, dtype=np.float32)
    axes = [_tile_starts(n, step) for n, step in zip(volume.shape, size, strict=True)]
    for start in product(*axes):
        to, of = _overlap(volume.shape, start, size)
        if wanted[to].any():
            probability[to] = _run(network, volume, start, 0.0, device)[of]
    return probability


def _window_starts(voxels: int, size: int) -> list[int]:
    """First voxels of segments of `size` along an axis: one in the middle, or overlapping ones."""
    if voxels <= size:
        return [(voxels - size) // 2]
    count = int(np.ceil((voxels - size) / (size / 2))) + 1
    return np.linspace(0, voxels - size, count).round().astype(int).tolist()


def _tile_starts(voxels: int, size: int) -> list[int]:
    """First voxels of tiles side by side; the last one ends where the axis ends."""
    last = max(voxels - size, 0)
    return [*range(0, last, size), last]


def _overlap(
    shape: tuple[int, ...], start: tuple[int, ...], size: tuple[int, ...]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Where a segment lies in the volume, and the part of the segment that lies in it."""
    bounds = [
        (max(first, 0), min(first + extent, n), first)
        for first, extent, n in zip(start, size, shape, strict=True)
    ]
    in_volume = tuple(slice(low, high) for low, high, _ in bounds)
    in_segment = tuple(slice(low - first, high - first) for low, high, first in bounds)
    return in_volume, in_segment


def _run(
    network: LeuvenUNet,
    volume: np.ndarray,
    start: tuple[int, ...],
    fill: float,
    device: torch.device,
) -> np.ndarray:
    """Probabilities of the segment whose output begins at `start`; beyond the volume is `fill`."""
    sizes = network.architecture
    border = [(i - o) // 2 for i, o in zip(sizes.input_size, sizes.output_size, strict=True)]
    first = tuple(a - b for a, b in zip(start, border, strict=True))
    segment = np.full(sizes.input_size, fill, dtype=np.float32)
    of, to = _overlap(volume.shape, first, sizes.input_size)
    segment[to] = volume[of]
    x = torch.from_numpy(segment)[None, None].to(device, memory_format=torch.channels_last_3d)
    with torch.inference_mode():
        probability: np.ndarray = network(x)[0, 0].cpu().numpy()
    return probability


def _intensities(hu: np.ndarray) -> np.ndarray:
    """Hounsfield units as the networks want them: -200 to 200 becomes -0.5 to 0.5."""
    return (np.clip(hu, -WINDOW_HU, WINDOW_HU) / 1000 * GAIN).astype(np.float32)


def _resample(image: sitk.Image, spacing_mm: tuple[float, float, float]) -> sitk.Image:
    """The image on a grid of this spacing from the same first voxel, linearly; 0 beyond it."""
    size = [
        max(1, round(n * old / new))
        for n, old, new in zip(image.GetSize(), image.GetSpacing(), spacing_mm, strict=True)
    ]
    return sitk.Resample(
        image, size, sitk.Transform(), sitk.sitkLinear, image.GetOrigin(), spacing_mm,
        image.GetDirection(), 0.0, sitk.sitkFloat32,
    )  # fmt: skip


def _onto(image: sitk.Image, grid: sitk.Image) -> sitk.Image:
    """The image on another grid, linearly; 0 beyond it."""
    return sitk.Resample(image, grid, sitk.Transform(), sitk.sitkLinear, 0.0, sitk.sitkFloat32)


def _volume(image: sitk.Image) -> np.ndarray:
    """The voxels (x, y, z) of an image."""
    return np.ascontiguousarray(sitk.GetArrayFromImage(image).T)


def _image(volume: np.ndarray, grid: sitk.Image) -> sitk.Image:
    """Voxels (x, y, z) as an image on a grid."""
    return _like(grid, np.ascontiguousarray(volume.T))


def _like(grid: sitk.Image, array: np.ndarray) -> sitk.Image:
    """An array (z, y, x) as an image on a grid."""
    image = sitk.GetImageFromArray(array)
    image.CopyInformation(grid)
    return image
