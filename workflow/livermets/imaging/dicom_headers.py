"""DICOM headers: how a scan was acquired, without anything that identifies a person."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.multival import MultiValue
from pydicom.uid import JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless

from livermets.imaging.contrast_phase import contrast_phase

# Modalities of files that lie beside the slices of an export and are no images of the scan
NON_IMAGE_MODALITIES = {"SEG", "RTSTRUCT", "RTDOSE", "RTPLAN", "SR", "PR", "KO", "REG", "DOC"}

LOSSY_SYNTAXES = (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless)  # always lossy

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


class FrameHeader(pydicom.Dataset):
    """The header of one frame of a multi-frame file, as a classic slice would have it.

    `number` is the place of the frame in the file, from 1.
    """

    number: int


def read_header(
    file: Path, tags: Sequence[str] | None = None, pixels: bool = False
) -> pydicom.Dataset | None:
    """Read the header of a DICOM file, with or without the preamble; None if it is not DICOM.

    Parameters
    ----------
    file : Path
        The file.
    tags : sequence of str, optional
        The tags to keep, SOPClassUID or Modality among them. Default: all.
    pixels : bool
        Whether to keep the pixels too, which fill the memory.

    Raises
    ------
    OSError
        The file cannot be opened: no permission, or a link to nowhere.
    """
    kept = None if tags is None else list(tags)
    with file.open("rb") as stream:
        try:
            header = pydicom.dcmread(
                stream, force=True, stop_before_pixels=not pixels, specific_tags=kept
            )
            return header if header.get("SOPClassUID") or header.get("Modality") else None
        except Exception:  # pydicom raises errors of any kind on a file that is not DICOM
            return None


def read_acquisition(header: pydicom.Dataset) -> dict[str, object]:
    """How a series was acquired; None for what its header does not state.

    Parameters
    ----------
    header : pydicom.Dataset
        Header of one slice.

    Returns
    -------
    dict
        None too where a value is unreadable, such as "3,0", since these tags are only reported:
        slice_thickness_mm, kernel, manufacturer, model, kvp, phase (see `contrast_phase`) and
        contrast and lossy_compression: True or None, since a header that does not state them does
        not deny them.
    """
    kernel = value_of(header, "ConvolutionKernel")
    if isinstance(kernel, MultiValue):
        kernel = "/".join(map(str, kernel))
    return {
        "slice_thickness_mm": _optional(value_of(header, "SliceThickness"), float),
        "kernel": _optional(kernel, str),
        "manufacturer": _optional(value_of(header, "Manufacturer"), str),
        "model": _optional(value_of(header, "ManufacturerModelName"), str),
        "kvp": _optional(value_of(header, "KVP"), float),
        "phase": contrast_phase(header),
        "contrast": True if value_of(header, "ContrastBolusAgent") else None,
        "lossy_compression": True if is_lossy(header) else None,
    }


def is_localiser(header: pydicom.Dataset) -> bool:
    """Whether an image is a localiser (scout, topogram)."""
    return "LOCALIZER" in image_type(header)


def lacks_preamble(file: Path) -> bool:
    """Whether a file is an image in DICOM without the preamble, as some archives write them."""
    header = read_header(file, ["SOPClassUID", "Rows"])
    return header is not None and bool(value_of(header, "Rows"))


def value_of(header: pydicom.Dataset, key: str) -> Any:
    """The value of a tag, None if it is missing, empty, or has bytes that are no value."""
    try:
        value = header.get(key)
    except Exception:  # pydicom decodes a tag when it is read, and raises errors of any kind
        return None
    return None if value is None or value == "" else value


def geometry_tag(file: Path, header: pydicom.Dataset, key: str, count: int) -> np.ndarray:
    """The numbers of a tag that the geometry of a CT needs.

    Raises
    ------
    ValueError
        The tag is missing or is not `count` finite numbers; the message names tag and file.
    """
    value = value_of(header, key)
    if value is None:
        raise ValueError(f"the slice {display_name(file, header)} has no {key}")
    if (numbers := numbers_of(value, count)) is None:
        text = "\\".join(map(str, value)) if isinstance(value, MultiValue) else value
        wanted = "a number" if count == 1 else f"{count} numbers"
        name = display_name(file, header)
        raise ValueError(f'{key} of the slice {name} is "{text}", not {wanted}')
    return numbers


def numbers_of(value: object, count: int) -> np.ndarray | None:
    """`count` finite numbers of a DICOM value, None if it is anything else."""
    try:
        numbers = np.atleast_1d(np.array(value, float))
    except (TypeError, ValueError):
        return None
    return numbers if numbers.shape == (count,) and np.isfinite(numbers).all() else None


def voxel_values(header: pydicom.Dataset) -> tuple[str, ...]:
    """The values of `VOXEL_TAGS` as texts that are equal for equal values."""
    return tuple(_comparable(value_of(header, key)) for key in VOXEL_TAGS)


def differing_tag(slices: Sequence[tuple[str, ...]]) -> tuple[str, int] | None:
    """The first tag of `VOXEL_TAGS` in which the slices of a series differ, None if they agree.

    Parameters
    ----------
    slices : sequence of tuple of str
        `voxel_values` of each slice.

    Returns
    -------
    tuple of str and int, or None
        The tag, and the position of the first slice that has not the most common value.
    """
    for column, (key, required) in enumerate(VOXEL_TAGS.items()):
        values = [values_of_slice[column] for values_of_slice in slices]
        counts = Counter(value for value in values if required or value)
        if len(counts) > 1:
            usual = counts.most_common(1)[0][0]
            odd = (value != usual and bool(required or value) for value in values)
            return key, list(odd).index(True)
    return None


def image_type(header: pydicom.Dataset) -> list[str]:
    """The values of ImageType in upper case, such as ORIGINAL, PRIMARY, AXIAL."""
    values = value_of(header, "ImageType") or []
    return [str(value).upper() for value in ([values] if isinstance(values, str) else values)]


def display_name(file: Path, header: pydicom.Dataset | None = None) -> str:
    """A file name for messages, with the number of the frame if the header is that of a frame.

    UIDs, which identify a person, are cut to their last six digits.
    """
    name = re.sub(r"\d+(\.\d+){4,}", lambda uid: f"…{uid[0][-6:]}", file.name)
    return f"{name} (frame {header.number})" if isinstance(header, FrameHeader) else name


def is_lossy(header: pydicom.Dataset) -> bool:
    """Whether an image was once compressed with loss, by its tag or by its transfer syntax."""
    meta = getattr(header, "file_meta", None)
    syntax = meta.get("TransferSyntaxUID") if meta else None
    return str(value_of(header, "LossyImageCompression") or "") == "01" or syntax in LOSSY_SYNTAXES


def _comparable(value: object) -> str:
    """A value as text that is equal for equal values: "1" and "1.0", "Br40" of one value or two."""
    text = "/".join(map(str, value)) if isinstance(value, MultiValue) else value
    try:
        return f"{float(str(text)):.10g}"
    except ValueError:
        return "" if text is None else str(text).strip()


def _optional(value: object, convert: type) -> object:
    """The value as text, or as a finite number; None if it is missing or unreadable."""
    if convert is float:
        numbers = numbers_of(value, 1)
        return None if numbers is None else float(numbers[0])
    return None if value is None else convert(value)
