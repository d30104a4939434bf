"""Zoom, shear, rotation and width shift (the paper's four) as one affine map of a whole batch.

One map means one interpolation: four in a row would blur the texture four times. Images are moved
where they lie; the random numbers come from a CPU generator, so that a seed means the same on
every device.
"""

from typing import NamedTuple

import torch
from torch.nn import functional


class Moves(NamedTuple):
    """How far an image may be moved; each is drawn uniformly between minus and plus its value.

    ``zoom`` and ``width_shift`` are fractions (of the size, of the image's width), ``shear_deg``
    and ``rotate_deg`` degrees; ``probability`` is the share of images that are moved at all.
    """

    zoom: float = 0.1
    shear_deg: float = 10.0
    rotate_deg: float = 20.0
    width_shift: float = 0.1
    probability: float = 0.8


def random_maps(n: int, moves: Moves, generator: torch.Generator) -> torch.Tensor:
    """Maps for n images (n, 2, 3), see `affine_maps`."""
    draws = torch.rand(n, 5, generator=generator, dtype=torch.float64)
    moved = (draws[:, 4] < moves.probability).double()
    zoom, shear, rotate, shift = ((2 * draws[:, :4] - 1) * moved[:, None]).T
    return affine_maps(
        zoom=1 + moves.zoom * zoom,
        shear=torch.deg2rad(moves.shear_deg * shear),
        rotate=torch.deg2rad(moves.rotate_deg * rotate),
        shift=moves.width_shift * shift,
    )


def affine_maps(
    zoom: torch.Tensor, shear: torch.Tensor, rotate: torch.Tensor, shift: torch.Tensor
) -> torch.Tensor:
    """What shears along x, then rotates, zooms and shifts along x, about the image's centre.

    Parameters
    ----------
    zoom, shear, rotate, shift : (n,) a factor; radians; radians, positive is clockwise to the
        eye; a fraction of the width, positive is to the right

    Returns
    -------
    (n, 2, 3) float32 maps from output to input in coordinates of -1..1, as `affine_grid` wants.
    """
    cosine, sine, slope = rotate.cos(), rotate.sin(), shear.tan()
    forward = torch.stack([cosine, cosine * slope - sine, sine, sine * slope + cosine], dim=-1)
    inverse = torch.linalg.inv(zoom[:, None, None] * forward.reshape(-1, 2, 2))
    offset = torch.stack([2 * shift, torch.zeros_like(shift)], dim=-1)[..., None]  # width is 2
    return torch.cat([inverse, -inverse @ offset], dim=-1).float()


def move(images: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
    """Float images (n, channels, size, size) under `maps`; what comes in from outside is 0."""
    grid = functional.affine_grid(maps, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)
