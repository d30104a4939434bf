"""Plausibility of a mask: whether the CT under it can be a liver.

The limits lie between what was measured on three CTs (portal venous and unenhanced): under their
liver masks at most 0.02 % of the voxels lie below -100 HU and the standard deviation is 15 to
34 HU; under the same masks flipped along any axis 2.8 to 37 % and 117 to 425 HU.
"""

import logging
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from livermets.core.errors import BadPatient
from livermets.masks.labels import Label

logger = logging.getLogger(__name__)
# Median of a liver on any CT; outside it lie air, lung and bone. Wide, as the patient is refused: a
# piece that a network found is left out by narrower limits (`segmentation.liver_plausibility`).
LIVER_HU = (-200, 600)
AIR_HU = -100  # no liver tissue is darker: even a fatty liver stays above -50 HU
MAX_AIR, UNUSUAL_AIR = 0.02, 0.003  # share of the voxels below AIR_HU: refused, and warned of
MAX_SD_HU, UNUSUAL_SD_HU = 150, 60  # standard deviation: refused, and warned of
MAX_LESION_SHARE = 0.8  # of the liver; where more is lesion, the two values may be exchanged


@dataclass(frozen=True)
class LiverVoxels:
    """The CT under the liver of a mask, without its lesions.

    Parameters
    ----------
    median_hu, sd_hu : float
        Median and standard deviation in HU.
    air_share : float
        Share of the voxels below `AIR_HU`.
    lesion_share : float
        Share of the liver that is lesion.
    """

    median_hu: float
    sd_hu: float
    air_share: float
    lesion_share: float

    @classmethod
    def measure(cls, ct: sitk.Image, mask: sitk.Image) -> "LiverVoxels | None":
        """Measure the voxels of `Label.LIVER`, on the grid of the CT; None if there are none."""
        labels = sitk.GetArrayViewFromImage(mask)
        liver, n_lesion = labels == Label.LIVER, int((labels == Label.LESION).sum())
        hu = sitk.GetArrayViewFromImage(ct)[liver]
        if not hu.size:
            return None
        share = n_lesion / (n_lesion + hu.size)
        return cls(float(np.median(hu)), float(hu.std()), float((hu < AIR_HU).mean()), share)

    def impossible(self) -> list[str]:
        """Say what no liver has; empty if the mask may lie on a liver."""
        low, high = LIVER_HU
        problems = []
        if not low <= self.median_hu <= high:
            problems.append(f"a median of {self.median_hu:.0f} HU")
        if self.air_share > MAX_AIR:
            problems.append(f"{self.air_share:.1%} of its voxels below {AIR_HU} HU (air, lung)")
        if self.sd_hu > MAX_SD_HU:
            problems.append(f"a standard deviation of {self.sd_hu:.0f} HU")
        return problems

    def unusual(self) -> list[str]:
        """Warn a reader of what few livers have; empty if there is nothing to say."""
        warnings = []
        if self.air_share > UNUSUAL_AIR:
            warnings.append(
                f"{self.air_share:.1%} of the liver lies below {AIR_HU} HU: the mask may reach into"
                " the lung, or lie beside the liver"
            )
        if self.sd_hu > UNUSUAL_SD_HU:
            warnings.append(
                f"the HU of the liver have a standard deviation of {self.sd_hu:.0f} (usual: 15 to"
                " 35)"
            )
        return warnings


def refuse_implausible(
    ct: sitk.Image,
    mask: sitk.Image,
    patient: str,
    name: str,
    accepted: bool = False,
    needs_liver: bool = True,
) -> None:
    """Refuse a mask without a liver, or with one that no liver can be.

    Such a mask was flipped or shifted onto lung, air or bone, its labels were exchanged, or the CT
    is not in HU.

    Parameters
    ----------
    ct, mask : SimpleITK.Image
        HU, and the values of `Label` on the same grid.
    patient, name : str
        The patient and the mask as messages call them.
    accepted : bool
        The user said that the mask is meant, which is logged.
    needs_liver : bool
        Refuse a mask without a liver. Where one is there, it must be plausible either way.

    Raises
    ------
    BadPatient
        The mask has no liver inside the CT, but needs one, or is implausible and not accepted.
    """
    voxels = LiverVoxels.measure(ct, mask)
    if voxels is None and not needs_liver:
        return
    if voxels is None:
        raise BadPatient(
            patient, f"the {name} has no liver inside the CT", "Give the mask drawn on this CT"
        )
    problem, check = "", ""
    if problems := voxels.impossible():
        problem = f"under the liver of the {name} the CT has {' and '.join(problems)}"
        problem += ", as no liver has"
        check = "Check that the mask is not flipped, lies on the liver, and that the CT is in HU"
    elif needs_liver and voxels.lesion_share > MAX_LESION_SHARE:
        problem = f"{voxels.lesion_share:.0%} of the liver of the {name} is lesion"
        check = "Check under `masks.labels` which value is liver and which is lesion"
    if not problem:
        return
    if accepted:
        logger.warning("patient %s: %s; accepted by `masks.accept_implausible`", patient, problem)
        return
    raise BadPatient(
        patient,
        problem,
        f"{check}; save a corrected mask in the folder of corrections, or list the patient under"
        " `masks.accept_implausible` if the mask is meant",
    )
