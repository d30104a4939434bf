"""One CT series of a folder: pydicom reads the headers, GDCM (in SimpleITK) the voxels."""

import functools
import warnings
from collections import Counter
from collections.abc import Sequence
from itertools import compress
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk

from livermets.core.errors import BadPatient
from livermets.imaging.dicom_geometry import Slice, SliceStack, stack_slices, straighten
from livermets.imaging.dicom_headers import (
    NON_IMAGE_MODALITIES,
    FrameHeader,
    display_name,
    is_localiser,
    numbers_of,
    read_acquisition,
    read_header,
    value_of,
)
from livermets.imaging.geometry import orthonormal
from livermets.imaging.multi_frame import frame_headers, read_frames
from livermets.imaging.series_identity import same_voxels, series_keys
from livermets.imaging.volumes import quiet_itk
from livermets.imaging.voxel_meaning import refuse_mixed_slices, refuse_other_units

IMPLICIT = pydicom.uid.ImplicitVRLittleEndian
APPLE_DOUBLE = "._"  # macOS leaves a file of attributes beside each file of a foreign disk
Header = tuple[Path, pydicom.Dataset | None]  # a file and its header, None if it is not DICOM


def read_series(
    sources: Sequence[Path], patient: str, resample_tilt: bool = False
) -> tuple[sitk.Image, dict[str, object]]:
    """Read one CT series, classic or enhanced, with its slices sorted by position.

    Localisers, structure sets, reports, files that are not DICOM and copies of a slice are ignored
    and counted. Messages name no folder, since exports name folders by patients.

    Parameters
    ----------
    sources : sequence of Path
        The folders that directly hold the slices, or the multi-frame file. A file in place of its
        folder names the wanted series, if there are several.
    patient : str
        The id that messages name.
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
        The folders do not hold one whole CT.
    """
    stack, ignored = read_stack(sources, patient, resample_tilt)
    with warnings.catch_warnings():  # pydicom's remarks on values that break the standard
        warnings.simplefilter("ignore")
        record = read_acquisition(stack.slices[0][1])
    record["ignored_files"] = ignored
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


def read_stack(
    sources: Sequence[Path], patient: str, resample_tilt: bool = False
) -> tuple[SliceStack, int]:
    """Read the headers of one CT series and sort its slices by position.

    Parameters and errors are those of `read_series`.

    Returns
    -------
    stack : SliceStack
        The slices in the order of the voxels of `read_series`.
    ignored : int
        Number of files that are no slice of the series.
    """
    with warnings.catch_warnings():  # pydicom's remarks on values that break the standard
        warnings.simplefilter("ignore")
        folders = dict.fromkeys(path if path.is_dir() else path.parent for path in sources)
        headers = [header for folder in folders for header in _headers(folder, patient)]
        named = [path for path in sources if not path.is_dir()]
        slices = _without_copies(_select_series(headers, patient, named))
        stack = stack_series(slices, patient, resample_tilt)
    return stack, len(headers) - len({file for file, _ in slices})


def stack_series(slices: list[Slice], patient: str, resample_tilt: bool = False) -> SliceStack:
    """Sort the slices of one series by position; refuse slices that are not one scan in HU.

    Raises
    ------
    BadPatient
        See `stack_slices`; or slices differ in a tag that gives their voxels a meaning, or are
        stated to be in another unit than HU.
    """
    refuse_mixed_slices(slices, patient)
    refuse_other_units(slices, patient)
    return stack_slices(slices, patient, resample_tilt)


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
    files = sorted(file for file in folder.iterdir() if file.is_file() or _leads_nowhere(file))
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


def _leads_nowhere(file: Path) -> bool:
    """Whether a file is a link to a file that is not there, such as a slice not yet fetched."""
    return file.is_symlink() and not file.exists()


def _read_header(file: Path, patient: str) -> pydicom.Dataset | None:
    """The header without its pixels, which would fill the memory; None if it is not DICOM."""
    try:
        header = read_header(file, pixels=True)
    except OSError as error:  # it may be a slice
        raise BadPatient(
            patient,
            f"the file {display_name(file)} beside the slices cannot be opened ({error.strerror})",
            "Give the permission to read it, or bring back the file that the link names",
        ) from error
    if header is not None and ("FloatPixelData" in header or "DoubleFloatPixelData" in header):
        raise BadPatient(
            patient,
            f"the DICOM file {display_name(file)} holds fractions, as computed maps do",
            "Name the series of the CT itself, or convert the series to NIfTI",
        )
    try:
        is_complete = header is not None and _is_complete(header)
    except Exception:  # pydicom raises errors of any kind on tags whose bytes are no value
        is_complete = False
    if header is not None and is_complete:
        if "PixelData" in header:
            del header.PixelData
        return header
    named_dicom = file.suffix.lower() in (".dcm", ".ima", ".dicom")
    if header is not None or (named_dicom and not file.name.startswith(APPLE_DOUBLE)):
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


def _select_series(headers: list[Header], patient: str, named: list[Path]) -> list[Slice]:
    """The slices of the only CT series, or of the series that the `named` files belong to."""
    images = [
        (file, frame)
        for file, header in headers
        if header and "Rows" in header and header.get("Modality") not in NON_IMAGE_MODALITIES
        for frame in frame_headers(header)
        if not is_localiser(frame)
    ]
    keys = series_keys(header for _, header in images)
    if named:
        wanted = {key for key, (file, _) in zip(keys, images, strict=True) if file in named}
        chosen = [key in wanted for key in keys]
        images, keys = list(compress(images, chosen)), list(compress(keys, chosen))
    if not images:
        kinds = Counter(_image_kind(header) for _, header in headers if header)
        raise BadPatient(
            patient,
            f"{display_name(named[0]) if named else 'the folder of the CT'} holds no CT slices,"
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
    series = Counter(keys)
    if len(series) > 1:
        counts = " and ".join(str(n) for n in sorted(series.values(), reverse=True))
        raise BadPatient(
            patient,
            f"{len(named) or 'the folder of the CT'} {'files name' if named else 'holds'}"
            f" {len(series)} series ({counts} slices)",
            "Give each series a folder of its own, or name one file of the wanted series",
        )
    return images


def _without_copies(slices: list[Slice]) -> list[Slice]:
    """The slices without those that are there twice: the same image by its UID and its voxels."""
    firsts: dict[tuple[str, str], Slice] = {}
    have_same = functools.cache(same_voxels)  # of files with many frames, asked frame by frame
    kept = []
    for file, header in slices:
        uid = value_of(header, "SOPInstanceUID")
        key = str(uid), str(value_of(header, "ImagePositionPatient"))
        first = firsts.setdefault(key, (file, header)) if uid else (file, header)
        if first[0] == file or not have_same(first[0], file):
            kept.append((file, header))
    return kept


def _image_kind(header: pydicom.Dataset) -> str:
    if is_localiser(header):
        return "localiser"
    return str(header.get("Modality") or "unknown")


def _describe_counts(kinds: "Counter[str]") -> str:
    return ", ".join(f"{n} {kind}" for kind, n in kinds.most_common())
