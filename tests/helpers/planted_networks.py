"""A network whose cue is known, and lesions that have it at their rim or inside."""

from collections import OrderedDict

import numpy as np
import torch
from livermets.deep_learning.network import LesionNet
from torch import nn

SIZE, RADIUS = 64, 26  # pixels
GREY, DEVIATION, BRIGHT = 120, 20, 220  # a bright spot is 5 deviations above the mean


class BrightSpots(nn.Module):
    """Stands in for DenseNet-121: its logit counts bright pixels, in cells of 4 x 4 pixels."""

    def __init__(self, in_channels: int = 1, out_channels: int = 1, **_) -> None:
        super().__init__()
        above = nn.Conv2d(in_channels, 1, 1)
        nn.init.constant_(above.weight, 1 / in_channels)
        nn.init.constant_(above.bias, -2.0)  # nothing below two deviations
        block = nn.Sequential(nn.ReLU(), nn.AvgPool2d(4))
        self.features = nn.Sequential(OrderedDict(conv0=above, denseblock1=block))
        self.out = nn.Linear(1, out_channels)
        nn.init.constant_(self.out.weight, 500.0)
        nn.init.constant_(self.out.bias, -1.0)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.out(self.features(images).mean((2, 3)))


def bright_spot_state(classes: int = 2, channels: int = 1) -> dict[str, torch.Tensor]:
    """The weights of a `LesionNet` that holds `BrightSpots` (patched in DenseNet121's place)."""
    return LesionNet(GREY, DEVIATION, classes, channels).state_dict()


def disc() -> np.ndarray:
    y, x = np.indices((SIZE, SIZE)) - (SIZE - 1) / 2
    return np.hypot(y, x) < RADIUS


def spotted(where: str, patients: int = 8, lesions: int = 2, per_lesion: int = 2):
    """Noisy round lesions; those of class b (odd patients) have a bright spot at the rim or inside.

    The spot at the rim is in the upper left corner of the border.
    """
    y, x = np.indices((SIZE, SIZE)) - (SIZE - 1) / 2
    away = np.hypot(y, x)
    spot = away < 6
    if where == "rim":
        spot = (away > RADIUS - 5) & (away < RADIUS) & (np.abs(y - x) < 8) & (y < 0)
    slices, labels = {}, {}
    for k in range(patients):
        rng = np.random.default_rng(k)
        n = lesions * per_lesion
        images = rng.normal(GREY, 5, (n, SIZE, SIZE))
        if k % 2:
            images[:, spot] = BRIGHT
        slices[f"P{k}"] = {
            "images": np.where(disc(), images, 0).astype(np.uint8),
            "lesion": np.repeat(np.arange(1, lesions + 1), per_lesion),
        }
        labels[f"P{k}"] = "ab"[k % 2]
    return slices, labels
