"""One CT series out of a folder: pydicom reads the headers, GDCM (in SimpleITK) the voxels."""

import re
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk

from livermets.errors import BadPatient
from livermets.geometry import is_sheared, orthonormal, refuse_shear
from livermets.inclusion import phase_of
from livermets.volumes import quiet_itk

# what lies beside the slices of an export and is no image of the scan
COMPANIONS = {"SEG", "RTSTRUCT", "RTDOSE", "RTPLAN", "SR", "PR", "KO", "REG", "DOC"}
OUTSIDE_HU = -1024
IMPLICIT = pydicom.uid.ImplicitVRLittleEndian


def read_series(
    folder: Path, patient: str, chosen: Path | None = None, resample_tilt: bool = False
) -> tuple[sitk.Image, dict[str, object]]:
    """The CT series of a folder as an image in HU (float32), slices sorted by their positions.

    `chosen` is a file of the wanted series where the folder holds more than one. Localisers,
    structure sets, reports and files that are not DICOM are passed over and counted. The facts
    are of the acquisition alone: no names, dates, UIDs or free text. Raises BadPatient where the
    folder does not hold one whole CT.
    """
    with warnings.catch_warnings():  # pydicom's remarks on values that break the standard
        warnings.simplefilter("ignore")
        headers = _headers(folder, patient)
        slices = _one_series(folder, headers, patient, chosen)
        files, steps, origin, lean = _stack(slices, patient, resample_tilt)
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
            f"the slices in {folder} cannot be decoded",
            "Export the series again, uncompressed",
        ) from error
    directions, facts["orthonormalised"] = orthonormal(steps)
    image.SetOrigin(origin.tolist())
    image.SetSpacing(np.linalg.norm(steps, axis=0).tolist())
    image.SetDirection(directions.ravel().tolist())
    if lean is not None:
        image = _straightened(image, lean)
        facts["tilt_corrected_mm"] = round(float(np.linalg.norm(lean)) * (len(files) - 1), 3)
    return image, facts


def _straightened(image: sitk.Image, lean: np.ndarray) -> sitk.Image:
    """Slices moved back over each other, linearly within their planes; wider by what they leaned.

    `lean` (2,) mm: how far each slice lies beside the one before, along its rows and columns.
    """
    spacing, (width, height, n) = np.array(image.GetSpacing()[:2]), image.GetSize()
    ends = np.array([np.zeros(2), lean * (n - 1)]) / spacing
    low, high = np.floor(ends.min(0)).astype(int), np.ceil(ends.max(0)).astype(int)
    grid = sitk.Image(
        [int(width + high[0] - low[0]), int(height + high[1] - low[1])], sitk.sitkFloat32
    )
    grid.SetSpacing(image.GetSpacing()[:2])
    planes = []
    for k in range(n):
        plane = image[:, :, k]
        plane.SetDirection((1, 0, 0, 1))
        plane.SetOrigin((lean * k).tolist())
        grid.SetOrigin((low * spacing).tolist())
        planes.append(sitk.Resample(plane, grid, sitk.Transform(), sitk.sitkLinear, OUTSIDE_HU))
    straight = sitk.JoinSeries(planes)
    corner = image.TransformContinuousIndexToPhysicalPoint((*map(float, low), 0.0))
    straight.SetSpacing(image.GetSpacing())
    straight.SetDirection(image.GetDirection())
    straight.SetOrigin(corner)
    return straight


Header = tuple[Path, pydicom.Dataset | None]


def _headers(folder: Path, patient: str) -> list[Header]:
    """Every file directly in the folder with its header, None where it is not DICOM."""
    files = sorted(file for file in folder.iterdir() if file.is_file())
    headers = [(file, _header(file, patient)) for file in files]
    if not any(header for _, header in headers):
        inner = [sub.name for sub in sorted(folder.iterdir()) if sub.is_dir()]
        hint = f" (it has the folders {', '.join(inner[:3])})" if inner else ""
        raise BadPatient(
            patient,
            f"there is no DICOM file in {folder}{hint}",
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
            f"the DICOM file {_shown(file)} is damaged or cut short",
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
    folder: Path, headers: list[Header], patient: str, chosen: Path | None
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
            f"{_shown(chosen) if chosen else folder} holds no CT slices, only {_count(kinds)}",
            "Name the folder of the portal venous CT series",
        )
    kinds = Counter(_kind(header) for _, header in images)
    if set(kinds) != {"CT"}:
        raise BadPatient(
            patient,
            f"{folder} holds images that are not CT ({_count(kinds)})",
            "Leave only the CT series in the folder, or name one file of that series",
        )
    series = Counter(header.get("SeriesInstanceUID") for _, header in images)
    if len(series) > 1:
        counts = " and ".join(str(n) for n in sorted(series.values(), reverse=True))
        raise BadPatient(
            patient,
            f"{folder} holds {len(series)} series ({counts} slices)",
            "Give each series a folder of its own, or name one file of the wanted series",
        )
    return images


def _kind(header: pydicom.Dataset) -> str:
    if "LOCALIZER" in (header.get("ImageType") or []):
        return "localiser"
    return str(header.get("Modality") or "unknown")


def _count(kinds: Counter) -> str:
    return ", ".join(f"{n} {kind}" for kind, n in kinds.most_common())


def _stack(
    slices: list[tuple[Path, pydicom.Dataset]], patient: str, resample_tilt: bool = False
) -> tuple[list[Path], np.ndarray, np.ndarray, np.ndarray | None]:
    """The files in the order of their positions, the steps (3, 3) mm between voxels, the origin,
    and with `resample_tilt` how far each slice leans over the one before (2,) mm, where they do.

    The step between slices is measured between their positions, never `SliceThickness`.
    """
    first = slices[0][1]
    for file, header in slices:
        if header.get("SamplesPerPixel", 1) != 1 or int(header.get("NumberOfFrames") or 1) > 1:
            raise BadPatient(
                patient,
                f"{_shown(file)} is a colour or multi-frame image",
                "Export single-frame grey-scale slices, or convert the scan to NIfTI",
            )
        for key in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
            if not header.get(key):
                raise BadPatient(
                    patient,
                    f"the slice {_shown(file)} has no {key}",
                    "Export the series again with its geometry",
                )
        same_shape = (header.Rows, header.Columns) == (first.Rows, first.Columns)
        same_plane = all(
            np.allclose(_numbers(header, key), _numbers(first, key), atol=1e-3)
            for key in ("ImageOrientationPatient", "PixelSpacing")
        )
        if not (same_shape and same_plane):
            raise BadPatient(
                patient,
                f"{_shown(file)} differs from the others in size, pixel spacing or orientation",
                "Leave only the axial slices of one reconstruction in the folder",
            )
    if len(slices) < 2:
        raise BadPatient(
            patient, "the series has only one slice", "Export the whole series of the scan"
        )
    row, column = _numbers(first, "ImageOrientationPatient").reshape(2, 3)
    normal = np.cross(row, column)
    row, column, normal = (vector / np.linalg.norm(vector) for vector in (row, column, normal))
    positions = np.array([_numbers(header, "ImagePositionPatient") for _, header in slices])
    order = np.argsort(positions @ normal, kind="stable")
    positions = positions[order]
    step = _even_step(positions, normal, patient)
    across = positions - positions[0]
    drift = float(np.linalg.norm(across - np.outer(across @ normal, normal), axis=1).max())
    angle = float(np.degrees(np.arctan2(drift, across[-1] @ normal)))
    down, right = _numbers(first, "PixelSpacing")
    lean = None
    tilt = max(abs(float(header.get("GantryDetectorTilt") or 0)) for _, header in slices)
    if (
        tilt > 0.5 and angle < tilt - 0.5
    ):  # slices that hide their tilt look like a box, and are none
        angle, drift = tilt, float(np.tan(np.radians(tilt)) * (across[-1] @ normal))
    elif resample_tilt and is_sheared(angle, drift, min(down, right)):
        lean = (across[-1] @ row, across[-1] @ column) / np.float64(len(slices) - 1)
        steady = across - np.outer(across @ normal, normal)
        even = np.outer(np.arange(len(slices)), lean) @ [row, column]
        if np.abs(steady - even).max() < min(down, right) / 2:
            angle = drift = 0.0
    refuse_shear(angle, drift, min(down, right), patient)
    steps = np.column_stack([row * right, column * down, normal * step])
    return [slices[i][0] for i in order], steps, positions[0], lean


def _even_step(positions: np.ndarray, normal: np.ndarray, patient: str) -> float:
    """The one distance (mm) between neighbours of slices sorted along `normal`."""
    heights = positions @ normal
    gaps = np.diff(heights)
    doubled = np.flatnonzero(gaps < 1e-3)
    if len(doubled):
        raise BadPatient(
            patient,
            f"{len(doubled)} slice positions occur twice, the first at z = "
            f"{positions[doubled[0], 2]:.1f} mm",
            "Keep one slice a position: one phase, one reconstruction, no copies",
        )
    values, counts = np.unique(gaps.round(2), return_counts=True)
    usual = float(np.median(gaps[gaps.round(2) == values[np.argmax(counts)]]))
    missing = np.rint(gaps / usual).astype(int) - 1
    if missing.any():
        worst = int(np.argmax(missing))
        raise BadPatient(
            patient,
            f"{missing.sum()} of {len(gaps) + 1 + missing.sum()} slices are missing: the step is"
            f" {usual:.2f} mm, but {gaps[worst]:.2f} mm between z = {positions[worst, 2]:.1f} and"
            f" {positions[worst + 1, 2]:.1f} mm",
            "Export the series again, complete",
        )
    uneven = np.abs(heights - np.linspace(heights[0], heights[-1], len(heights))).max()
    if uneven > max(usual / 10, 0.1):
        raise BadPatient(
            patient,
            f"the slices are unevenly spaced ({gaps.min():.2f} to {gaps.max():.2f} mm)",
            "Export a reconstruction with one slice spacing",
        )
    return float((heights[-1] - heights[0]) / len(gaps))


def _shown(file: Path) -> str:
    """A file as messages name it: exports call files by their UIDs, which identify a person."""
    return re.sub(r"\d+(\.\d+){4,}", lambda uid: f"…{uid[0][-6:]}", file.name)


def _numbers(header: pydicom.Dataset, key: str) -> np.ndarray:
    return np.array(header[key].value, float)


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
        "phase": phase_of(header.get("SeriesDescription"), header.get("ProtocolName")),
        "contrast": True if header.get("ContrastBolusAgent") else None,  # silence is not "none"
    }


def _optional(value: object, kind: type) -> object:
    return kind(value) if value not in (None, "") else None
