"""One CT series of a folder: pydicom reads the headers, GDCM (in SimpleITK) the voxels."""

import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk

from livermets.core.errors import BadPatient
from livermets.imaging.dicom_geometry import Slice, stack_slices, straighten
from livermets.imaging.dicom_headers import (
    NON_IMAGE_MODALITIES,
    FrameHeader,
    differing_tag,
    display_name,
    image_type,
    numbers_of,
    read_acquisition,
    value_of,
)
from livermets.imaging.geometry import orthonormal
from livermets.imaging.multi_frame import frame_headers, read_frames
from livermets.imaging.volumes import quiet_itk

IMPLICIT = pydicom.uid.ImplicitVRLittleEndian
APPLE_DOUBLE = "._"  # macOS leaves a file of attributes beside each file of a foreign disk
Header = tuple[Path, pydicom.Dataset | None]  # a file and its header, None if it is not DICOM


def read_series(
    folder: Path, patient: str, chosen: Path | None = None, resample_tilt: bool = False
) -> tuple[sitk.Image, dict[str, object]]:
    """Read the CT series of a folder, classic or enhanced, with its slices sorted by position.

    Localisers, structure sets, reports and files that are not DICOM are ignored and counted.
    Messages name no folder, since exports name folders by patients.

    Parameters
    ----------
    folder : Path
        Folder that directly holds the slices, or the multi-frame file.
    patient : str
        The id that messages name.
    chosen : Path, optional
        A file of the wanted series, if the folder holds several.
    resample_tilt : bool
        Straighten slices that a tilted gantry shifted.

    Returns
    -------
    image : SimpleITK.Image
        HU as float32, since the rescaling need not give whole numbers.
    record : dict
        The acquisition (see `read_acquisition`), `ignored_files`, `orthonormalised` and, if slices
        were straightened, `tilt_corrected_mm`: no names, dates, UIDs or free text.

    Raises
    ------
    BadPatient
        The folder does not hold one whole CT.
    """
    with warnings.catch_warnings():  # pydicom's remarks on values that break the standard
        warnings.simplefilter("ignore")
        headers = _headers(folder, patient)
        slices = _select_series(headers, patient, chosen)
        _refuse_mixed_slices(slices, patient)
        stack = stack_slices(slices, patient, resample_tilt)
        record = read_acquisition(slices[0][1])
        record["ignored_files"] = len(headers) - len({file for file, _ in slices})
    try:
        with quiet_itk():
            image = _read_voxels(stack.slices)
    except RuntimeError as error:  # every failure of GDCM
        raise BadPatient(
            patient,
            "the slices cannot be decoded",
            "Export the series again, uncompressed",
        ) from error
    directions, record["orthonormalised"] = orthonormal(stack.steps_mm)
    image.SetOrigin(stack.origin_mm.tolist())
    image.SetSpacing(np.linalg.norm(stack.steps_mm, axis=0).tolist())
    image.SetDirection(directions.ravel().tolist())
    if stack.shift_mm is not None:
        image = straighten(image, stack.shift_mm)
        drift = float(np.linalg.norm(stack.shift_mm)) * (len(stack.slices) - 1)
        record["tilt_corrected_mm"] = round(drift, 3)
    return image, record


def _read_voxels(slices: list[Slice]) -> sitk.Image:
    """Sorted slices as one image of float32 in HU, whose geometry is not to be trusted."""
    files = [file for file, _ in slices]
    if any(isinstance(header, FrameHeader) for _, header in slices):
        return read_frames(files, [getattr(header, "number", 1) for _, header in slices])
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(file) for file in files])
    reader.SetOutputPixelType(sitk.sitkFloat32)
    return reader.Execute()


def _headers(folder: Path, patient: str) -> list[Header]:
    """Every file that lies directly in the folder, with its header."""
    files = sorted(file for file in folder.iterdir() if file.is_file())
    headers = [(file, _read_header(file, patient)) for file in files]
    if not any(header for _, header in headers):
        n = sum(path.is_dir() for path in folder.iterdir())
        hint = f" ({n} folder{'s' * (n > 1)} within it, not looked into)" if n else ""
        raise BadPatient(
            patient,
            f"there is no DICOM file in the folder of the CT{hint}",
            "Name the folder that directly holds the slices",
        )
    return headers


def _read_header(file: Path, patient: str) -> pydicom.Dataset | None:
    """The header without its pixels, which would fill the memory; None if it is not DICOM."""
    try:
        header = pydicom.dcmread(file, force=True)  # a file may lack the preamble
        is_dicom = bool(header.get("SOPClassUID") or header.get("Modality"))
    except Exception:  # pydicom raises errors of any kind on a file that is not DICOM
        is_dicom = False
    try:
        is_complete = is_dicom and _is_complete(header)
    except Exception:  # and on tags whose bytes are no value: no Columns, Rows of one byte
        is_complete = False
    if is_complete:
        if "PixelData" in header:
            del header.PixelData
        return header
    named_dicom = file.suffix.lower() in (".dcm", ".ima", ".dicom")
    if is_dicom or (named_dicom and not file.name.startswith(APPLE_DOUBLE)):
        raise BadPatient(
            patient,
            f"the DICOM file {display_name(file)} is damaged or cut short",
            "Export or copy it again",
        )
    return None


def _is_complete(header: pydicom.Dataset) -> bool:
    """Whether an uncompressed image has all its bytes; a compressed one fails in the decoder."""
    if "Rows" not in header or header.get("Modality") in NON_IMAGE_MODALITIES:
        return header.get("Modality") is not None
    syntax = (getattr(header, "file_meta", None) or {}).get("TransferSyntaxUID", IMPLICIT)
    if syntax.is_compressed:
        return "PixelData" in header
    bits = header.Rows * header.Columns * header.BitsAllocated * header.get("SamplesPerPixel", 1)
    frames = numbers_of(value_of(header, "NumberOfFrames"), 1)
    bits *= 1 if frames is None else int(frames[0])
    return "PixelData" in header and len(header.PixelData) >= bits // 8


def _select_series(headers: list[Header], patient: str, chosen: Path | None) -> list[Slice]:
    """The slices of the only CT series of a folder, or of the series that `chosen` belongs to."""
    images = [
        (file, frame)
        for file, header in headers
        if header and "Rows" in header and header.get("Modality") not in NON_IMAGE_MODALITIES
        for frame in frame_headers(header)
        if _image_kind(frame) != "localiser"
    ]
    if chosen:
        uids = {header.get("SeriesInstanceUID") for file, header in images if file == chosen}
        images = [image for image in images if image[1].get("SeriesInstanceUID") in uids]
    if not images:
        kinds = Counter(_image_kind(header) for _, header in headers if header)
        raise BadPatient(
            patient,
            f"{display_name(chosen) if chosen else 'the folder of the CT'} holds no CT slices,"
            f" only {_describe_counts(kinds)}",
            "Name the folder of the portal venous CT series",
        )
    kinds = Counter(_image_kind(header) for _, header in images)
    if set(kinds) != {"CT"}:
        raise BadPatient(
            patient,
            f"the folder of the CT holds images that are not CT ({_describe_counts(kinds)})",
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


def _refuse_mixed_slices(slices: list[Slice], patient: str) -> None:
    """Refuse slices that differ in the rescaling to HU, or that two scans were mixed of."""
    if differing := differing_tag([header for _, header in slices]):
        key, position = differing
        file, header = slices[position]
        raise BadPatient(
            patient,
            f"the slice {display_name(file, header)} differs from the others of the series in {key}"
            f" ({header[key].value if key in header else 'missing'})",
            "Export the series again, complete and unchanged; two reconstructions need two series",
        )


def _image_kind(header: pydicom.Dataset) -> str:
    if "LOCALIZER" in image_type(header):
        return "localiser"
    return str(header.get("Modality") or "unknown")


def _describe_counts(kinds: "Counter[str]") -> str:
    return ", ".join(f"{n} {kind}" for kind, n in kinds.most_common())
