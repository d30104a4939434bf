"""Augmentation: zoom, shear, rotation and width shift as one affine map of a whole batch.

The four are the paper's. One map means one interpolation; four in a row would blur the texture four
times. Images are transformed on their own device; the random numbers come from a CPU generator, so
that a seed means the same on every device.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional


@dataclass(frozen=True)
class AffineRanges:
    """Ranges of the random maps; each value is drawn uniformly between minus and plus its range.

    Parameters
    ----------
    zoom : float
        Fraction of the size.
    shear_deg : float
        Degrees.
    rotate_deg : float
        Degrees.
    width_shift : float
        Fraction of the width.
    probability : float
        Share of images that are transformed at all.
    """

    zoom: float = 0.1
    shear_deg: float = 10.0
    rotate_deg: float = 20.0
    width_shift: float = 0.1
    probability: float = 0.8


def random_maps(n: int, ranges: AffineRanges, generator: torch.Generator) -> torch.Tensor:
    """Draw random maps for n images, shape (n, 2, 3), see `affine_maps`."""
    draws = torch.rand(n, 5, generator=generator, dtype=torch.float64)
    transformed = (draws[:, 4] < ranges.probability).double()
    zoom, shear, rotate, shift = ((2 * draws[:, :4] - 1) * transformed[:, None]).T
    return affine_maps(
        zoom=1 + ranges.zoom * zoom,
        shear=torch.deg2rad(ranges.shear_deg * shear),
        rotate=torch.deg2rad(ranges.rotate_deg * rotate),
        shift=ranges.width_shift * shift,
    )


def affine_maps(
    zoom: torch.Tensor, shear: torch.Tensor, rotate: torch.Tensor, shift: torch.Tensor
) -> torch.Tensor:
    """Build maps that shear along x, then rotate, zoom and shift along x, about the centre.

    Parameters
    ----------
    zoom : tensor of float64, shape (n,)
        Factor.
    shear : tensor of float64, shape (n,)
        Radians.
    rotate : tensor of float64, shape (n,)
        Radians; positive is clockwise to the eye.
    shift : tensor of float64, shape (n,)
        Fraction of the width; positive is to the right.

    Returns
    -------
    tensor of float32, shape (n, 2, 3)
        Maps from output to input in coordinates from -1 to 1, as `affine_grid` takes them.
    """
    cosine, sine, slope = rotate.cos(), rotate.sin(), shear.tan()
    forward = torch.stack([cosine, cosine * slope - sine, sine, sine * slope + cosine], dim=-1)
    inverse = torch.linalg.inv(zoom[:, None, None] * forward.reshape(-1, 2, 2))
    offset = torch.stack([2 * shift, torch.zeros_like(shift)], dim=-1)[..., None]  # width is 2
    return torch.cat([inverse, -inverse @ offset], dim=-1).float()


def apply_affine(images: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
    """Apply the maps to float images (n, channels, size, size); pixels from outside are 0."""
    grid = functional.affine_grid(maps, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)
