"""The upper abdomen of a phantom: organs, bones and vessels, without lesions and noise."""

import numpy as np

from livermets.imaging.connected_pieces import largest_piece
from livermets.phantoms.grid import Grid

AIR_HU, FAT_HU, MUSCLE_HU, BONE_HU, AORTA_HU = -1024.0, -100.0, 55.0, 350.0, 165.0
LIVER_HU, SPLEEN_HU, KIDNEY_HU, VESSEL_HU, GALLBLADDER_HU = 92.0, 115.0, 160.0, 150.0, 8.0


def draw_anatomy(grid: Grid, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """HU of an upper abdomen without noise and lesions, and its liver (bool).

    Axes point as in an LPS image: x to the patient's left, y to the back, z to the head.
    """
    size = rng.uniform(0.94, 1.04)
    body = grid.ellipsoid((0, 0, 0), (9, 0.37 * size, 0.46 * size))
    hu = np.full(grid.size, AIR_HU)
    hu[np.broadcast_to(body < 1, grid.size)] = FAT_HU
    hu[np.broadcast_to(body < rng.uniform(0.86, 0.93), grid.size)] = MUSCLE_HU

    def jitter(*centre: float) -> np.ndarray:
        return np.array(centre) + rng.normal(0, 0.012, 3)

    surface = 0.10 * grid.smooth(grid.white_noise(rng), 14)
    right = grid.ellipsoid(
        jitter(0.0, -0.02, -0.19), rng.uniform(0.94, 1.06, 3) * (0.43, 0.27, 0.2)
    )
    left = grid.ellipsoid(
        jitter(0.12, -0.14, 0.04), rng.uniform(0.94, 1.06, 3) * (0.25, 0.11, 0.17)
    )
    inside = (np.minimum(right, left) + surface < 1) & (body < 0.84)
    liver = largest_piece(inside)

    spleen = grid.ellipsoid(jitter(0.08, 0.12, 0.29), (0.28, 0.13, 0.09)) + surface < 1
    hu[spleen & ~liver & (body < 0.86)] = SPLEEN_HU + rng.normal(0, 6)
    for side in (-1, 1):
        kidney = grid.ellipsoid(jitter(-0.35, 0.19, 0.2 * side), (0.3, 0.07, 0.07)) + surface < 1
        hu[kidney & ~liver] = KIDNEY_HU + rng.normal(0, 8)
    spine = grid.ellipsoid((0, 0.22, 0), (9, 0.075, 0.085))
    hu[np.broadcast_to(spine < 1, grid.size)] = BONE_HU
    hu[np.broadcast_to(spine < 0.85, grid.size)] = 0.6 * BONE_HU
    hu[np.broadcast_to(grid.ellipsoid((0, 0.11, 0.03), (9, 0.04, 0.04)) < 1, grid.size)] = AORTA_HU
    gallbladder = grid.ellipsoid(jitter(-0.28, -0.2, -0.02), (0.14, 0.06, 0.05)) < 1
    hu[gallbladder & ~liver] = GALLBLADDER_HU
    hu[liver] = LIVER_HU + rng.normal(0, 4)
    hu[_draw_vessels(grid, rng) & liver] = VESSEL_HU + rng.normal(0, 6)
    return hu, liver


def _draw_vessels(grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """Vessels of 2 to 5 mm radius from the hilum outwards (bool), each a random walk of balls."""
    tree = np.zeros(grid.size, dtype=bool)
    hilum = np.array((-0.05, 0.0, -0.05)) * grid.extent
    for _ in range(9):
        heading = rng.normal(0, 1, 3) * (0.8, 1, 1) + (0.2, -0.2, -0.9)
        centre, radius = hilum.copy(), rng.uniform(3.5, 5)
        while radius > 2:
            _draw_ball(tree, grid, centre, radius)
            heading = heading / np.linalg.norm(heading) + rng.normal(0, 0.18, 3)
            centre = centre + heading * radius * 0.8
            radius *= 0.965
    return tree


def _draw_ball(volume: np.ndarray, grid: Grid, centre: np.ndarray, radius: float) -> None:
    """Set the voxels within `radius` mm of a centre (z, y, x in mm) to True."""
    window, offset = grid.ball(centre, radius)
    volume[window][np.sqrt((offset**2).sum(0)) <= radius] = True
