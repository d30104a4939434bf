"""Tells which images are of one series, also where an anonymiser gave several scans one UID."""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pydicom

from livermets.imaging.dicom_headers import value_of

# What all images of one series share; scans under one UID are told apart by it
SCAN_TAGS = {
    "PatientName": "name",
    "PatientBirthDate": "birth date",
    "PatientSex": "sex",
    "StudyDate": "study date",
    "FrameOfReferenceUID": "frame of reference",
}
FRAME = list(SCAN_TAGS).index("FrameOfReferenceUID")
PLACEHOLDER = re.compile(  # ids and names that stand for no person; letters and digits alone
    r"|anon|anony[a-z]*|pseudony[a-z]*|deident[a-z]*|unknown|unbekannt|none|null|na|nan|nn|no(id|name)|"
    r"unnamed|removed|redacted|hidden|confidential|test[a-z]*|dummy|patient(id|name)?|id|name|x+|0+"
)
NO_BIRTH_DATES = {"19000101", "19700101", "00010101", "11111111", "99991231", "00000000"}
HASH_DIGITS = 16  # hexadecimal ones
Marks = tuple[str, ...]  # the hashed values of SCAN_TAGS, "" for what the header does not state


def series_key(header: pydicom.Dataset) -> tuple[str, str, str]:
    """The patient, the study and the UID of the series that a header names.

    Where the header has no UID of its series, the number of the series takes its place.
    """
    patient, study, uid, number = (
        str(value_of(header, key) or "").strip()
        for key in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SeriesNumber")
    )
    return patient, study, uid or f"number {number}"


def scan_marks(header: pydicom.Dataset) -> Marks:
    """The values of `SCAN_TAGS`, hashed, so that nobody can be read from what is kept."""
    sex, day, frame = (
        str(value_of(header, key) or "").strip()
        for key in ("PatientSex", "StudyDate", "FrameOfReferenceUID")
    )
    values = stated_name(header), stated_birth_date(header), sex, day, frame
    return tuple(map(hashed, SCAN_TAGS, values))


def series_keys(headers: Iterable[pydicom.Dataset]) -> list[tuple[str, str, str, int]]:
    """The `series_key` of each image, and which of the scans with this key it belongs to.

    The study is left out where every image has one of its own: ITK's writer makes a new study UID
    for every slice that is given none. Several scans have one key where an anonymiser gave all
    series one UID (`separate_scans`).
    """
    keys, marks = [], []
    for header in headers:
        keys.append(series_key(header))
        marks.append(scan_marks(header))
    counts = defaultdict(list)
    for (patient, _, uid), n in Counter(keys).items():
        counts[patient, uid].append(n)
    scattered = {key for key, numbers in counts.items() if len(numbers) > 1 == max(numbers)}
    keys = [
        (patient, "" if (patient, uid) in scattered else study, uid) for patient, study, uid in keys
    ]
    images: dict[tuple[str, str, str], Counter[Marks]] = defaultdict(Counter)
    for key, mark in zip(keys, marks, strict=True):
        images[key][mark] += 1
    scans = {key: separate_scans(counted) for key, counted in images.items()}
    return [(*key, scans[key][mark]) for key, mark in zip(keys, marks, strict=True)]


def separate_scans(images: Mapping[Marks, int]) -> dict[Marks, int]:
    """Number the scans of which images with one series UID are.

    Images are of two scans if they state two names, birth dates, sexes, study dates or frames of
    reference. What an image does not state contradicts nothing; one that fits several scans is a
    scan of its own. The frame is left out where every image has one of its own (ITK's writer).

    Parameters
    ----------
    images : mapping of tuple to int
        How many images have these marks.

    Returns
    -------
    dict of tuple to int
        The number of the scan of each, from 0.
    """
    frames = Counter(marks[FRAME] for marks, n in images.items() for _ in range(n) if marks[FRAME])
    scattered = len(frames) > 1 == max(frames.values())
    scans: list[list[str]] = []
    numbers = {}
    for marks in sorted(images, key=lambda one: (-sum(map(bool, one)), one)):  # the fullest first
        own = [*marks[:FRAME], "" if scattered else marks[FRAME], *marks[FRAME + 1 :]]
        fitting = [n for n, scan in enumerate(scans) if not differing_marks([own, scan])]
        if len(fitting) == 1:
            numbers[marks] = fitting[0]
            scan = scans[fitting[0]]
            scans[fitting[0]] = [a or b for a, b in zip(scan, own, strict=True)]
        else:
            numbers[marks] = len(scans)
            scans.append(own)
    return numbers


def differing_marks(scans: Sequence[Sequence[str]]) -> list[str]:
    """In what scans differ, in words; what one of them does not state is no difference."""
    columns = zip(*scans, strict=True)
    return [
        words
        for words, values in zip(SCAN_TAGS.values(), columns, strict=True)
        if len(set(values) - {""}) > 1
    ]


def same_voxels(file: Path, other: Path) -> bool:
    """Whether two DICOM files hold the same voxels, as copies of one image do."""
    first, second = (
        pydicom.dcmread(path, force=True, specific_tags=["PixelData"]) for path in (file, other)
    )
    return bool(first.get("PixelData") == second.get("PixelData"))


def stated_id(header: pydicom.Dataset) -> str:
    """The patient id, "" if there is none or it stands for everyone, such as ANONYMOUS."""
    text = str(value_of(header, "PatientID") or "").strip()
    return "" if PLACEHOLDER.fullmatch(_letters(text)) else text


def stated_name(header: pydicom.Dataset) -> str:
    """The name in small letters and digits alone, so that Doe^Jane and DOE, JANE are equal."""
    name = _letters(str(value_of(header, "PatientName") or ""))
    return "" if PLACEHOLDER.fullmatch(name) else name


def stated_birth_date(header: pydicom.Dataset) -> str:
    """The birth date (YYYYMMDD), "" if there is none or it is one that anonymisers write."""
    date = str(value_of(header, "PatientBirthDate") or "").strip()
    return date if len(date) == 8 and date.isdecimal() and date not in NO_BIRTH_DATES else ""


def hashed(kind: str, value: str) -> str:
    """A hash of a value that cannot be compared with those of another kind; "" stays ""."""
    text = f"livermets/{kind}/{value}"
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_DIGITS] if value else ""


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))
