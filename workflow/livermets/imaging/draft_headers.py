"""Reads the headers of all DICOM files below a folder, and keeps of each the few values needed.

An archive's export can hold hundreds of thousands of files. A header takes some 100 kB of memory;
what is kept of a file here takes well below 1 kB.
"""

import os
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pydicom

from livermets.core.progress import Progress, time_left
from livermets.imaging.captured_image import captured_by
from livermets.imaging.contrast_phase import phases_from_text, seconds_of_day
from livermets.imaging.dicom_geometry import GEOMETRY_TAGS
from livermets.imaging.dicom_headers import (
    display_name,
    image_type,
    is_localiser,
    is_lossy,
    numbers_of,
    read_acquisition,
    read_header,
    value_of,
    voxel_values,
)
from livermets.imaging.draft_facts import Plane, Series, SeriesFacts, SliceFacts, Tree
from livermets.imaging.draft_persons import person_facts
from livermets.imaging.draft_separation import Key, join_scattered, separate_series
from livermets.imaging.multi_frame import frame_headers
from livermets.imaging.series_description import (
    is_no_scan,
    names_sharp_image,
    other_region,
    plain_text,
)
from livermets.imaging.series_identity import Marks, scan_marks, series_key
from livermets.imaging.volumes import is_dicom

TAGS = [
    *("SOPClassUID", "SOPInstanceUID", "Modality", "ImageType", "NumberOfFrames"),
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex"),
    *("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "SeriesNumber"),
    *("StudyDate", "SeriesDate", "AcquisitionDate", "AcquisitionTime", "AcquisitionDateTime"),
    *("SeriesDescription", "ProtocolName", "BodyPartExamined"),
    *("ContrastBolusAgent", "ContrastBolusStartTime", "ContrastBolusAgentSequence"),
    *("SliceThickness", "ConvolutionKernel", "KVP", "Manufacturer", "ManufacturerModelName"),
    *("Rows", "Columns", "SamplesPerPixel", "BitsStored", "LossyImageCompression"),
    *("ConversionType", "BurnedInAnnotation"),
    *("PhotometricInterpretation", "PixelRepresentation", "RescaleSlope", "RescaleIntercept"),
    *GEOMETRY_TAGS,
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
]
ORIENTATION_DIGITS, SPACING_DIGITS = 3, 4


def read_tree(folder: Path) -> Tree:
    """Read the headers of all files below a folder and sort them into series.

    Files are told apart by patient, study and series UID, so that the slices of a series come
    together from all folders. Without a series UID the files of one folder are a series. Copies of
    a slice (same UID and position) are left out. Several scans that an anonymiser gave one UID are
    several series (`separate_series`).

    Parameters
    ----------
    folder : Path
        The folder, searched with its subfolders.
    """
    tree, progress = Tree(), Progress()
    series: dict[Key, dict[Marks, Series]] = defaultdict(dict)
    planes: dict[Plane, Plane] = {}
    there: dict[tuple[str, ...], set[int]] = defaultdict(set)
    total, start = _count_files(folder, progress), time.monotonic()
    for path in _files(folder):
        tree.files += 1
        progress.tell(
            f"{tree.files:,} of {total:,} files read, {len(series):,} series,"
            f" {time_left(time.monotonic() - start, tree.files, max(total, tree.files))} left"
        )
        with warnings.catch_warnings():  # pydicom warns of values that break the standard
            warnings.simplefilter("ignore")
            try:
                header = _read_header(path)
                damaged = header is None and is_dicom(path) and path.name.upper() != "DICOMDIR"
            except OSError:  # no permission, or a link to nowhere
                header, damaged = None, True
            if header is None:
                tree.other += 1
                tree.damaged += damaged
                continue
            for frame in frame_headers(header):
                localiser = is_localiser(frame)
                uid = value_of(frame, "SeriesInstanceUID")
                key = (*series_key(frame), "" if uid else str(path.parent), str(localiser))
                scans, marks = series[key], scan_marks(frame)
                if marks not in scans:
                    scans[marks] = Series(_series_facts(frame), person_facts(frame, path.parent))
                _add_slice(scans[marks], path, frame, planes, there[(*key, *marks)])
    tree.series = separate_series(join_scattered(series))
    return tree


def _read_header(path: Path) -> pydicom.Dataset | None:
    """The tags of a file that a draft needs; None if it is not DICOM, or neither image nor series.

    A DICOMDIR is neither.
    """
    header = read_header(path, TAGS)
    if header is None or not ("Rows" in header or value_of(header, "SeriesInstanceUID")):
        return None
    return header


def _files(folder: Path) -> Iterator[Path]:
    """All files below a folder, also through links to folders, each folder once."""
    seen = set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        if (place := os.path.realpath(parent)) in seen:
            folders.clear()
            continue
        seen.add(place)
        folders.sort()
        for name in sorted(names):
            yield Path(parent, name)


def _count_files(folder: Path, progress: Progress) -> int:
    total = 0
    for total, _ in enumerate(_files(folder), start=1):
        progress.tell(f"{total:,} files found")
    return total


def _add_slice(
    series: Series,
    path: Path,
    header: pydicom.Dataset,
    planes: dict[Plane, Plane],
    there: set[int],
) -> None:
    """Add one slice to its series, or count it as a copy."""
    values: dict[str, tuple[float, ...] | None] = {}
    for key, count in GEOMETRY_TAGS.items():
        value = value_of(header, key)
        numbers = None if value is None else numbers_of(value, count)
        if value is not None and numbers is None and not series.unreadable:
            series.unreadable = f"{key} of {display_name(path, header)} is unreadable"
        values[key] = None if numbers is None else tuple(map(float, numbers))
    orientation = values["ImageOrientationPatient"]
    if orientation:
        orientation = tuple(round(value, ORIENTATION_DIGITS) + 0.0 for value in orientation)
    spacing = values["PixelSpacing"]
    plane = Plane(
        orientation,
        None if spacing is None else tuple(round(value, SPACING_DIGITS) for value in spacing),
        (value_of(header, "Rows"), value_of(header, "Columns")),
        voxel_values(header),
        is_lossy(header),
    )
    uid, position = value_of(header, "SOPInstanceUID"), values["ImagePositionPatient"]
    mark = hash((str(uid), position))
    shared = planes.setdefault(plane, plane)
    part = SliceFacts(sys.intern(str(path.parent)), path.name, position, shared)
    (series.copies if uid and mark in there else series.slices).append(part)
    there.add(mark)


def _series_facts(header: pydicom.Dataset) -> SeriesFacts:
    """The facts of a series by the header of one slice."""
    description, protocol = (
        value_of(header, "SeriesDescription"),
        value_of(header, "ProtocolName"),
    )
    bits, channels = (
        numbers_of(value_of(header, key), 1) for key in ("BitsStored", "SamplesPerPixel")
    )
    return SeriesFacts(
        modality=str(value_of(header, "Modality") or "nothing"),
        image_type=tuple(image_type(header)),
        acquisition=read_acquisition(header),
        phases=tuple(phases_from_text(description, protocol)),
        region=other_region(description, protocol) or "",
        sharp_words=names_sharp_image(description),
        no_scan=is_no_scan(description, protocol),
        captured=captured_by(header),
        body_part=plain_text(value_of(header, "BodyPartExamined")),
        bits=0 if bits is None else int(bits[0]),
        channels=1 if channels is None else int(channels[0]),
        localiser=is_localiser(header),
        day=_day(header),
        second=seconds_of_day(value_of(header, "AcquisitionTime")),
    )


def _day(header: pydicom.Dataset) -> int | None:
    """The day of the study as a number, None if the header has no date."""
    for key in ("StudyDate", "AcquisitionDate", "SeriesDate"):
        text = str(value_of(header, key) or "").replace(".", "")
        try:
            return date(int(text[:4]), int(text[4:6]), int(text[6:8])).toordinal()
        except ValueError:
            continue
    return None
