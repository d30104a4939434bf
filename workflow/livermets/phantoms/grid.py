"""The voxel grid of a phantom: coordinates, ellipsoids, balls and random fields on it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage


@dataclass(frozen=True)
class Grid:
    """A voxel grid whose origin is the middle of the volume; all axes are (z, y, x).

    Parameters
    ----------
    size : tuple of int
        Number of voxels.
    spacing : ndarray, shape (3,)
        Distance of voxel centres in mm.
    """

    size: tuple[int, int, int]
    spacing: np.ndarray

    @property
    def extent(self) -> np.ndarray:
        """The size of the volume in mm."""
        return np.array(self.size) * self.spacing

    def axes(self) -> list[np.ndarray]:
        """The coordinates of the voxel centres in mm, one broadcastable array for each axis."""
        return [
            ((np.arange(n) - (n - 1) / 2) * step).reshape([-1 if i == k else 1 for i in range(3)])
            for k, (n, step) in enumerate(zip(self.size, self.spacing, strict=True))
        ]

    def ellipsoid(self, centre: npt.ArrayLike, radii: npt.ArrayLike) -> np.ndarray:
        """The distance of each voxel from a centre in units of the radii, below 1 inside.

        Centre and radii are fractions of the extent.
        """
        parts = zip(self.axes(), self.extent, np.array(centre), np.array(radii), strict=True)
        squares = [((axis - c * size) / (r * size)) ** 2 for axis, size, c, r in parts]
        return np.sqrt(squares[0] + squares[1] + squares[2])

    def white_noise(self, rng: np.random.Generator) -> np.ndarray:
        """Independent normal values, float32."""
        return rng.standard_normal(self.size, dtype=np.float32)

    def smooth(self, white: np.ndarray, sigma_mm: float) -> np.ndarray:
        """A random field of zero mean and unit variance: white noise smoothed by `sigma_mm`."""
        field = ndimage.gaussian_filter(white, sigma_mm / self.spacing, mode="wrap")
        return (field - field.mean()) / field.std()

    def ball(self, centre: np.ndarray, radius: float) -> tuple[tuple[slice, ...], np.ndarray]:
        """The box around a ball, clipped to the volume, and the offsets of its voxels in mm.

        The centre (z, y, x) and the radius are in mm.
        """
        index = centre / self.spacing + (np.array(self.size) - 1) / 2
        low = np.maximum(np.floor(index - radius / self.spacing), 0).astype(int)
        high = np.minimum(np.ceil(index + radius / self.spacing) + 1, self.size).astype(int)
        window = tuple(slice(a, max(a, b)) for a, b in zip(low, high, strict=True))
        places = np.stack(np.meshgrid(*(np.arange(s.start, s.stop) for s in window), indexing="ij"))
        return window, (places - index.reshape(3, 1, 1, 1)) * self.spacing.reshape(3, 1, 1, 1)
