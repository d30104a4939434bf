"""Digital CT phantoms: simulated abdomens with liver lesions of classes of a known difference.

A phantom takes the place of a portal venous CT, since real ones may not be distributed. It depends
on the seed, the patient's id and what the label decides (`livermets.phantoms.class_traits`), scaled
by `separability`. At a separability of 0 all voxels are equal for every label, so every model must
perform at chance.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import SimpleITK as sitk

from livermets.core.errors import BadInput
from livermets.core.seeds import derive_seed
from livermets.masks.labels import Label
from livermets.phantoms.anatomy import draw_anatomy
from livermets.phantoms.class_traits import class_traits
from livermets.phantoms.grid import Grid
from livermets.phantoms.lesions import draw_lesion_count, place_lesions
from livermets.phantoms.rendering import render_ct

SIZE = (40, 176, 176)  # voxels (z, y, x)
SPACING_MM = (1.5, 1.5, 3.0)  # (x, y, z)


def make_phantom(
    patient: str,
    label: str,
    classes: Sequence[str],
    seed: int,
    separability: float = 1.0,
    size: tuple[int, int, int] = SIZE,
    spacing_mm: tuple[float, float, float] = SPACING_MM,
    lesions_per_class: Mapping[str, float] | None = None,
    differ_by: str = "paper",
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
        From 0 (the label changes nothing) to 1 (the classes differ fully).
    size : tuple of int
        Voxels (z, y, x). The anatomy scales with the field of view, the lesions do not.
    spacing_mm : tuple of float
        Voxel spacing (x, y, z).
    lesions_per_class : mapping of str to float, optional
        Mean number of lesions of a patient of each class; by default as in the paper.
    differ_by : {"paper", "texture", "size", "both", "heterogeneity"}
        What the classes differ by, see `livermets.phantoms.class_traits`.

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
        The label is none of the classes, the separability is not between 0 and 1, or the classes
        differ by more than `differ_by` says.
    """
    if label not in classes:
        raise BadInput(f"phantom {patient}: label {label!r} is none of {list(classes)}; correct it")
    traits = class_traits(label, classes, differ_by, separability, lesions_per_class)
    rng = np.random.default_rng(derive_seed(seed, "phantom", patient))
    nz, ny, nx = size
    grid = Grid((nz, ny, nx), np.array(spacing_mm[::-1], dtype=float))
    anatomy, liver = draw_anatomy(grid, rng)
    number = draw_lesion_count(traits.lesions, rng)
    # A generator of its own, so that the number of lesions does not change the draws that follow
    places = np.random.default_rng(rng.integers(2**63))
    lesions = place_lesions(grid, liver, number, traits.diameter_mm, places)
    hu = render_ct(grid, anatomy, liver, lesions, traits, rng)

    mask = np.where(lesions > 0, Label.LESION, Label.LIVER * liver).astype(np.uint8)
    hu = np.clip(hu, -1024, 3071).astype(np.int16)
    return _to_image(hu, grid), _to_image(mask, grid)


def _to_image(array: np.ndarray, grid: Grid) -> sitk.Image:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing([float(step) for step in grid.spacing[::-1]])
    image.SetOrigin([float(-extent / 2) for extent in grid.extent[::-1]])
    return image
