"""The mask that the study uses: a reader's correction, else the given mask, else the automatic one.

This module writes no file, so a mask that a reader drew is never changed.
"""

import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from livermets.core.errors import BadPatient
from livermets.imaging.ct import voxel_hash
from livermets.imaging.geometry import describe_grid, onto_grid
from livermets.imaging.volumes import is_dicom
from livermets.masks.labels import LABEL_VALUES, Label
from livermets.masks.mask_files import map_labels, read_mask
from livermets.masks.plausibility import refuse_implausible
from livermets.study.corrections import find_correction, find_sidecar, read_sidecar

logger = logging.getLogger(__name__)


def final_mask(
    patient: str,
    ct: sitk.Image,
    automatic: sitk.Image | None,
    given: Path | None,
    corrections: Path | None,
    mask_labels: Mapping[str, Any],
    accepted: bool = False,
    given_type: str | None = None,
    needs_liver: bool = True,
) -> tuple[sitk.Image, dict[str, Any]]:
    """Choose the mask of a patient and bring it onto the grid of the CT.

    Parameters
    ----------
    patient : str
        The id that messages name and that corrected masks are called by.
    ct : SimpleITK.Image
        The CT in HU.
    automatic : SimpleITK.Image, optional
        The mask of the segmentation model, with the values of `Label`.
    given : Path, optional
        The mask named in the cohort sheet.
    corrections : Path, optional
        Folder of corrected masks, `{patient}.nii.gz`, `.nii`, `.nrrd`, `.seg.nrrd` or `.dcm`
        (DICOM-SEG), and of `{patient}.json`, which states who corrected them. None selects the
        mask before correction.
    mask_labels : mapping
        `masks: labels` of the configuration, for given and corrected masks; see `read_mask`.
    accepted : bool
        Take the mask although no liver looks like it (`masks.plausibility`).
    given_type : {"manual", "semiautomatic", "automatic"}, optional
        How given masks were drawn, if the user said it.
    needs_liver : bool
        Refuse a mask without a liver. Crops around lesions have none, and their lesions need not
        touch one (`lesions.must_touch_liver: false`).

    Returns
    -------
    mask : SimpleITK.Image
        uint8 with the values of `Label`.
    record : dict
        Content of the patient's JSON record: source (corrected, given or automatic), file (its
        name), sha256 (of the file, or of the voxels of an automatic mask), drawn (manual,
        semiautomatic or automatic, None where nobody says it), by_models (whether it is the mask of
        the models, or a correction of it), geometry (equal or resampled),
        original_grid (of a resampled mask, in words, else None), correction (reader, tool, date,
        note, if stated), dice_liver and dice_lesion against the automatic mask (None without one,
        or if both are empty), liver_ml (with lesions; None without a liver) and lesion_ml.

    Raises
    ------
    BadPatient
        There is no mask, or it is unreadable, of another scan, with unknown labels, without a
        liver that it needs, or implausible and not accepted.
    """
    correction = find_correction(corrections, patient) if corrections else None
    path = correction or given
    if path is not None:
        source = "corrected" if correction else "given"
        original = read_mask(Path(path), patient, mask_labels, f"{source} mask", needs_liver)
        sha256 = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    elif automatic is not None:
        source = "automatic"
        if needs_liver:
            _refuse_no_liver(automatic, patient)
        original = map_labels(automatic, patient, LABEL_VALUES, "automatic mask", needs_liver)
        sha256 = voxel_hash(automatic)
    else:
        raise BadPatient(
            patient,
            "there is no mask: none given, none corrected, and no segmentation model",
            "Name a mask in the sheet, or a model under `segmentation: models`",
        )
    mask, geometry = onto_grid(original, ct, patient, f"{source} mask")
    if not needs_liver:
        _refuse_outside(original, mask, patient, f"{source} mask")
    refuse_implausible(ct, mask, patient, f"{source} mask", accepted, needs_liver)
    record: dict[str, Any] = {
        "source": source,
        "file": Path(path).name if path else None,
        "sha256": sha256,
        "drawn": _drawn(source, path, given_type),
        "by_models": automatic is not None and given is None,
        "geometry": geometry,
        "original_grid": describe_grid(original) if geometry == "resampled" else None,
        "correction": None,
        **_volumes_ml(mask),
        **_overlap(mask, automatic, ct, patient),
    }
    if correction and corrections and (sidecar := find_sidecar(corrections, patient)):
        record["correction"] = read_sidecar(sidecar, patient)
    return mask, record


def mask_before_correction(
    patient: str,
    ct: sitk.Image,
    automatic: sitk.Image | None,
    given: Path | None,
    mask_labels: Mapping[str, Any],
    accepted: bool = False,
    needs_liver: bool = True,
) -> sitk.Image | None:
    """Find the mask that a reader corrected, on the grid of the CT.

    It gives lesions their numbers, which a correction does not change. The parameters are those of
    `final_mask`. None where there is no such mask, or the study would refuse it: no reader has seen
    numbers of its lesions.
    """
    try:
        return final_mask(
            *(patient, ct, automatic, given, None, mask_labels, accepted), needs_liver=needs_liver
        )[0]
    except BadPatient as problem:
        logger.info("no lesion keeps its number from before correction: %s", problem)
        return None


def _drawn(source: str, path: Path | None, given_type: str | None) -> str | None:
    """How a mask was drawn, in the words of DICOM; a correction counts as edited by hand."""
    if source == "automatic":
        return "automatic"
    if source == "corrected":
        return "semiautomatic"
    if path is not None and is_dicom(path):
        # highdicom takes a second to load, and few patients need it
        from livermets.masks.dicom_seg import algorithm_type

        return algorithm_type(path) or given_type
    return given_type


def read_automatic(path: Path, patient: str) -> sitk.Image:
    """Read the mask of the segmentation model; refuse the empty file that a failed run leaves."""
    if not path.stat().st_size:
        raise BadPatient(
            patient,
            "the segmentation failed (results/logs/segment says why)",
            f"Put it right, delete {path} and run again, or give a mask",
        )
    return sitk.ReadImage(str(path))


def _refuse_no_liver(automatic: sitk.Image, patient: str) -> None:
    """Refuse an automatic mask without a liver, which no key of the configuration can mend."""
    if not (sitk.GetArrayViewFromImage(automatic) == Label.LIVER).any():
        raise BadPatient(
            patient,
            "the automatic mask has no liver: no model found one",
            "Check that the CT holds the liver and is portal venous, or give a mask",
        )


def _refuse_outside(original: sitk.Image, on_grid: sitk.Image, patient: str, name: str) -> None:
    """Refuse a mask that loses all of its labels on the grid of the CT: it is of another scan."""
    before, after = map(sitk.GetArrayViewFromImage, (original, on_grid))
    if before.any() and not after.any():
        raise BadPatient(
            patient, f"the {name} lies outside the CT", "Give the mask drawn on this CT"
        )


def dice(a: np.ndarray, b: np.ndarray) -> float | None:
    """Dice's overlap of two boolean arrays (10.2307/1932409), None if both are empty."""
    total = int(a.sum()) + int(b.sum())
    return round(2 * int((a & b).sum()) / total, 6) if total else None


def _volumes_ml(mask: sitk.Image) -> dict[str, float | None]:
    voxel_ml = np.prod(mask.GetSpacing()) / 1000
    voxels = sitk.GetArrayViewFromImage(mask)
    has_liver = bool((voxels == Label.LIVER).any())
    return {
        "liver_ml": round(float((voxels > 0).sum() * voxel_ml), 6) if has_liver else None,
        "lesion_ml": round(float((voxels == Label.LESION).sum() * voxel_ml), 6),
    }


def _overlap(
    mask: sitk.Image, automatic: sitk.Image | None, ct: sitk.Image, patient: str
) -> dict[str, float | None]:
    """Dice of liver (with lesions) and of lesions between the final and the automatic mask."""
    if automatic is None:
        return {"dice_liver": None, "dice_lesion": None}
    final = sitk.GetArrayViewFromImage(mask)
    before = sitk.GetArrayFromImage(onto_grid(automatic, ct, patient, "automatic mask")[0])
    return {
        "dice_liver": dice(final > 0, before > 0),
        "dice_lesion": dice(final == Label.LESION, before == Label.LESION),
    }
