"""Small lesion slices of two textures, and a network that stands in for DenseNet-121."""

import numpy as np
from scipy import ndimage
from torch import nn

SIZE = 32
QUICK = {"epochs": 4, "batch_size": 8, "learning_rate": 0.01}


class Tiny(nn.Sequential):
    """Stands in for DenseNet-121 where the network does not matter."""

    def __init__(self, out_channels: int, in_channels: int = 1, **_) -> None:
        super().__init__(
            nn.Conv2d(in_channels, 4, 3, stride=2),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(4, out_channels),
        )


def cohort(patients=8, lesions=3, per_lesion=2, coarse=2.5):
    """Round lesions of fine texture (class a, even patients) and coarse texture (class b)."""
    y, x = np.indices((SIZE, SIZE)) - (SIZE - 1) / 2
    slices, labels = {}, {}
    for k in range(patients):
        rng = np.random.default_rng(k)
        n = lesions * per_lesion
        texture = ndimage.gaussian_filter(
            rng.normal(size=(n, SIZE, SIZE)), (0, *2 * [coarse if k % 2 else 0.7])
        )
        texture *= 12 / texture.std((1, 2), keepdims=True)
        images = np.where(np.hypot(y, x) < 13, 150 + texture, 0).astype(np.uint8)
        slices[f"P{k}"] = {
            "images": images,
            "lesion": np.repeat(np.arange(1, lesions + 1), per_lesion),
        }
        labels[f"P{k}"] = "ab"[k % 2]
    return slices, labels


def as_bytes(state) -> bytes:
    return b"".join(part.numpy().tobytes() for part in state.values())
