"""The mask the study goes on with: a reader's correction, else the given one, else the automatic.

Nothing here writes: what a reader made stays as it is.
"""

import hashlib
import re
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from livermets.core.errors import BadPatient
from livermets.imaging.ct import voxel_hash
from livermets.imaging.geometry import onto_grid
from livermets.imaging.nifti_nrrd import read_volume
from livermets.imaging.volumes import is_dicom
from livermets.masks.labels import LABEL_VALUES, Label
from livermets.study.corrections import find_correction, find_sidecar, read_sidecar

LESION_NAME = re.compile(r"lesion|tumou?r|metasta|\bmets?\b", re.IGNORECASE)
LIVER_NAME = re.compile(r"liver|hepar", re.IGNORECASE)
LIVER_HU = (-200, 600)  # no liver lies beyond; air, lung or bone under the mask does


def final_mask(
    patient: str,
    ct: sitk.Image,
    automatic: sitk.Image | None,
    given: Path | None,
    corrections: Path | None,
    mask_labels: dict,
) -> tuple[sitk.Image, dict]:
    """The mask on the grid of the CT (uint8: 0 background, 1 liver, 2 lesion) and its record.

    Parameters
    ----------
    automatic : the model's segmentation with those same labels, None where there is none
    given : the mask named in the sheet
    corrections : folder of corrected masks, `{patient}.nii.gz`, `.nii`, `.nrrd`, `.seg.nrrd` or
        `.dcm` (DICOM-SEG), and of `{patient}.json`, which says who corrected them; None asks for
        the mask before correction
    mask_labels : values of given and corrected masks, e.g. `{liver: 1, lesion: 2}`; a role may
        have a list of values; `ignore` lists further values (or names of segments), or is "all"

    Returns
    -------
    The mask and a dictionary for JSON: source (corrected, given or automatic), file (its name),
    sha256 (of the file, or of the automatic voxels), geometry (equal or resampled), correction
    (reader, tool, date, note, where they are said, else null), dice_liver and
    dice_lesion against the automatic mask (null without one, or where both are empty), liver_ml
    (lesions included), lesion_ml.

    Raises
    ------
    BadPatient : unreadable, of another scan, with unknown labels, or without a liver
    """
    corrected = find_correction(corrections, patient) if corrections else None
    path = corrected or given
    if path is not None:
        source = "corrected" if corrected else "given"
        what = f"{source} mask"
        own = read_mask(Path(path), patient, mask_labels, what)
        digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    elif automatic is not None:
        source, what = "automatic", "automatic mask"
        own, digest = _painted(automatic, patient, LABEL_VALUES, what), voxel_hash(automatic)
    else:
        raise BadPatient(
            patient,
            "there is no mask: none given, none corrected, and no segmentation model",
            "Name a mask in the sheet, or a model under `segmentation: models`",
        )
    mask, geometry = onto_grid(own, ct, patient, what)
    _refuse_wrong_place(mask, ct, patient, what)
    volume_ml = np.prod(mask.GetSpacing()) / 1000
    voxels = sitk.GetArrayViewFromImage(mask)
    record = {
        "source": source,
        "file": Path(path).name if path else None,
        "sha256": digest,
        "geometry": geometry,
        "correction": None,
        "dice_liver": None,
        "dice_lesion": None,
        "liver_ml": round(float((voxels > 0).sum() * volume_ml), 6),
        "lesion_ml": round(float((voxels == Label.LESION).sum() * volume_ml), 6),
    }
    if corrected and (sidecar := find_sidecar(corrections, patient)):
        record["correction"] = read_sidecar(sidecar, patient)
    if automatic is not None:
        before = sitk.GetArrayFromImage(onto_grid(automatic, ct, patient, "automatic mask")[0])
        record["dice_liver"] = dice(voxels > 0, before > 0)
        record["dice_lesion"] = dice(voxels == Label.LESION, before == Label.LESION)
    return mask, record


def dice(a: np.ndarray, b: np.ndarray) -> float | None:
    """Dice's overlap of two boolean arrays (10.2307/1932409), None where both are empty."""
    total = int(a.sum()) + int(b.sum())
    return round(2 * int((a & b).sum()) / total, 6) if total else None


def read_mask(path: Path, patient: str, mask_labels: dict, what: str = "mask") -> sitk.Image:
    """A mask file on its own grid as uint8: 0 background, 1 liver, 2 lesion.

    Segments of 3D Slicer (`.seg.nrrd`) go by their names where these say liver or lesion (tumour,
    metastasis), in any layer, those of DICOM-SEG always; all other masks go by `masks.labels`.
    Lesions win over the liver.
    """
    if path.is_file() and is_dicom(path):
        from livermets.masks.dicom_seg import read_dicom_seg  # highdicom, which few patients need

        image, segments = read_dicom_seg(path, patient, what)
    else:
        image, _ = read_volume(path, patient, what, layers=True)
        segments = _segments(image)
    named = [segment for segment in segments if _role(segment["Name"])]
    if not named and not is_dicom(path):
        return _painted(image, patient, mask_labels, what)
    ignore = mask_labels.get("ignore", [])
    strangers = [
        segment["Name"]
        for segment in segments
        if segment not in named
        and ignore != "all"
        and not {segment["Name"], segment["LabelValue"]} & set(ignore)
    ]
    if strangers:
        raise BadPatient(
            patient,
            f"the {what} {path.name} has segments that are neither liver nor lesion:"
            f" {', '.join(strangers)}",
            "Rename them in 3D Slicer (liver, lesion), or list them under `masks.labels: ignore`",
        )
    layers = _layers(image)
    painted = np.zeros(layers[0].shape, np.uint8)
    for segment in sorted(named, key=lambda segment: _role(segment["Name"])):
        here = layers[segment["Layer"]] == segment["LabelValue"]
        painted[here] = _role(segment["Name"])
    return _as_mask(painted, image, patient, f"{what} {path.name}")


def _segments(image: sitk.Image) -> list[dict]:
    """Name, LabelValue and Layer of each segment that 3D Slicer wrote into the header."""
    keys = image.GetMetaDataKeys()
    numbers = sorted(int(m[1]) for key in keys if (m := re.fullmatch(r"Segment(\d+)_Name", key)))

    def value(number: int, key: str, otherwise: str) -> str:
        key = f"Segment{number}_{key}"
        return image.GetMetaData(key) if image.HasMetaDataKey(key) else otherwise

    return [
        {
            "Name": value(number, "Name", ""),
            "LabelValue": int(value(number, "LabelValue", "1")),
            "Layer": int(value(number, "Layer", "0")),
        }
        for number in numbers
    ]


def _role(name: str) -> int:
    """2 for the name of a lesion ("liver tumour" is one), 1 for a liver, 0 for anything else."""
    return (
        Label.LESION if LESION_NAME.search(name) else Label.LIVER if LIVER_NAME.search(name) else 0
    )


def _layers(image: sitk.Image) -> list[np.ndarray]:
    voxels = sitk.GetArrayViewFromImage(image)
    return list(np.moveaxis(voxels, -1, 0)) if voxels.ndim == 4 else [voxels]


def _painted(image: sitk.Image, patient: str, mask_labels: dict, what: str) -> sitk.Image:
    """Values of a plain mask turned into roles; BadPatient for values that nobody declared."""
    layers = _layers(image)
    wanted = {role: np.atleast_1d(mask_labels.get(role, [])).tolist() for role in LABEL_VALUES}
    ignore = mask_labels.get("ignore", [])
    painted = np.zeros(layers[0].shape, np.uint8)
    for layer in layers:
        present = _values(layer, patient, what)
        known = {0, *wanted["liver"], *wanted["lesion"], *(() if ignore == "all" else ignore)}
        if ignore != "all" and present - known:
            values = ", ".join(map(str, sorted(present - known)))
            raise BadPatient(
                patient,
                f"the {what} has the unknown label values {values}",
                "Say under `masks.labels` which value is liver and which lesion, and `ignore` the"
                " others",
            )
        painted[np.isin(layer, wanted["liver"]) & (painted != Label.LESION)] = Label.LIVER
        painted[np.isin(layer, wanted["lesion"])] = Label.LESION
    return _as_mask(painted, image, patient, what)


def _values(layer: np.ndarray, patient: str, what: str) -> set[int]:
    if np.issubdtype(layer.dtype, np.floating) and not (layer == np.rint(layer)).all():
        raise BadPatient(
            patient,
            f"the {what} holds fractions or NaN, so it is no label map",
            "Save it as integer labels (resample masks by nearest neighbour)",
        )
    return {int(value) for value in np.unique(layer)}


def _as_mask(painted: np.ndarray, image: sitk.Image, patient: str, what: str) -> sitk.Image:
    if not (painted == Label.LIVER).any():
        raise BadPatient(
            patient,
            f"the {what} has no liver",
            "Draw the liver, or correct `masks.labels: liver` if it has another value",
        )
    mask = sitk.GetImageFromArray(painted)
    mask.CopyInformation(image)
    return mask


def _refuse_wrong_place(mask: sitk.Image, ct: sitk.Image, patient: str, what: str) -> None:
    """A mask flipped or shifted onto lung, air or bone, or a CT that is not in HU."""
    liver = sitk.GetArrayViewFromImage(mask) == Label.LIVER
    if not liver.any():
        raise BadPatient(
            patient, f"the {what} has no liver inside the CT", "Give the mask drawn on this CT"
        )
    median = float(np.median(sitk.GetArrayViewFromImage(ct)[liver]))
    if not LIVER_HU[0] <= median <= LIVER_HU[1]:
        raise BadPatient(
            patient,
            f"the median under the liver of the {what} is {median:.0f} HU, which no liver has",
            "Check that the mask lies on the liver and that the CT is in HU",
        )
