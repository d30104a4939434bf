"""Digital CT phantoms: an abdomen by rule, with liver lesions of classes whose difference is known.

A phantom stands in for a portal venous CT where no real one may be shipped. Everything is drawn
from one seed and the patient's id alone; the label decides only the texture of the lesions, a
little of their mean and their number, each scaled by `separability`. At zero separability a
patient is the same to the last voxel whatever the label, so every model must come out at chance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from livermets.core.errors import BadInput
from livermets.core.seeds import derive
from livermets.masks.labels import Label

SIZE = (40, 176, 176)  # voxels (z, y, x)
SPACING_MM = (1.5, 1.5, 3.0)  # (x, y, z)
LESIONS_PER_CLASS = (9.25, 27.77)  # lesions a patient, Tharmaseelan et al. 2023, Table 1
DIAMETER_MM = (4.0, 25.0)

# What tells the first class (0) from the last (1) at full separability; others lie between.
LESION_HU = (45.9, 44.9)  # mean, Tharmaseelan et al. 2023, Table 1
TEXTURE_HU = (6.0, 28.0)  # standard deviation of the inner texture
TEXTURE_MM = (1.3, 2.6)  # its correlation length (sigma of the Gaussian kernel), log-interpolated

AIR, FAT, MUSCLE, BONE = -1024.0, -100.0, 55.0, 350.0
LIVER, SPLEEN, KIDNEY, VESSEL, AORTA, GALLBLADDER = 92.0, 115.0, 160.0, 150.0, 165.0, 8.0


@dataclass(frozen=True)
class _Grid:
    """Physical coordinates of the voxel centres, mm from the middle of the volume."""

    size: tuple[int, int, int]
    spacing: np.ndarray  # (z, y, x), mm

    @property
    def extent(self) -> np.ndarray:
        return np.array(self.size) * self.spacing

    def axes(self) -> list[np.ndarray]:
        return [
            ((np.arange(n) - (n - 1) / 2) * step).reshape([-1 if i == k else 1 for i in range(3)])
            for k, (n, step) in enumerate(zip(self.size, self.spacing, strict=True))
        ]

    def ellipsoid(self, centre: Sequence[float], radii: Sequence[float]) -> np.ndarray:
        """Distance from the centre in radii, below 1 inside; both as fractions of the extent."""
        parts = zip(self.axes(), self.extent, centre, radii, strict=True)
        return np.sqrt(sum(((axis - c * size) / (r * size)) ** 2 for axis, size, c, r in parts))

    def smooth_noise(self, sigma_mm: float, rng: np.random.Generator) -> np.ndarray:
        """Gaussian field of unit variance whose correlation is a Gaussian of `sigma_mm`."""
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
    """A phantom CT and its true mask.

    Parameters
    ----------
    patient, seed : with the label, all the phantom depends on
    label, classes : the patient's class and all of them, in the order of the configuration
    separability : 0, the label touches nothing, to 1, texture, mean and number of lesions differ
    size : voxels (z, y, x); the anatomy scales with the field of view, the lesions do not
    spacing_mm : (x, y, z)
    lesions_per_class : mean number of lesions of a patient of each class; by default 9.25 for the
        first class to 27.77 for the last

    Returns
    -------
    CT (int16, HU) and mask (uint8; 0 background, 1 liver, 2 lesion) on one grid. Lesions are
    separate at 26-connectivity and lie inside the liver.
    """
    if label not in classes:
        raise BadInput(f"phantom {patient}: label {label!r} is none of {list(classes)}; correct it")
    if not 0 <= separability <= 1:
        raise BadInput(f"separability is {separability}; give a number from 0 to 1")
    position = np.linspace(0, 1, len(classes)) if len(classes) > 1 else np.array([0.5])
    step = 0.5 + separability * (position[list(classes).index(label)] - 0.5)
    means = (
        np.interp(position, (0, 1), LESIONS_PER_CLASS)
        if lesions_per_class is None
        else np.array([lesions_per_class[name] for name in classes])
    )
    mean_lesions = float(np.interp(step, position, means)) if len(means) > 1 else float(means[0])

    rng = np.random.default_rng(derive(seed, "phantom", patient))
    grid = _Grid(tuple(size), np.array(spacing_mm[::-1], dtype=float))
    anatomy, liver = _anatomy(grid, rng)
    number = _count(mean_lesions, rng)
    # A stream of their own: however many lesions there are, all that follows stays the same.
    lesions = _place_lesions(grid, liver, number, np.random.default_rng(rng.integers(2**63)))
    hu = _paint(grid, anatomy, liver, lesions, step, rng)

    mask = np.where(lesions > 0, Label.LESION, Label.LIVER * liver).astype(np.uint8)
    hu = np.clip(np.rint(hu), -1024, 3071).astype(np.int16)
    return tuple(_image(array, grid) for array in (hu, mask))


def _anatomy(grid: _Grid, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Noise-free HU of an upper abdomen without lesions, and the liver (bool).

    Axes point as in an LPS image: x to the patient's left, y to the back, z to the head.
    """
    size = rng.uniform(0.94, 1.04)
    body = grid.ellipsoid((0, 0, 0), (9, 0.37 * size, 0.46 * size))
    hu = np.full(grid.size, AIR)
    hu[np.broadcast_to(body < 1, grid.size)] = FAT
    hu[np.broadcast_to(body < rng.uniform(0.86, 0.93), grid.size)] = MUSCLE

    def shift(*centre: float) -> np.ndarray:
        return np.array(centre) + rng.normal(0, 0.012, 3)

    wobble = 0.10 * grid.smooth_noise(14, rng)
    right = grid.ellipsoid(shift(0.0, -0.02, -0.19), rng.uniform(0.94, 1.06, 3) * (0.43, 0.27, 0.2))
    left = grid.ellipsoid(shift(0.12, -0.14, 0.04), rng.uniform(0.94, 1.06, 3) * (0.25, 0.11, 0.17))
    inside = (np.minimum(right, left) + wobble < 1) & (body < 0.84)
    parts, _ = ndimage.label(inside)
    liver = parts == np.argmax(np.bincount(parts.ravel())[1:]) + 1

    spleen = grid.ellipsoid(shift(0.08, 0.12, 0.29), (0.28, 0.13, 0.09)) + wobble < 1
    hu[spleen & ~liver & (body < 0.86)] = SPLEEN + rng.normal(0, 6)
    for side in (-1, 1):
        kidney = grid.ellipsoid(shift(-0.35, 0.19, 0.2 * side), (0.3, 0.07, 0.07)) + wobble < 1
        hu[kidney & ~liver] = KIDNEY + rng.normal(0, 8)
    spine = grid.ellipsoid((0, 0.22, 0), (9, 0.075, 0.085))
    hu[np.broadcast_to(spine < 1, grid.size)] = BONE
    hu[np.broadcast_to(spine < 0.85, grid.size)] = 0.6 * BONE
    hu[np.broadcast_to(grid.ellipsoid((0, 0.11, 0.03), (9, 0.04, 0.04)) < 1, grid.size)] = AORTA
    gallbladder = grid.ellipsoid(shift(-0.28, -0.2, -0.02), (0.14, 0.06, 0.05)) < 1
    hu[gallbladder & ~liver] = GALLBLADDER
    hu[liver] = LIVER + rng.normal(0, 4)
    hu[_vessels(grid, rng) & liver] = VESSEL + rng.normal(0, 6)
    return hu, liver


def _vessels(grid: _Grid, rng: np.random.Generator) -> np.ndarray:
    """Tubes of 2 to 5 mm radius that fan out from the hilum, as wandering chains of balls."""
    tree = np.zeros(grid.size, dtype=bool)
    hilum = np.array((-0.05, 0.0, -0.05)) * grid.extent
    for _ in range(9):
        heading = rng.normal(0, 1, 3) * (0.8, 1, 1) + (0.2, -0.2, -0.9)
        at, radius = hilum.copy(), rng.uniform(3.5, 5)
        while radius > 2:
            _ball(tree, grid, at, radius)
            heading = heading / np.linalg.norm(heading) + rng.normal(0, 0.18, 3)
            at = at + heading * radius * 0.8
            radius *= 0.965
    return tree


def _ball(
    volume: np.ndarray, grid: _Grid, at: np.ndarray, radius: float, value: float = True
) -> None:
    """Set the voxels whose centres lie within `radius` mm of `at` (mm, z y x)."""
    window, offset = _window(grid, at, radius)
    volume[window][np.sqrt((offset**2).sum(0)) <= radius] = value


def _window(grid: _Grid, at: np.ndarray, radius: float) -> tuple[tuple[slice, ...], np.ndarray]:
    """The box around a ball, clipped to the volume, and its voxels' offsets from `at` in mm."""
    index = at / grid.spacing + (np.array(grid.size) - 1) / 2
    low = np.maximum(np.floor(index - radius / grid.spacing), 0).astype(int)
    high = np.minimum(np.ceil(index + radius / grid.spacing) + 1, grid.size).astype(int)
    window = tuple(slice(a, max(a, b)) for a, b in zip(low, high, strict=True))
    places = np.stack(np.meshgrid(*(np.arange(s.start, s.stop) for s in window), indexing="ij"))
    return window, (places - index.reshape(3, 1, 1, 1)) * grid.spacing.reshape(3, 1, 1, 1)


def _count(mean: float, rng: np.random.Generator) -> int:
    """Number of lesions: over-dispersed around the mean as patients are, at least one."""
    return max(1, int(np.rint(mean * np.exp(rng.normal(-0.03, 0.25)))))


def _place_lesions(
    grid: _Grid, liver: np.ndarray, number: int, rng: np.random.Generator
) -> np.ndarray:
    """Labels 1..number (fewer where the liver is full) of irregular lesions, largest first."""
    diameters = np.clip(np.exp(rng.normal(np.log(11), 0.42, number)), *DIAMETER_MM)
    depth = ndimage.distance_transform_edt(np.pad(liver, 1), grid.spacing)[1:-1, 1:-1, 1:-1]
    gap = np.linalg.norm(grid.spacing) + 0.5  # more than a voxel's diagonal keeps lesions apart
    room = depth.copy()  # mm from a voxel to the liver's surface or the next lesion
    labels = np.zeros(grid.size, dtype=np.int32)
    for lesion, radius in enumerate(np.sort(diameters)[::-1] / 2, start=1):
        while True:
            free = np.flatnonzero(room.ravel() > radius + gap)
            if len(free) or radius <= DIAMETER_MM[0] / 2:
                break
            radius = max(0.8 * radius, DIAMETER_MM[0] / 2)
        if not len(free):
            break
        voxel = np.unravel_index(free[rng.integers(len(free))], grid.size)
        at = (np.array(voxel) - (np.array(grid.size) - 1) / 2) * grid.spacing
        _draw_lesion(labels, grid, at, radius, lesion, rng)
        labels[voxel] = lesion
        window, offset = _window(grid, at, radius + gap + DIAMETER_MM[1] / 2 + gap)
        near = np.sqrt((offset**2).sum(0)) - radius
        room[window] = np.minimum(room[window], near)
    return labels


def _draw_lesion(
    labels: np.ndarray,
    grid: _Grid,
    at: np.ndarray,
    radius: float,
    lesion: int,
    rng: np.random.Generator,
) -> None:
    """A star-shaped body: its radius varies with direction by up to a fifth below `radius`."""
    window, offset = _window(grid, at, radius)
    distance = np.sqrt((offset**2).sum(0))
    direction = offset / np.maximum(distance, 1e-6)
    waves = rng.normal(0, 1.5, (4, 3))
    ripple = np.cos(np.tensordot(waves, direction, 1) + rng.uniform(0, 2 * np.pi, (4, 1, 1, 1)))
    labels[window][distance <= radius * (0.9 + 0.1 * ripple.mean(0))] = lesion


def _paint(
    grid: _Grid,
    hu: np.ndarray,
    liver: np.ndarray,
    lesions: np.ndarray,
    step: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """HU of the finished CT: lesions with their texture, partial volume, noise.

    `step` is the class' place between the first (0) and the last (1). The patient has traits of
    its own (contrast, noise, texture), so that its lesions resemble each other.
    """
    number = int(lesions.max())
    mean = np.interp(step, (0, 1), LESION_HU) + rng.normal(0, 2.5)
    amplitude = np.interp(step, (0, 1), TEXTURE_HU) * np.exp(rng.normal(0, 0.08))
    length = np.exp(np.interp(step, (0, 1), np.log(TEXTURE_MM)) + rng.normal(0, 0.08))
    noise_hu = rng.uniform(9, 12)
    fields = np.random.default_rng(rng.integers(2**63))

    texture = grid.smooth_noise(length, fields)
    noise = _ct_noise(grid, fields)
    # Twice as many draws as a patient ever needs, so that the number of lesions moves nothing.
    offset = fields.normal(0, 4, 400)[:number]
    strength = np.exp(fields.normal(0, 0.15, 400)[:number])
    clean = hu.copy()
    clean[lesions > 0] = mean + offset[lesions[lesions > 0] - 1]
    clean = ndimage.gaussian_filter(clean, 0.7 / grid.spacing)  # the scanner's point spread
    inside = lesions > 0
    clean[inside] += amplitude * strength[lesions[inside] - 1] * texture[inside]
    clean[liver & ~inside] += 3 * texture[liver & ~inside]
    return clean + noise_hu * noise * (hu > AIR) + 4 * noise * (hu <= AIR)


def _ct_noise(grid: _Grid, rng: np.random.Generator) -> np.ndarray:
    """Noise of unit variance with the spectrum of filtered back-projection in the axial plane.

    The noise power rises with frequency and falls off with the kernel, f exp(-(f/f0)²) (Riederer
    et al. 1978, doi:10.1088/0031-9155/23/3/006); slices are correlated as overlapping ones are.
    """
    white = rng.standard_normal(grid.size, dtype=np.float32)
    fy = np.fft.fftfreq(grid.size[1], grid.spacing[1])[:, None]
    fx = np.fft.rfftfreq(grid.size[2], grid.spacing[2])[None]
    frequency = np.hypot(fy, fx)
    power = frequency * np.exp(-((frequency / 0.22) ** 2))
    field = np.fft.irfft2(np.fft.rfft2(white) * np.sqrt(power), s=grid.size[1:])
    field = ndimage.gaussian_filter1d(field, 1.5 / grid.spacing[0], axis=0, mode="wrap")
    return field / field.std()


def _image(array: np.ndarray, grid: _Grid) -> sitk.Image:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing([float(step) for step in grid.spacing[::-1]])
    image.SetOrigin([float(-extent / 2) for extent in grid.extent[::-1]])
    return image
