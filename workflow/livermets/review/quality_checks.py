"""What a reader should know of one patient's mask before trusting it."""

from collections.abc import Mapping

import cc3d
import numpy as np
import pandas as pd
import SimpleITK as sitk

from livermets.lesions.components import OUTSIDE
from livermets.masks.labels import Label

LIVER_ML = (600, 3500)  # beyond both lie few livers of adults
PARENCHYMA_HU = (75, 200)  # of the portal venous phase; an unenhanced liver has 50 to 65
PIECE_ML = 1.0  # smaller pieces of liver beside the largest are rounding
BURDEN = 0.5
SIDES = {"L": "left", "R": "right", "A": "front", "P": "back", "S": "head", "I": "foot"}


def look_over(
    ct: sitk.Image, mask: sitk.Image, lesions: pd.DataFrame, facts: Mapping, record: Mapping
) -> dict:
    """Statistics and warnings for the worklist.

    Parameters
    ----------
    ct, mask : HU and labels (1 liver, 2 lesion) on one grid
    lesions, facts : what `split_lesions` returned
    record : what `final_mask` returned

    Returns
    -------
    dictionary for JSON: liver_ml, lesion_ml, burden, parenchyma and lesion HU as (mean, standard
    deviation) or None, lesions (number, ml, diameter, mean HU of each kept one), n_dropped,
    source, correction, dice_liver, dice_lesion, warnings (sentences)
    """
    hu, labels = sitk.GetArrayViewFromImage(ct), sitk.GetArrayViewFromImage(mask)
    kept = lesions[lesions["kept"].astype(bool)]  # a table without rows knows no types
    columns = {"lesion": "number", "volume_ml": "ml", "diameter_mm": "mm", "mean_hu": "hu"}
    found = {
        "liver_ml": facts["liver_ml"],
        "lesion_ml": facts["lesion_ml"],
        "burden": facts["burden"],
        "parenchyma_hu": _spread(hu[labels == Label.LIVER]),
        "lesion_hu": _spread(hu[labels == Label.LESION]),
        "lesions": kept[list(columns)].rename(columns=columns).to_dict("records"),
        "n_dropped": facts["n_dropped"],
        **{key: record[key] for key in ("source", "correction", "dice_liver", "dice_lesion")},
    }
    return found | {"warnings": [*_of_liver(mask, labels, found), *_of_lesions(lesions, found)]
                    + (["the mask lay on another grid and was resampled"]
                       if record["geometry"] == "resampled" else [])}  # fmt: skip


def _of_liver(mask: sitk.Image, labels: np.ndarray, found: Mapping) -> list[str]:
    warnings = []
    if sides := touched_sides(mask):
        warnings.append(f"the liver touches the {', '.join(sides)} border of the volume")
    pieces = cc3d.statistics(cc3d.connected_components(labels > 0, connectivity=26))
    sizes = np.sort(pieces["voxel_counts"][1:])[::-1] * np.prod(mask.GetSpacing()) / 1000
    more = sizes[1:][sizes[1:] > PIECE_ML]
    if len(more):
        warnings.append(f"the liver is in {1 + len(more)} pieces ({more.sum():.0f} ml apart)")
    if not LIVER_ML[0] <= found["liver_ml"] <= LIVER_ML[1]:
        warnings.append(f"a liver of {found['liver_ml']:.0f} ml is hardly plausible")
    hu = found["parenchyma_hu"]
    if hu and not PARENCHYMA_HU[0] <= hu[0] <= PARENCHYMA_HU[1]:
        warnings.append(f"parenchyma of {hu[0]:.0f} HU is unusual for the portal venous phase")
    return warnings


def _of_lesions(lesions: pd.DataFrame, found: Mapping) -> list[str]:
    warnings = []
    outside = int((lesions["reason"] == OUTSIDE).sum())
    if outside:
        warnings.append(f"{outside} lesion{'s' * (outside > 1)} outside the liver")
    if not found["lesions"]:
        warnings.append("no lesion large enough to characterise")
    if (found["burden"] or 0) > BURDEN:
        warnings.append(f"{found['burden']:.0%} of the liver is lesion")
    normal = found["parenchyma_hu"]
    bright = [one["number"] for one in found["lesions"] if normal and one["hu"] > normal[0]]
    if bright:
        numbers = ", ".join(map(str, bright))
        warnings.append(f"brighter than the parenchyma: lesion {numbers}")
    dark = [one["number"] for one in found["lesions"] if one["hu"] < 0]
    if dark:
        warnings.append(f"as dark as fat or gas: lesion {', '.join(map(str, dark))}")
    return warnings


def touched_sides(mask: sitk.Image) -> list[str]:
    """Which borders of the volume the mask touches, in the patient's own words (left, head ...)."""
    labels = sitk.GetArrayFromImage(sitk.DICOMOrient(mask, "LPS")) > 0
    planes = zip("IARSPL", (labels[0], labels[:, 0], labels[:, :, 0],
                            labels[-1], labels[:, -1], labels[:, :, -1]), strict=True)  # fmt: skip
    return [SIDES[side] for side, plane in planes if plane.any()]


def _spread(values: np.ndarray) -> tuple[float, float] | None:
    return (float(values.mean()), float(values.std())) if values.size else None
