"""The lesions of a phantom: their number, places and shapes."""

import numpy as np
from scipy import ndimage

from livermets.phantoms.grid import Grid

DIAMETER_MM = (4.0, 25.0)


def draw_lesion_count(mean: float, rng: np.random.Generator) -> int:
    """The number of lesions, at least one, log-normally distributed around the mean."""
    return max(1, int(np.rint(mean * np.exp(rng.normal(-0.03, 0.25)))))


def place_lesions(
    grid: Grid, liver: np.ndarray, number: int, median_mm: float, rng: np.random.Generator
) -> np.ndarray:
    """Labels 1 to `number` of irregular lesions, largest first; fewer if the liver is full.

    `median_mm` is the median of their diameters.
    """
    diameters = np.clip(np.exp(rng.normal(np.log(median_mm), 0.42, number)), *DIAMETER_MM)
    depth = ndimage.distance_transform_edt(np.pad(liver, 1), grid.spacing)[1:-1, 1:-1, 1:-1]
    gap = np.linalg.norm(grid.spacing) + 0.5  # mm; above a voxel's diagonal, lesions never touch
    clearance = depth.copy()  # mm from a voxel to the liver's surface or the nearest lesion
    labels = np.zeros(grid.size, dtype=np.int32)
    for lesion, radius in enumerate(np.sort(diameters)[::-1] / 2, start=1):
        while True:
            candidates = np.flatnonzero(clearance.ravel() > radius + gap)
            if len(candidates) or radius <= DIAMETER_MM[0] / 2:
                break
            radius = max(0.8 * radius, DIAMETER_MM[0] / 2)
        if not len(candidates):
            break
        voxel = np.unravel_index(candidates[rng.integers(len(candidates))], grid.size)
        centre = (np.array(voxel) - (np.array(grid.size) - 1) / 2) * grid.spacing
        _draw_lesion(labels, grid, centre, radius, lesion, rng)
        labels[voxel] = lesion
        window, offset = grid.ball(centre, radius + gap + DIAMETER_MM[1] / 2 + gap)
        to_lesion = np.sqrt((offset**2).sum(0)) - radius
        clearance[window] = np.minimum(clearance[window], to_lesion)
    return labels


def _draw_lesion(
    labels: np.ndarray,
    grid: Grid,
    centre: np.ndarray,
    radius: float,
    lesion: int,
    rng: np.random.Generator,
) -> None:
    """Draw a star-shaped lesion, whose radius in any direction is 80 to 100 % of `radius`."""
    window, offset = grid.ball(centre, radius)
    distance = np.sqrt((offset**2).sum(0))
    direction = offset / np.maximum(distance, 1e-6)
    waves = rng.normal(0, 1.5, (4, 3))
    ripple = np.cos(np.tensordot(waves, direction, 1) + rng.uniform(0, 2 * np.pi, (4, 1, 1, 1)))
    labels[window][distance <= radius * (0.9 + 0.1 * ripple.mean(0))] = lesion
