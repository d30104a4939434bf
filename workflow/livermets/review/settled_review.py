"""Apply what readers decided to the lesions of a scan: some are deleted, or the scan is excluded.

`{scan}.json` settles what happens. Without it, what all readers agree on is done; where they differ
nothing is removed, and the scan is called disputed until somebody saves `{scan}.json`.
"""

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import SimpleITK as sitk

from livermets.review.reading import DELETE, EXCLUDE, Reading

logger = logging.getLogger(__name__)
NEAR_MM, NEAR_SHARE = 2.0, 0.25  # distance of centroids: that, or a share of the diameter
VOLUME_RATIO = 2.0  # a lesion that a correction made larger or smaller than that is another one
CENTROID = ("x_mm", "y_mm", "z_mm")


def apply_readings(
    readings: Sequence[Reading],
    labelled: sitk.Image,
    table: pd.DataFrame,
    measurements: Mapping[str, Any],
    mask_sha256: str,
) -> tuple[sitk.Image, pd.DataFrame, dict[str, Any], sitk.Image | None]:
    """Delete the lesions, or exclude the scan, as its readers decided.

    A deletion names a lesion by its place and volume, since a correction of the mask can renumber
    or remove it: a lesion that is no longer there is named in the record, and no other one is
    deleted in its place.

    Parameters
    ----------
    readings : sequence of Reading
        What readers decided.
    labelled : SimpleITK.Image of uint16
        Numbers of the kept lesions.
    table : pandas.DataFrame
        The table of `lesions.components.label_lesions`.
    measurements : mapping
        The measurements of that function.
    mask_sha256 : str
        Hash of the mask, to tell whether a reader saw it or an earlier one.

    Returns
    -------
    labelled : SimpleITK.Image
        The lesions that are left.
    table : pandas.DataFrame
        The table, in which deleted lesions are not kept and have the reason.
    measurements : dict
        The measurements of the lesions that are left, `n_deleted`, and `review`: excluded (why, or
        None), deleted, stale and readings (lists) and disputed. The volume of a deleted lesion
        counts as liver.
    removed : SimpleITK.Image or None
        Numbers of the lesions that readers removed; None where there are none.
    """
    kept = table[table["kept"].astype(bool)]
    found = {reading.file: match_decisions(reading, kept) for reading in readings}
    deciding = [reading for reading in readings if reading.decides] or list(readings)
    deleted = _common_deletions([found[reading.file] for reading in deciding])
    why_out = _exclusion(deciding)
    disputed = _differ(deciding, found)
    stale = [
        {"lesion": lesion["lesion"], "volume_ml": lesion["volume_ml"], "reader": reading.reader,
         "file": reading.file, "reason": lesion.get("reason", "").strip()}
        for reading in readings
        for lesion in reading.lesions
        if lesion["decision"] == DELETE and lesion not in found[reading.file].values()
    ]  # fmt: skip
    for lesion in stale:
        logger.warning(
            "%s asks to delete lesion %d (%.2f ml), which is no longer in the mask: nothing is "
            "deleted in its place",
            *(lesion["file"], lesion["lesion"], lesion["volume_ml"]),
        )
    by = " and ".join(reading.reader for reading in deciding)
    rows = {int(row["lesion"]): row for row in table.to_dict("records")}
    reasons = {number: f"deleted by {by}: {reason}" for number, reason in deleted.items()}
    if why_out:
        others = [number for number in kept["lesion"] if number not in deleted]
        reasons |= dict.fromkeys(others, f"the scan is excluded by {why_out}")
    record = {
        "excluded": why_out,
        "disputed": disputed,
        "deleted": [
            {"lesion": int(number), "reader": by, "reason": reason,
             **{key: float(rows[number][key]) for key in ("volume_ml", *CENTROID)}}
            for number, reason in deleted.items()
        ],
        "stale": stale,
        "readings": [_reading_row(r, found[r.file], mask_sha256) for r in readings],
    }  # fmt: skip
    changed = table.copy()
    gone = changed["lesion"].isin(list(reasons))
    changed.loc[gone, "kept"] = False
    changed.loc[gone, "reason"] = changed.loc[gone, "lesion"].map(reasons)
    left, removed = _without(labelled, list(reasons))
    deleted_ml = sum(float(rows[number]["volume_ml"]) for number in deleted)
    measured = _measured_again(measurements, changed, deleted_ml)
    return left, changed, measured | {"n_deleted": len(deleted), "review": record}, removed


def match_decisions(reading: Reading, kept: pd.DataFrame) -> dict[int, Mapping[str, Any]]:
    """Find the lesions that a reader's decisions are about, by place and volume.

    Parameters
    ----------
    reading : Reading
        The decisions.
    kept : pandas.DataFrame
        Lesions of the mask as it is now: lesion, volume_ml and the centroid.

    Returns
    -------
    dict of int to mapping
        Number of the lesion -> the decision about it. Each decision is about one lesion, each
        lesion has one decision: the nearest.
    """
    pairs = []
    for decision in reading.lesions:
        for row in kept.to_dict("records"):
            distance = math.dist([decision[c] for c in CENTROID], [row[c] for c in CENTROID])
            diameter_mm = 2 * (row["volume_ml"] * 1000 * 3 / (4 * math.pi)) ** (1 / 3)
            ratio = decision["volume_ml"] / row["volume_ml"]
            near = distance <= max(NEAR_MM, NEAR_SHARE * diameter_mm)
            if near and 1 / VOLUME_RATIO <= ratio <= VOLUME_RATIO:
                pairs.append((distance, int(row["lesion"]), decision))
    found: dict[int, Mapping[str, Any]] = {}
    for _, number, decision in sorted(pairs, key=lambda pair: pair[:2]):
        if number not in found and decision not in found.values():
            found[number] = decision
    return found


def _common_deletions(found: Sequence[Mapping[int, Mapping[str, Any]]]) -> dict[int, str]:
    """The lesions that all of these readers delete, with their reasons."""
    deletions = [
        {n: lesion["reason"].strip() for n, lesion in of.items() if lesion["decision"] == DELETE}
        for of in found
    ]
    if not deletions:
        return {}
    common = set.intersection(*map(set, deletions))
    return {n: "; ".join(dict.fromkeys(of[n] for of in deletions)) for n in sorted(common)}


def _exclusion(deciding: Sequence[Reading]) -> str | None:
    """Who excludes the scan and why; None unless all who decide do."""
    if not deciding or any(reading.decision != EXCLUDE for reading in deciding):
        return None
    readers = " and ".join(reading.reader for reading in deciding)
    return f"{readers}: {'; '.join(dict.fromkeys(reading.reason for reading in deciding))}"


def _differ(deciding: Sequence[Reading], found: Mapping[str, Mapping[int, Mapping]]) -> bool:
    """Whether readers differ in what becomes of the scan, or of a lesion."""
    outcomes = {
        (
            reading.decision,
            frozenset(n for n, row in found[reading.file].items() if row["decision"] == DELETE),
        )
        for reading in deciding
    }
    return len(outcomes) > 1


def _reading_row(reading: Reading, found: Mapping[int, Mapping], mask_sha256: str) -> dict:
    return {
        "file": reading.file,
        "reader": reading.reader,
        "date": reading.date,
        "decision": reading.decision,
        "reason": reading.reason,
        "note": reading.note,
        "decides": reading.decides,
        "current_mask": reading.mask_sha256 in ("", mask_sha256),
        "lesions": {str(number): row["decision"] for number, row in sorted(found.items())},
    }


def _without(labelled: sitk.Image, numbers: list[int]) -> tuple[sitk.Image, sitk.Image | None]:
    """The image without these lesions, and an image of them alone."""
    if not numbers:
        return labelled, None
    voxels = sitk.GetArrayFromImage(labelled)
    gone = np.isin(voxels, numbers)
    images = []
    for of in (~gone, gone):
        image = sitk.GetImageFromArray(np.where(of, voxels, 0).astype(voxels.dtype))
        image.CopyInformation(labelled)
        images.append(image)
    return images[0], images[1]


def _measured_again(
    measurements: Mapping[str, Any], table: pd.DataFrame, deleted_ml: float
) -> dict[str, Any]:
    """The measurements once lesions are gone."""
    kept = table[table["kept"].astype(bool)]
    lesion_ml = max(0.0, measurements["lesion_ml"] - deleted_ml)
    liver_ml = measurements["liver_ml"]
    return {
        **measurements,
        "lesion_ml": lesion_ml,
        "burden": lesion_ml / liver_ml if liver_ml else measurements["burden"],
        "lesion_hu": float(kept["mean_hu"].mean()) if len(kept) else None,
        "n_lesions": len(kept),
        "n_dropped": len(table) - len(kept),
    }
