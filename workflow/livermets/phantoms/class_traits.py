"""Class traits: what the class of a patient decides about the lesions of a phantom.

`differ_by` names the difference between the classes:

- paper: texture (strength and coarseness), number and slightly mean, as the paper found them. The
  histogram alone tells these classes apart.
- texture: coarseness of the texture alone. A lesion has the same voxel values in every class, in
  another arrangement; volume, shape, number and all first-order features carry nothing.
- size: diameter alone. What else tells the classes apart does so through the size.
- both: texture and size.
- heterogeneity: how much the strength of the texture varies between the lesions of a patient. The
  median strength, and all else, is the same for every class.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from livermets.core.errors import BadInput

DIFFERENCES = ("paper", "texture", "size", "both", "heterogeneity")
LESIONS_PER_CLASS = (9.25, 27.77)  # lesions a patient, Tharmaseelan et al. 2023, Table 1

# Values of the first and the last class at full separability; the classes between are interpolated
LESION_HU = (45.9, 44.9)  # mean, Tharmaseelan et al. 2023, Table 1
TEXTURE_HU = (6.0, 28.0)  # standard deviation of the texture within a lesion
TEXTURE_MM = (1.3, 2.6)  # its correlation length (sigma of the Gaussian kernel), log-interpolated
DIAMETER_MM = (8.0, 15.0)  # median, log-interpolated; where the classes do not differ by size:
MEDIAN_DIAMETER_MM = 11.0
TEXTURE_SPREAD = 0.15  # SD of the strength between lesions of a patient, on a logarithmic scale;
TEXTURE_SPREADS = (0.05, 0.7)  # where the classes differ by it
# Where only the coarseness of the texture differs: it must outweigh the noise of the CT
ALONE_TEXTURE_HU = 28.0
ALONE_TEXTURE_MM = (0.8, 4.5)


@dataclass(frozen=True)
class ClassTraits:
    """What the class of a patient decides.

    Parameters
    ----------
    lesions : float
        Mean number of lesions.
    diameter_mm : float
        Median diameter of a lesion.
    mean_hu : float
        Mean of a lesion.
    texture_hu : float
        Standard deviation of the texture within a lesion.
    texture_mm : float
        Correlation length of this texture.
    histogram_mm : float or None
        Correlation length of the texture whose histogram the lesions have; None for their own.
    texture_spread : float
        Standard deviation of the texture's strength between the lesions of a patient, on a
        logarithmic scale.
    """

    lesions: float
    diameter_mm: float
    mean_hu: float
    texture_hu: float
    texture_mm: float
    histogram_mm: float | None = None
    texture_spread: float = TEXTURE_SPREAD


def class_traits(
    label: str,
    classes: Sequence[str],
    differ_by: str = "paper",
    separability: float = 1.0,
    lesions_per_class: Mapping[str, float] | None = None,
) -> ClassTraits:
    """Look up what a class decides.

    Parameters
    ----------
    label : str
        The class.
    classes : sequence of str
        All classes, in the order of the configuration.
    differ_by : str
        One of `DIFFERENCES`.
    separability : float
        From 0 (no class differs) to 1.
    lesions_per_class : mapping of str to float, optional
        Mean number of lesions of each class; by default the paper's, where classes differ by their
        number, and the mean of the paper's elsewhere.

    Returns
    -------
    ClassTraits
        The traits.

    Raises
    ------
    BadInput
        The difference or the separability does not exist; or the numbers of lesions differ where
        they must not.
    """
    if differ_by not in DIFFERENCES:
        raise BadInput(f"phantoms.differ_by is {differ_by!r}; give one of {', '.join(DIFFERENCES)}")
    if not 0 <= separability <= 1:
        raise BadInput(f"separability is {separability}; give a number from 0 to 1")
    positions = np.linspace(0, 1, len(classes)) if len(classes) > 1 else np.array([0.5])
    position = 0.5 + separability * (positions[list(classes).index(label)] - 0.5)
    numbers = (
        np.interp(positions, (0, 1), LESIONS_PER_CLASS)
        if lesions_per_class is None
        else np.array([lesions_per_class[name] for name in classes])
    )
    paper, texture, size = (
        position if differs else 0.5
        for differs in (
            differ_by == "paper",
            differ_by in ("paper", "texture", "both"),
            differ_by in ("size", "both"),
        )
    )
    if differ_by != "paper" and lesions_per_class is not None and np.ptp(numbers):
        raise BadInput(
            f"phantoms.lesions_per_class gives the classes different numbers of lesions, but"
            f" phantoms.differ_by is {differ_by}: give every class the same number"
        )
    coarseness_alone = differ_by in ("texture", "both")
    lengths = ALONE_TEXTURE_MM if coarseness_alone else TEXTURE_MM
    strength = float(np.interp(paper, (0, 1), TEXTURE_HU))
    spread = TEXTURE_SPREAD
    if differ_by == "heterogeneity":
        spread = float(np.interp(position, (0, 1), TEXTURE_SPREADS))
    return ClassTraits(
        lesions=float(np.interp(paper, positions, numbers) if len(numbers) > 1 else numbers[0]),
        diameter_mm=MEDIAN_DIAMETER_MM
        if differ_by not in ("size", "both")
        else _log(size, DIAMETER_MM),
        mean_hu=float(np.interp(paper, (0, 1), LESION_HU)),
        texture_hu=ALONE_TEXTURE_HU if coarseness_alone else strength,
        texture_mm=_log(texture, lengths),
        histogram_mm=_log(0.5, lengths) if coarseness_alone else None,
        texture_spread=spread,
    )


def _log(position: float, ends: tuple[float, float]) -> float:
    """Interpolate between two values on a logarithmic scale."""
    return float(np.exp(np.interp(position, (0, 1), np.log(ends))))
