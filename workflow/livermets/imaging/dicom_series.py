"""One CT series out of a folder: pydicom reads the headers, GDCM (in SimpleITK) the voxels."""

import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk

from livermets.core.errors import BadPatient
from livermets.imaging.dicom_geometry import shown, stack, straighten
from livermets.imaging.geometry import orthonormal
from livermets.imaging.inclusion import phase_at, phase_of
from livermets.imaging.volumes import quiet_itk

# what lies beside the slices of an export and is no image of the scan
COMPANIONS = {"SEG", "RTSTRUCT", "RTDOSE", "RTPLAN", "SR", "PR", "KO", "REG", "DOC"}
IMPLICIT = pydicom.uid.ImplicitVRLittleEndian
Header = tuple[Path, pydicom.Dataset | None]


def read_series(
    folder: Path, patient: str, chosen: Path | None = None, resample_tilt: bool = False
) -> tuple[sitk.Image, dict[str, object]]:
    """The CT series of a folder as an image in HU (float32), slices sorted by their positions.

    `chosen` is a file of the wanted series where the folder holds more than one. Localisers,
    structure sets, reports and files that are not DICOM are passed over and counted. The facts
    are of the acquisition alone: no names, dates, UIDs or free text. Raises BadPatient where the
    folder does not hold one whole CT; the messages name no folder, which exports call by patients.
    """
    with warnings.catch_warnings():  # pydicom's remarks on values that break the standard
        warnings.simplefilter("ignore")
        headers = _headers(folder, patient)
        slices = _one_series(headers, patient, chosen)
        files, steps, origin, lean = stack(slices, patient, resample_tilt)
        facts = {**_facts(slices[0][1]), "ignored_files": len(headers) - len(slices)}
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(file) for file in files])
    reader.SetOutputPixelType(sitk.sitkFloat32)  # the rescaling may differ between slices
    try:
        with quiet_itk():
            image = reader.Execute()
    except RuntimeError as error:  # what every GDCM failure arrives as
        raise BadPatient(
            patient,
            "the slices cannot be decoded",
            "Export the series again, uncompressed",
        ) from error
    directions, facts["orthonormalised"] = orthonormal(steps)
    image.SetOrigin(origin.tolist())
    image.SetSpacing(np.linalg.norm(steps, axis=0).tolist())
    image.SetDirection(directions.ravel().tolist())
    if lean is not None:
        image = straighten(image, lean)
        facts["tilt_corrected_mm"] = round(float(np.linalg.norm(lean)) * (len(files) - 1), 3)
    return image, facts


def _headers(folder: Path, patient: str) -> list[Header]:
    """Every file directly in the folder with its header, None where it is not DICOM."""
    files = sorted(file for file in folder.iterdir() if file.is_file())
    headers = [(file, _header(file, patient)) for file in files]
    if not any(header for _, header in headers):
        inner = sum(sub.is_dir() for sub in folder.iterdir())
        hint = f" ({inner} folder{'s' * (inner > 1)} within it, not looked into)" if inner else ""
        raise BadPatient(
            patient,
            f"there is no DICOM file in the folder of the CT{hint}",
            "Name the folder that directly holds the slices",
        )
    return headers


def _header(file: Path, patient: str) -> pydicom.Dataset | None:
    try:
        header = pydicom.dcmread(file, force=True)  # a file may lack the preamble
        identified = bool(header.get("SOPClassUID") or header.get("Modality"))
    except Exception:  # pydicom raises anything on a file that is not DICOM
        identified = False
    if identified and _whole(header):
        if "PixelData" in header:
            del header.PixelData  # a scan's worth of them would fill the memory
        return header
    if identified or file.suffix.lower() in (".dcm", ".ima", ".dicom"):
        raise BadPatient(
            patient,
            f"the DICOM file {shown(file)} is damaged or cut short",
            "Export or copy it again",
        )
    return None


def _whole(header: pydicom.Dataset) -> bool:
    """Whether an uncompressed image has all its bytes; what is compressed, the decoder judges."""
    if "Rows" not in header or header.get("Modality") in COMPANIONS:
        return header.get("Modality") is not None
    syntax = (getattr(header, "file_meta", None) or {}).get("TransferSyntaxUID", IMPLICIT)
    if syntax.is_compressed:
        return "PixelData" in header
    bits = header.Rows * header.Columns * header.BitsAllocated * header.get("SamplesPerPixel", 1)
    bits *= int(header.get("NumberOfFrames") or 1)
    return "PixelData" in header and len(header.PixelData) >= bits // 8


def _one_series(
    headers: list[Header], patient: str, chosen: Path | None
) -> list[tuple[Path, pydicom.Dataset]]:
    """The slices of the folder's one CT series, or of the one that `chosen` belongs to."""
    images = [
        (file, header)
        for file, header in headers
        if header
        and "Rows" in header
        and header.get("Modality") not in COMPANIONS
        and _kind(header) != "localiser"
    ]
    if chosen:
        wanted = {header.get("SeriesInstanceUID") for file, header in images if file == chosen}
        images = [entry for entry in images if entry[1].get("SeriesInstanceUID") in wanted]
    if not images:
        kinds = Counter(_kind(header) for _, header in headers if header)
        raise BadPatient(
            patient,
            f"{shown(chosen) if chosen else 'the folder of the CT'} holds no CT slices, only "
            f"{_count(kinds)}",
            "Name the folder of the portal venous CT series",
        )
    kinds = Counter(_kind(header) for _, header in images)
    if set(kinds) != {"CT"}:
        raise BadPatient(
            patient,
            f"the folder of the CT holds images that are not CT ({_count(kinds)})",
            "Leave only the CT series in the folder, or name one file of that series",
        )
    series = Counter(header.get("SeriesInstanceUID") for _, header in images)
    if len(series) > 1:
        counts = " and ".join(str(n) for n in sorted(series.values(), reverse=True))
        raise BadPatient(
            patient,
            f"the folder of the CT holds {len(series)} series ({counts} slices)",
            "Give each series a folder of its own, or name one file of the wanted series",
        )
    return images


def _kind(header: pydicom.Dataset) -> str:
    if "LOCALIZER" in (header.get("ImageType") or []):
        return "localiser"
    return str(header.get("Modality") or "unknown")


def _count(kinds: Counter) -> str:
    return ", ".join(f"{n} {kind}" for kind, n in kinds.most_common())


def _facts(header: pydicom.Dataset) -> dict[str, object]:
    """What a reader of the study wants to know of the acquisition, and no more."""
    kernel = header.get("ConvolutionKernel")
    if isinstance(kernel, pydicom.multival.MultiValue):
        kernel = "/".join(map(str, kernel))
    return {
        "slice_thickness_mm": _optional(header.get("SliceThickness"), float),
        "kernel": _optional(kernel, str),
        "manufacturer": _optional(header.get("Manufacturer"), str),
        "model": _optional(header.get("ManufacturerModelName"), str),
        "kvp": _optional(header.get("KVP"), float),
        "phase": phase_of(header.get("SeriesDescription"), header.get("ProtocolName"))
        or phase_at(header.get("ContrastBolusStartTime"), header.get("AcquisitionTime")),
        "contrast": True if header.get("ContrastBolusAgent") else None,  # silence is not "none"
    }


def _optional(value: object, kind: type) -> object:
    return kind(value) if value not in (None, "") else None
