"""Mask files of any program, read as one label map: NIfTI, NRRD, 3D Slicer, DICOM-SEG."""

import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import SimpleITK as sitk

from livermets.core.errors import BadPatient
from livermets.imaging.nifti_nrrd import read_volume
from livermets.imaging.volumes import is_dicom
from livermets.masks.labels import LABEL_VALUES, MIN_PROBABILITY, Label

logger = logging.getLogger(__name__)
LESION_NAME = re.compile(r"lesion|tumou?r|metasta|\bmets?\b", re.IGNORECASE)
# "healthy liver (no tumor)", "Liver without any lesions", "tumor-free liver", "peritumoral liver"
NO_LESION = re.compile(
    rf"\b(no|non|not|without|w/o|minus|excl\w*|except|ohne)\b[\s.-]*(\w+\s+)?({LESION_NAME.pattern})"
    rf"|({LESION_NAME.pattern})\w*[\s-]*free\b|peri-?tumou?r",
    re.IGNORECASE,
)
AUTOMATIC_NAME = re.compile(
    r"(segment)?[\s_]*\d*", re.IGNORECASE
)  # that 3D Slicer gives: Segment_1
LIVER_NAME = re.compile(r"liver|hepar", re.IGNORECASE)

MAX_LABELS = 200  # that nobody declared; programs that label every organ have some 120
NAMES_EXAMPLE = 'under `masks.labels`, such as `liver: ["parenchyma"]` and `lesion: ["M1", "M2"]`'


class MaskSegment(NamedTuple):
    """One segment of a segmentation file: its name, its voxel value, and the layer it lies in."""

    name: str
    value: int
    layer: int

    @property
    def label(self) -> Label:
        """The label that the name stands for: "liver tumour" is a lesion, "spleen" background."""
        words = self.name.replace("_", " ")
        if LESION_NAME.search(NO_LESION.sub("", words)):
            return Label.LESION
        return Label.LIVER if LIVER_NAME.search(words) else Label.BACKGROUND


def read_mask(
    path: Path,
    patient: str,
    mask_labels: Mapping[str, Any],
    name: str = "mask",
    needs_liver: bool = True,
) -> sitk.Image:
    """Read a mask file on its own grid.

    Segments of DICOM-SEG and 3D Slicer (`.seg.nrrd`) are told by their layer and value, and
    recognised by their names: those in `mask_labels`, and those that say liver or lesion (or
    tumour, metastasis). Segments that 3D Slicer named itself ("Segment_1") and that share no
    value are read by the values in `mask_labels`, as all masks without names are. Where both
    overlap, a voxel is lesion.

    Probabilities (a FRACTIONAL DICOM-SEG, or fractions between 0 and 1 in a NIfTI or NRRD file)
    are 1 from `MIN_PROBABILITY` on and 0 below, which the log says.

    Parameters
    ----------
    path : Path
        NIfTI, NRRD, `.seg.nrrd` or DICOM-SEG file.
    patient : str
        The patient's id, for messages.
    mask_labels : mapping
        `masks: labels` of the configuration: the value or values of liver and lesion, or names of
        segments, and further values or names to `ignore` (or "all").
    name : str
        The file as messages call it.
    needs_liver : bool
        Refuse a mask without a liver; a crop around a lesion has none.

    Returns
    -------
    SimpleITK.Image
        uint8 with the values of `Label`.

    Raises
    ------
    BadPatient
        The file is missing, damaged or without a liver, or has labels that nobody declared.
    """
    if path.is_file() and is_dicom(path):
        # highdicom takes a second to load, and few patients need it
        from livermets.masks.dicom_seg import read_dicom_seg

        image, names = read_dicom_seg(path, patient, name)
        segments = [MaskSegment(title, 1, layer) for layer, title in enumerate(names)]
        values_tell = False  # DICOM numbers segments in any order
    else:
        image, _ = read_volume(path, patient, name, layers=True)
        image = _cut_probabilities(image, patient, f"{name} {path.name}")
        segments = _slicer_segments(image)
        values_tell = all(AUTOMATIC_NAME.fullmatch(segment.name) for segment in segments)
        values_tell &= len({segment.value for segment in segments}) == len(segments)
    labels = [_label_of(segment, mask_labels) for segment in segments]
    if not any(labels):
        if not values_tell:
            raise _unknown_segments(segments, patient, f"{name} {path.name}")
        if segments:
            logger.warning(
                "patient %s: no segment of the %s %s has a name, so its values decide",
                *(patient, name, path.name),
            )
        return map_labels(image, patient, mask_labels, name, needs_liver)
    ignore = mask_labels.get("ignore", [])
    if ignore != "all":
        others = [s for s, label in zip(segments, labels, strict=True) if not label]
        _refuse_other_segments(others, ignore, patient, f"{name} {path.name}")
    layers = _layers(image)
    voxels = np.zeros(layers[0].shape, np.uint8)
    for label in (Label.LIVER, Label.LESION):  # lesions over the liver
        for segment in (s for s, its in zip(segments, labels, strict=True) if its == label):
            voxels[layers[segment.layer] == segment.value] = label
    return _as_mask(voxels, image, patient, f"{name} {path.name}", needs_liver)


def map_labels(
    image: sitk.Image,
    patient: str,
    mask_labels: Mapping[str, Any],
    name: str,
    needs_liver: bool = True,
) -> sitk.Image:
    """Translate the values of a mask into those of `Label`; see `read_mask` for the arguments."""
    layers = _layers(image)
    values = {
        label: [value for value in _as_list(mask_labels.get(label)) if not isinstance(value, str)]
        for label in LABEL_VALUES
    }
    ignore = mask_labels.get("ignore", [])
    voxels = np.zeros(layers[0].shape, np.uint8)
    values_of_layers = [_integer_values(layer, patient, name) for layer in layers]
    _refuse_shared_values(values_of_layers, patient, name)
    for layer, present in zip(layers, values_of_layers, strict=True):
        if ignore != "all":
            declared = {0, *values["liver"], *values["lesion"], *ignore}
            _refuse_other_values(present - declared, patient, name)
        voxels[np.isin(layer, values["liver"]) & (voxels != Label.LESION)] = Label.LIVER
        voxels[np.isin(layer, values["lesion"])] = Label.LESION
    return _as_mask(voxels, image, patient, name, needs_liver)


def _slicer_segments(image: sitk.Image) -> list[MaskSegment]:
    """The segments that 3D Slicer wrote into the header of an NRRD file."""
    keys = image.GetMetaDataKeys()
    numbers = sorted(
        int(match[1]) for key in keys if (match := re.fullmatch(r"Segment(\d+)_Name", key))
    )

    def read(number: int, key: str, default: str) -> str:
        key = f"Segment{number}_{key}"
        return image.GetMetaData(key) if image.HasMetaDataKey(key) else default

    return [
        MaskSegment(
            name=read(number, "Name", ""),
            value=int(read(number, "LabelValue", "1")),
            layer=int(read(number, "Layer", "0")),
        )
        for number in numbers
    ]


def _label_of(segment: MaskSegment, mask_labels: Mapping[str, Any]) -> Label:
    """The label that the configuration gives a segment by its name, else what the name says."""
    for label, value in LABEL_VALUES.items():
        if segment.name in _as_list(mask_labels.get(label)):
            return Label(value)
    ignore = mask_labels.get("ignore", [])
    return Label.BACKGROUND if ignore != "all" and segment.name in ignore else segment.label


def _as_list(value: Any) -> list[Any]:
    """One value or several, as the configuration may give them, as a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _unknown_segments(segments: Sequence[MaskSegment], patient: str, name: str) -> BadPatient:
    """The refusal of segments none of which is known as liver or lesion."""
    listed = ", ".join(
        f'"{segment.name}" (layer {segment.layer}, value {segment.value})' for segment in segments
    )
    return BadPatient(
        patient,
        f"no segment of the {name} is known as liver or lesion: {listed}",
        f"Rename them in 3D Slicer (liver, lesion), or give their names {NAMES_EXAMPLE}",
    )


def _refuse_other_segments(
    others: Sequence[MaskSegment], ignore: Sequence[int | str], patient: str, name: str
) -> None:
    names = [segment.name for segment in others if not {segment.name, segment.value} & set(ignore)]
    if names:
        raise BadPatient(
            patient,
            f"the {name} has segments that are neither liver nor lesion: {', '.join(names)}",
            "Rename them in 3D Slicer (liver, lesion), list them under `masks.labels: ignore`,"
            f" or give their names {NAMES_EXAMPLE}",
        )


def _refuse_shared_values(values: Sequence[set[int]], patient: str, name: str) -> None:
    """Refuse layers without names that use one value twice, as one-hot masks do."""
    shared = {value for value in set().union(*values) if sum(value in v for v in values) > 1} - {0}
    if shared:
        raise BadPatient(
            patient,
            f"the {name} holds {len(values)} layers without names that share the value"
            f" {min(shared)}, so that nobody can tell which is the liver",
            "Save one label map (liver 1, lesion 2), or a .seg.nrrd whose segments have names",
        )


def _refuse_other_values(values: set[int], patient: str, name: str) -> None:
    if len(values) > MAX_LABELS or min(values, default=0) < 0:
        raise BadPatient(
            patient,
            f"the {name} has {len(values)} different values, from {min(values)} to {max(values)}:"
            " an image, and no mask",
            "Name the mask, not the CT or another image",
        )
    if values:
        raise BadPatient(
            patient,
            f"the {name} has the unknown label values {', '.join(map(str, sorted(values)))}",
            "Say under `masks.labels` which value is liver and which lesion, and `ignore` the"
            " others",
        )


def _cut_probabilities(image: sitk.Image, patient: str, name: str) -> sitk.Image:
    """A map of probabilities as 0 and 1; any other image as it is."""
    voxels = sitk.GetArrayViewFromImage(image)
    if not np.issubdtype(voxels.dtype, np.floating) or (voxels == np.rint(voxels)).all():
        return image
    if not (voxels.min() >= 0 and voxels.max() <= 1):  # NaN compares as False
        return image
    logger.warning(
        "patient %s: the %s is a map of probabilities; voxels from %g on are mask",
        *(patient, name, MIN_PROBABILITY),
    )
    mask = sitk.GetImageFromArray(
        (voxels >= MIN_PROBABILITY).astype(np.uint8), isVector=voxels.ndim == 4
    )
    mask.CopyInformation(image)
    return mask


def _layers(image: sitk.Image) -> list[np.ndarray]:
    voxels = sitk.GetArrayViewFromImage(image)
    return list(np.moveaxis(voxels, -1, 0)) if voxels.ndim == 4 else [voxels]


def _integer_values(layer: np.ndarray, patient: str, name: str) -> set[int]:
    """The values of one layer; refuses fractions and NaN."""
    if np.issubdtype(layer.dtype, np.floating) and not (layer == np.rint(layer)).all():
        raise BadPatient(
            patient,
            f"the {name} holds fractions or NaN, so it is no label map",
            "Save it as integer labels (resample masks by nearest neighbour)",
        )
    return {int(value) for value in np.unique(layer)}


def _as_mask(
    voxels: np.ndarray, image: sitk.Image, patient: str, name: str, needs_liver: bool
) -> sitk.Image:
    """Labels as an image on the grid of `image`; refuses a mask without a liver that needs one."""
    if needs_liver and not (voxels == Label.LIVER).any():
        raise BadPatient(
            patient,
            f"the {name} has no liver",
            "Draw the liver, or correct `masks.labels: liver` if it has another value (crops"
            " without a liver: `lesions.must_touch_liver: false`)",
        )
    mask = sitk.GetImageFromArray(voxels)
    mask.CopyInformation(image)
    return mask
