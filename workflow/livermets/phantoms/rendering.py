"""The CT of a phantom: contrast and texture of its lesions, partial volume and noise."""

import numpy as np
from scipy import ndimage

from livermets.phantoms.anatomy import AIR_HU
from livermets.phantoms.class_traits import ClassTraits
from livermets.phantoms.grid import Grid


def render_ct(
    grid: Grid,
    anatomy: np.ndarray,
    liver: np.ndarray,
    lesions: np.ndarray,
    traits: ClassTraits,
    rng: np.random.Generator,
) -> np.ndarray:
    """HU of the finished CT, rounded: lesions with their texture, partial volume and noise.

    Contrast, noise and texture vary between patients, so that the lesions of one patient resemble
    each other.

    Parameters
    ----------
    grid : Grid
        The voxels.
    anatomy : ndarray of float
        HU without lesions and noise.
    liver : ndarray of bool
        The liver with its lesions.
    lesions : ndarray of int
        0, or the number of the lesion.
    traits : ClassTraits
        What the patient's class decides.
    rng : numpy.random.Generator
        Source of all draws. Their number does not depend on the traits.
    """
    number, inside = int(lesions.max()), lesions > 0
    mean_hu = traits.mean_hu + rng.normal(0, 2.5)
    texture_hu = traits.texture_hu * np.exp(rng.normal(0, 0.08))
    coarser = rng.normal(0, 0.08)  # on a logarithmic scale
    noise_hu = rng.uniform(9, 12)
    fields = np.random.default_rng(rng.integers(2**63))

    white = grid.white_noise(fields)
    noise = _ct_noise(grid, fields)
    # Always 400 draws, more than a patient has lesions, so that their number changes no other draw
    offset = fields.normal(0, 4, 400)[:number]
    strength = np.exp(fields.normal(0, traits.texture_spread, 400)[:number])
    flat = anatomy.copy()
    flat[inside] = mean_hu + offset[lesions[inside] - 1]
    flat = ndimage.gaussian_filter(flat, 0.7 / grid.spacing)  # the scanner's point spread
    noise = noise_hu * noise * (anatomy > AIR_HU) + 4 * noise * (anatomy <= AIR_HU)

    def ct_with(texture_mm: float) -> np.ndarray:
        """The CT with a texture of this correlation length, before rounding."""
        texture = grid.smooth(white, np.exp(np.log(texture_mm) + coarser))
        hu = flat.copy()
        hu[inside] += texture_hu * strength[lesions[inside] - 1] * texture[inside]
        hu[liver & ~inside] += 3 * texture[liver & ~inside]
        return hu + noise

    hu = ct_with(traits.texture_mm)
    if traits.histogram_mm is None:
        return np.rint(hu)
    reference = np.rint(ct_with(traits.histogram_mm))
    return _with_histograms_of(reference, hu, lesions)


def _with_histograms_of(reference: np.ndarray, hu: np.ndarray, lesions: np.ndarray) -> np.ndarray:
    """The reference, with the values of each lesion arranged in the order that they have in `hu`.

    So every lesion has the voxel values of the reference, and the texture of `hu`.
    """
    arranged = reference.copy()
    for lesion in range(1, int(lesions.max()) + 1):
        voxels = np.flatnonzero(lesions == lesion)
        order = np.argsort(hu.flat[voxels], kind="stable")
        arranged.flat[voxels[order]] = np.sort(reference.flat[voxels])
    return arranged


def _ct_noise(grid: Grid, rng: np.random.Generator) -> np.ndarray:
    """Noise of unit variance with the spectrum of filtered back-projection in the axial plane.

    The noise power rises with frequency and falls off with the kernel, f exp(-(f/f0)²) (Riederer
    et al. 1978, doi:10.1088/0031-9155/23/3/006). Neighbouring slices are correlated.
    """
    white = grid.white_noise(rng)
    fy = np.fft.fftfreq(grid.size[1], grid.spacing[1])[:, None]
    fx = np.fft.rfftfreq(grid.size[2], grid.spacing[2])[None]
    frequency = np.hypot(fy, fx)
    power = frequency * np.exp(-((frequency / 0.22) ** 2))
    field = np.fft.irfft2(np.fft.rfft2(white) * np.sqrt(power), s=grid.size[1:])
    field = ndimage.gaussian_filter1d(field, 1.5 / grid.spacing[0], axis=0, mode="wrap")
    return field / field.std()
