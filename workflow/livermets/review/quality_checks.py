"""Quality checks of one patient's mask: its measurements, and warnings for the reader."""

from collections.abc import Callable, Mapping
from typing import Any

import cc3d
import numpy as np
import pandas as pd
import SimpleITK as sitk

from livermets.imaging.contrast_phase import PORTAL_VENOUS
from livermets.lesions.components import OUTSIDE
from livermets.masks.labels import Label
from livermets.masks.plausibility import LiverVoxels
from livermets.review.lesion_order import surest_first

LIVER_ML = (600, 3500)  # few livers of adults are smaller or larger
PARENCHYMA_HU = (75, 200)  # of the portal venous phase; an unenhanced liver has 50 to 65
PIECE_ML = 1.0  # smaller pieces of liver beside the largest are rounding
BURDEN = 0.5
SIDES = {"L": "left", "R": "right", "A": "front", "P": "back", "S": "head", "I": "foot"}


def check_mask(
    ct: sitk.Image,
    mask: sitk.Image,
    lesions: pd.DataFrame,
    measurements: Mapping[str, Any],
    record: Mapping[str, Any],
    acquisition: Mapping[str, Any],
) -> dict[str, Any]:
    """Check the mask of one patient, for the worklist and the report.

    Parameters
    ----------
    ct : SimpleITK.Image of int16
        Hounsfield units.
    mask : SimpleITK.Image of uint8
        Labels of the liver and its lesions (`masks.labels.Label`), on the grid of the CT.
    lesions : pandas.DataFrame
        The table of `lesions.components.label_lesions`.
    measurements : mapping
        The measurements of that function.
    record : mapping
        The record of `masks.final_mask.final_mask`.
    acquisition : mapping
        The record of `imaging.ct.import_ct`.

    Returns
    -------
    dict
        For a JSON file: liver_ml, lesion_ml, burden; parenchyma_hu and lesion_hu as (mean,
        standard deviation) or None; lesions (number, ml, mm, hu and the models' probability or
        None of each kept one, see `surest_first`); n_dropped; source, correction, dice_liver and
        dice_lesion of the record; warnings (sentences).
    """
    hu, labels = sitk.GetArrayViewFromImage(ct), sitk.GetArrayViewFromImage(mask)
    kept = lesions[lesions["kept"].astype(bool)]  # a table without rows knows no types
    checked = {
        "liver_ml": measurements["liver_ml"],
        "lesion_ml": measurements["lesion_ml"],
        "burden": measurements["burden"],
        "parenchyma_hu": _mean_and_sd(hu[labels == Label.LIVER]),
        "lesion_hu": _mean_and_sd(hu[labels == Label.LESION]),
        "lesions": _facts(surest_first(kept)),
        "n_dropped": measurements["n_dropped"],
        **{key: record[key] for key in ("source", "correction", "dice_liver", "dice_lesion")},
    }
    oriented = acquisition["orientation"] is not None
    warnings = _liver_voxel_warnings(ct, mask)
    warnings += _liver_warnings(mask, labels, checked, oriented)
    warnings += _lesion_warnings(lesions, checked)
    warnings += _phase_warnings(acquisition["phase"], record["source"])
    if record["geometry"] == "resampled":
        warnings.append(
            f"the mask lay on another grid ({record['original_grid']}) and was resampled, so its"
            " edges may be off by half a voxel"
        )
    if not oriented:
        warnings.append("the file of the CT does not state its orientation: sides are unknown")
    return checked | {"warnings": warnings}


def _facts(lesions: pd.DataFrame) -> list[dict[str, Any]]:
    """Number, volume, diameter, HU and probability of each lesion."""
    columns = {"lesion": "number", "volume_ml": "ml", "diameter_mm": "mm", "mean_hu": "hu"}
    rows = lesions[list(columns)].rename(columns=columns)
    given = lesions["model_probability"].astype(float)
    rows["probability"] = given.astype(object).where(given.notna(), None)
    return [{str(key): value for key, value in row.items()} for row in rows.to_dict("records")]


def touched_sides(mask: sitk.Image) -> list[str]:
    """Find the borders of the volume that the mask touches, named by the patient's sides."""
    labels = sitk.GetArrayFromImage(sitk.DICOMOrient(mask, "LPS")) > 0
    planes = {
        "I": labels[0],
        "A": labels[:, 0],
        "R": labels[:, :, 0],
        "S": labels[-1],
        "P": labels[:, -1],
        "L": labels[:, :, -1],
    }
    return [SIDES[side] for side, plane in planes.items() if plane.any()]


def _liver_voxel_warnings(ct: sitk.Image, mask: sitk.Image) -> list[str]:
    """What the CT under the liver says; a mask that no liver can be was accepted by the user."""
    voxels = LiverVoxels.measure(ct, mask)
    if voxels is None:
        return []
    if problems := voxels.impossible():
        return [f"no liver has {' and '.join(problems)}; the study accepts this mask"]
    return voxels.unusual()


def _liver_warnings(
    mask: sitk.Image, labels: np.ndarray, checked: Mapping[str, Any], oriented: bool
) -> list[str]:
    if checked["liver_ml"] is None:  # a crop around lesions, in a study that needs no liver
        return []
    warnings = []
    if sides := touched_sides(mask):
        named = f"{', '.join(sides)} border" if oriented else "border"
        warnings.append(f"the liver touches the {named} of the volume")
    pieces = cc3d.statistics(cc3d.connected_components(labels > 0, connectivity=26))
    sizes = np.sort(pieces["voxel_counts"][1:])[::-1] * np.prod(mask.GetSpacing()) / 1000
    separate = sizes[1:][sizes[1:] > PIECE_ML]
    if len(separate):
        warnings.append(
            f"the liver is in {1 + len(separate)} pieces ({separate.sum():.0f} ml apart)"
        )
    if not LIVER_ML[0] <= checked["liver_ml"] <= LIVER_ML[1]:
        warnings.append(f"a liver of {checked['liver_ml']:.0f} ml is hardly plausible")
    hu = checked["parenchyma_hu"]
    if hu and not PARENCHYMA_HU[0] <= hu[0] <= PARENCHYMA_HU[1]:
        warnings.append(f"parenchyma of {hu[0]:.0f} HU is unusual for the portal venous phase")
    return warnings


def _phase_warnings(phase: str | None, source: str) -> list[str]:
    """Warn of a mask by models where the series' own tags state another than their phase."""
    if source == "given" or phase in (None, PORTAL_VENOUS):
        return []
    return [f"the series is of the {phase} phase, and the models have seen portal venous CTs"]


def _lesion_warnings(lesions: pd.DataFrame, checked: Mapping[str, Any]) -> list[str]:
    warnings = []
    outside = int((lesions["reason"] == OUTSIDE).sum())
    if outside:
        warnings.append(f"{outside} lesion{'s' * (outside > 1)} outside the liver")
    if not checked["lesions"]:
        warnings.append("no lesion large enough to characterise")
    if (checked["burden"] or 0) > BURDEN:
        warnings.append(f"{checked['burden']:.0%} of the liver is lesion")
    parenchyma = checked["parenchyma_hu"]
    if parenchyma and (bright := _numbers(checked, lambda hu: hu > parenchyma[0])):
        warnings.append(f"brighter than the parenchyma: lesion {bright}")
    if dark := _numbers(checked, lambda hu: hu < 0):
        warnings.append(f"as dark as fat or gas: lesion {dark}")
    return warnings


def _numbers(checked: Mapping[str, Any], condition: Callable[[float], bool]) -> str:
    """The numbers of the kept lesions whose mean HU meets a condition."""
    return ", ".join(
        str(lesion["number"]) for lesion in checked["lesions"] if condition(lesion["hu"])
    )


def _mean_and_sd(values: np.ndarray) -> tuple[float, float] | None:
    return (float(values.mean()), float(values.std())) if values.size else None
