"""Grad-CAM: where in a lesion slice the network found what speaks for the class that it called.

Selvaraju et al. 2017, 10.1109/ICCV.2017.74, as MONAI computes it. The last layer of DenseNet-121
has 7 x 7 cells for the paper's images of 224 pixels, and 2 x 2 for images of 64, which would show
nothing. So the map is that of the deepest dense block with at least 7 x 7 cells.
"""

import numpy as np
import torch
from monai.visualize.class_activation_maps import GradCAM
from torch import nn

from livermets.deep_learning.network import LesionNet
from livermets.explanation.image_probabilities import BATCH
from livermets.explanation.lesion_regions import rim_of

CELLS = 7  # along each side, at least
REGIONS = ("inside", "rim", "outside")
_BLOCK = "densenet.features.denseblock"
_FIRST_STRIDE = 4  # pixels to a cell of the first dense block; each further block doubles it


class _ClassLogits(nn.Module):
    """Gives a logit for each class, where the network has one logit for two classes."""

    def __init__(self, network: LesionNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits = self.network(images)
        return torch.stack([-logits, logits], dim=1) if logits.ndim == 1 else logits


def map_layer(network: LesionNet, size: int) -> str:
    """Name the deepest dense block of the network that has at least 7 x 7 cells.

    Parameters
    ----------
    network : LesionNet
        The network.
    size : int
        Side of the images, pixels.
    """
    blocks = [name for name, _ in network.named_modules() if name[:-1] == _BLOCK]
    fine = [name for name in blocks if size // (_FIRST_STRIDE << int(name[-1]) - 1) >= CELLS]
    return max(fine, default=blocks[0])


def grad_cam(network: LesionNet, prepared: torch.Tensor, called: np.ndarray) -> np.ndarray:
    """Map what in each image speaks for the class that it was called.

    Parameters
    ----------
    network : LesionNet
        In evaluation mode.
    prepared : tensor of float32, shape (n, channels, size, size)
        What `network.prepare` returns.
    called : ndarray of int, shape (n,)
        Number of the class of each image, in the order of the network's outputs.

    Returns
    -------
    ndarray of float32, shape (n, size, size)
        0 where nothing speaks for the class. Maps of different images have no common scale.
    """
    size = prepared.shape[-1]
    layer = f"network.{map_layer(network, size)}"
    explain = GradCAM(_ClassLogits(network), layer, postprocessing=lambda values: values)
    maps = np.zeros((len(prepared), size, size), np.float32)
    for number in np.unique(called):
        for index in np.array_split(
            rows := np.flatnonzero(called == number), -(-len(rows) // BATCH)
        ):
            images = prepared[torch.from_numpy(index)].to(network.mean.device)
            maps[index] = explain(images, class_idx=int(number))[:, 0].detach().cpu().numpy()
    return maps


def region_shares(values: np.ndarray, mask: np.ndarray, rim_share: float) -> dict[str, float]:
    """Divide a map by region: inside and rim of the lesion, and outside of it.

    Parameters
    ----------
    values : ndarray of float, shape (size, size)
        The map, 0 or above.
    mask : ndarray of bool, shape (size, size)
        The lesion.
    rim_share : float
        Share of the lesion's pixels that belong to its rim.

    Returns
    -------
    dict of str to float
        map_inside, map_rim and map_outside, which add up to 1, or NaN where the map is 0
        everywhere; area_inside, area_rim and area_outside, the shares of the image.
    """
    rim = rim_of(mask, rim_share)
    total = float(values.sum(dtype=float))
    shares = {}
    for name, region in zip(REGIONS, (mask & ~rim, rim, ~mask), strict=True):
        part = float(values[region].sum(dtype=float))
        shares[f"map_{name}"] = part / total if total > 0 else np.nan
        shares[f"area_{name}"] = float(region.mean())
    return shares
