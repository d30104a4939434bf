"""DICOM headers: how a scan was acquired, without anything that identifies a person."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pydicom

from livermets.imaging.contrast_phase import contrast_phase

# Modalities of files that lie beside the slices of an export and are no images of the scan
NON_IMAGE_MODALITIES = {"SEG", "RTSTRUCT", "RTDOSE", "RTPLAN", "SR", "PR", "KO", "REG", "DOC"}

# Tags that give the voxels of a series their meaning, and whether a slice without the tag differs
# from those with it
VOXEL_TAGS = {
    "RescaleSlope": True,
    "RescaleIntercept": True,
    "PixelRepresentation": True,
    "PhotometricInterpretation": True,
    "KVP": False,
    "ConvolutionKernel": False,
}


def read_acquisition(header: pydicom.Dataset) -> dict[str, object]:
    """How a series was acquired; None for what its header does not state.

    Parameters
    ----------
    header : pydicom.Dataset
        Header of one slice.

    Returns
    -------
    dict
        slice_thickness_mm, kernel, manufacturer, model, kvp, phase (see `contrast_phase`) and
        contrast: True or None, since a header without a contrast agent does not say "none given".
    """
    kernel = header.get("ConvolutionKernel")
    if isinstance(kernel, pydicom.multival.MultiValue):
        kernel = "/".join(map(str, kernel))
    return {
        "slice_thickness_mm": _optional(header.get("SliceThickness"), float),
        "kernel": _optional(kernel, str),
        "manufacturer": _optional(header.get("Manufacturer"), str),
        "model": _optional(header.get("ManufacturerModelName"), str),
        "kvp": _optional(header.get("KVP"), float),
        "phase": contrast_phase(header),
        "contrast": True if header.get("ContrastBolusAgent") else None,
    }


def differing_tag(headers: Sequence[pydicom.Dataset]) -> tuple[str, int] | None:
    """The first tag of `VOXEL_TAGS` in which the slices of a series differ, None if they agree.

    Returns
    -------
    tuple of str and int, or None
        The tag, and the position of the first slice that has not the most common value.
    """
    for key, required in VOXEL_TAGS.items():
        values = [_comparable(header.get(key)) for header in headers]
        counts = Counter(value for value in values if required or value)
        if len(counts) > 1:
            usual = counts.most_common(1)[0][0]
            odd = (value != usual and bool(required or value) for value in values)
            return key, list(odd).index(True)
    return None


def image_type(header: pydicom.Dataset) -> list[str]:
    """The values of ImageType in upper case, such as ORIGINAL, PRIMARY, AXIAL."""
    values = header.get("ImageType") or []
    return [str(value).upper() for value in ([values] if isinstance(values, str) else values)]


def display_name(file: Path) -> str:
    """A file name for messages: UIDs, which identify a person, are cut to their last six digits."""
    return re.sub(r"\d+(\.\d+){4,}", lambda uid: f"…{uid[0][-6:]}", file.name)


def _comparable(value: object) -> str:
    """A value as text that is equal for equal values: "1" and "1.0", "Br40" of one value or two."""
    text = "/".join(map(str, value)) if isinstance(value, pydicom.multival.MultiValue) else value
    try:
        return f"{float(str(text)):.10g}"
    except ValueError:
        return "" if text is None else str(text).strip()


def _optional(value: object, convert: type) -> object:
    return convert(value) if value not in (None, "") else None
