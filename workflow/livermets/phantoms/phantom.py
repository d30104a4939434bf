"""Digital CT phantoms: simulated abdomens with liver lesions of classes of a known difference.

A phantom takes the place of a portal venous CT, since real ones may not be distributed. It depends
on the seed and the patient's id. The label changes only the texture of the lesions, their number
and slightly their mean, each scaled by `separability`. At a separability of 0 all voxels are equal
for every label, so every model must perform at chance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk
from scipy import ndimage

from livermets.core.errors import BadInput
from livermets.core.seeds import derive_seed
from livermets.imaging.connected_pieces import largest_piece
from livermets.masks.labels import Label

SIZE = (40, 176, 176)  # voxels (z, y, x)
SPACING_MM = (1.5, 1.5, 3.0)  # (x, y, z)
LESIONS_PER_CLASS = (9.25, 27.77)  # lesions a patient, Tharmaseelan et al. 2023, Table 1
DIAMETER_MM = (4.0, 25.0)

# Values of the first and the last class at full separability; the classes between are interpolated
LESION_HU = (45.9, 44.9)  # mean, Tharmaseelan et al. 2023, Table 1
TEXTURE_HU = (6.0, 28.0)  # standard deviation of the texture within a lesion
TEXTURE_MM = (1.3, 2.6)  # its correlation length (sigma of the Gaussian kernel), log-interpolated

AIR_HU, FAT_HU, MUSCLE_HU, BONE_HU, AORTA_HU = -1024.0, -100.0, 55.0, 350.0, 165.0
LIVER_HU, SPLEEN_HU, KIDNEY_HU, VESSEL_HU, GALLBLADDER_HU = 92.0, 115.0, 160.0, 150.0, 8.0


@dataclass(frozen=True)
class _Grid:
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

    def smooth_noise(self, sigma_mm: float, rng: np.random.Generator) -> np.ndarray:
        """A Gaussian random field of zero mean and unit variance, smoothed by `sigma_mm`."""
        field = ndimage.gaussian_filter(
            rng.standard_normal(self.size, dtype=np.float32), sigma_mm / self.spacing, mode="wrap"
        )
        return (field - field.mean()) / field.std()


def make_phantom(
    patient: str,
    label: str,
    classes: Sequence[str],
    seed: int,
    separability: float = 1.0,
    size: tuple[int, int, int] = SIZE,
    spacing_mm: tuple[float, float, float] = SPACING_MM,
    lesions_per_class: Mapping[str, float] | None = None,
) -> tuple[sitk.Image, sitk.Image]:
    """Draw the phantom CT of a patient and its true mask.

    Parameters
    ----------
    patient : str
        The patient's id.
    label : str
        The patient's class.
    classes : sequence of str
        All classes, in the order of the configuration.
    seed : int
        Seed of the study. The phantom depends on it, on the id and on the label alone.
    separability : float
        From 0 (the label changes nothing) to 1 (texture, mean and number of lesions differ fully).
    size : tuple of int
        Voxels (z, y, x). The anatomy scales with the field of view, the lesions do not.
    spacing_mm : tuple of float
        Voxel spacing (x, y, z).
    lesions_per_class : mapping of str to float, optional
        Mean number of lesions of a patient of each class; by default from 9.25 for the first
        class to 27.77 for the last.

    Returns
    -------
    ct : SimpleITK.Image
        int16 HU.
    mask : SimpleITK.Image
        uint8 with the values of `Label`. Lesions are separate at 26-connectivity and lie inside
        the liver.

    Raises
    ------
    BadInput
        The label is none of the classes, or the separability is not between 0 and 1.
    """
    if label not in classes:
        raise BadInput(f"phantom {patient}: label {label!r} is none of {list(classes)}; correct it")
    if not 0 <= separability <= 1:
        raise BadInput(f"separability is {separability}; give a number from 0 to 1")
    positions = np.linspace(0, 1, len(classes)) if len(classes) > 1 else np.array([0.5])
    class_position = 0.5 + separability * (positions[list(classes).index(label)] - 0.5)
    means = (
        np.interp(positions, (0, 1), LESIONS_PER_CLASS)
        if lesions_per_class is None
        else np.array([lesions_per_class[name] for name in classes])
    )
    mean_lesions = np.interp(class_position, positions, means) if len(means) > 1 else means[0]

    rng = np.random.default_rng(derive_seed(seed, "phantom", patient))
    nz, ny, nx = size
    grid = _Grid((nz, ny, nx), np.array(spacing_mm[::-1], dtype=float))
    anatomy, liver = _draw_anatomy(grid, rng)
    number = _draw_lesion_count(float(mean_lesions), rng)
    # A generator of its own, so that the number of lesions does not change the draws that follow
    lesions = _place_lesions(grid, liver, number, np.random.default_rng(rng.integers(2**63)))
    hu = _render_ct(grid, anatomy, liver, lesions, class_position, rng)

    mask = np.where(lesions > 0, Label.LESION, Label.LIVER * liver).astype(np.uint8)
    hu = np.clip(np.rint(hu), -1024, 3071).astype(np.int16)
    return _to_image(hu, grid), _to_image(mask, grid)


def _draw_anatomy(grid: _Grid, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
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

    surface = 0.10 * grid.smooth_noise(14, rng)
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


def _draw_vessels(grid: _Grid, rng: np.random.Generator) -> np.ndarray:
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


def _draw_ball(volume: np.ndarray, grid: _Grid, centre: np.ndarray, radius: float) -> None:
    """Set the voxels within `radius` mm of a centre (z, y, x in mm) to True."""
    window, offset = _ball_window(grid, centre, radius)
    volume[window][np.sqrt((offset**2).sum(0)) <= radius] = True


def _ball_window(
    grid: _Grid, centre: np.ndarray, radius: float
) -> tuple[tuple[slice, ...], np.ndarray]:
    """The box around a ball, clipped to the volume, and the offsets of its voxels in mm."""
    index = centre / grid.spacing + (np.array(grid.size) - 1) / 2
    low = np.maximum(np.floor(index - radius / grid.spacing), 0).astype(int)
    high = np.minimum(np.ceil(index + radius / grid.spacing) + 1, grid.size).astype(int)
    window = tuple(slice(a, max(a, b)) for a, b in zip(low, high, strict=True))
    places = np.stack(np.meshgrid(*(np.arange(s.start, s.stop) for s in window), indexing="ij"))
    return window, (places - index.reshape(3, 1, 1, 1)) * grid.spacing.reshape(3, 1, 1, 1)


def _draw_lesion_count(mean: float, rng: np.random.Generator) -> int:
    """The number of lesions, at least one, log-normally distributed around the mean."""
    return max(1, int(np.rint(mean * np.exp(rng.normal(-0.03, 0.25)))))


def _place_lesions(
    grid: _Grid, liver: np.ndarray, number: int, rng: np.random.Generator
) -> np.ndarray:
    """Labels 1 to `number` of irregular lesions, largest first; fewer if the liver is full."""
    diameters = np.clip(np.exp(rng.normal(np.log(11), 0.42, number)), *DIAMETER_MM)
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
        window, offset = _ball_window(grid, centre, radius + gap + DIAMETER_MM[1] / 2 + gap)
        to_lesion = np.sqrt((offset**2).sum(0)) - radius
        clearance[window] = np.minimum(clearance[window], to_lesion)
    return labels


def _draw_lesion(
    labels: np.ndarray,
    grid: _Grid,
    centre: np.ndarray,
    radius: float,
    lesion: int,
    rng: np.random.Generator,
) -> None:
    """Draw a star-shaped lesion, whose radius in any direction is 80 to 100 % of `radius`."""
    window, offset = _ball_window(grid, centre, radius)
    distance = np.sqrt((offset**2).sum(0))
    direction = offset / np.maximum(distance, 1e-6)
    waves = rng.normal(0, 1.5, (4, 3))
    ripple = np.cos(np.tensordot(waves, direction, 1) + rng.uniform(0, 2 * np.pi, (4, 1, 1, 1)))
    labels[window][distance <= radius * (0.9 + 0.1 * ripple.mean(0))] = lesion


def _render_ct(
    grid: _Grid,
    hu: np.ndarray,
    liver: np.ndarray,
    lesions: np.ndarray,
    class_position: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """HU of the finished CT: lesions with their texture, partial volume and noise.

    `class_position` lies between 0 (first class) and 1 (last class). Contrast, noise and texture
    vary between patients, so that the lesions of one patient resemble each other.
    """
    number = int(lesions.max())
    mean = np.interp(class_position, (0, 1), LESION_HU) + rng.normal(0, 2.5)
    amplitude = np.interp(class_position, (0, 1), TEXTURE_HU) * np.exp(rng.normal(0, 0.08))
    length = np.exp(np.interp(class_position, (0, 1), np.log(TEXTURE_MM)) + rng.normal(0, 0.08))
    noise_hu = rng.uniform(9, 12)
    fields = np.random.default_rng(rng.integers(2**63))

    texture = grid.smooth_noise(length, fields)
    noise = _ct_noise(grid, fields)
    # Always 400 draws, more than a patient has lesions, so that their number changes no other draw
    offset = fields.normal(0, 4, 400)[:number]
    strength = np.exp(fields.normal(0, 0.15, 400)[:number])
    clean = hu.copy()
    clean[lesions > 0] = mean + offset[lesions[lesions > 0] - 1]
    clean = ndimage.gaussian_filter(clean, 0.7 / grid.spacing)  # the scanner's point spread
    inside = lesions > 0
    clean[inside] += amplitude * strength[lesions[inside] - 1] * texture[inside]
    clean[liver & ~inside] += 3 * texture[liver & ~inside]
    return clean + noise_hu * noise * (hu > AIR_HU) + 4 * noise * (hu <= AIR_HU)


def _ct_noise(grid: _Grid, rng: np.random.Generator) -> np.ndarray:
    """Noise of unit variance with the spectrum of filtered back-projection in the axial plane.

    The noise power rises with frequency and falls off with the kernel, f exp(-(f/f0)²) (Riederer
    et al. 1978, doi:10.1088/0031-9155/23/3/006). Neighbouring slices are correlated.
    """
    white = rng.standard_normal(grid.size, dtype=np.float32)
    fy = np.fft.fftfreq(grid.size[1], grid.spacing[1])[:, None]
    fx = np.fft.rfftfreq(grid.size[2], grid.spacing[2])[None]
    frequency = np.hypot(fy, fx)
    power = frequency * np.exp(-((frequency / 0.22) ** 2))
    field = np.fft.irfft2(np.fft.rfft2(white) * np.sqrt(power), s=grid.size[1:])
    field = ndimage.gaussian_filter1d(field, 1.5 / grid.spacing[0], axis=0, mode="wrap")
    return field / field.std()


def _to_image(array: np.ndarray, grid: _Grid) -> sitk.Image:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing([float(step) for step in grid.spacing[::-1]])
    image.SetOrigin([float(-extent / 2) for extent in grid.extent[::-1]])
    return image
