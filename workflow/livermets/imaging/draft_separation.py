"""Series of a tree: the slices of one scan together, and two scans under one UID apart.

Some anonymisers write one series UID, or even one UID of the image, into every file.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from livermets.imaging.dicom_geometry import MIN_GAP_MM
from livermets.imaging.draft_facts import Series, SliceFacts
from livermets.imaging.series_identity import Marks, differing_marks, same_voxels, separate_scans

Key = tuple[str, ...]  # patient, study, series; the folder if there is no UID; whether a localiser
Scans = Mapping[Key, Mapping[Marks, Series]]
COPY_SAMPLES = 3  # copies of a folder whose voxels are compared
MAX_UNEVEN = 0.1  # of the distance of slices; a slice further off its place is of another scan
MAX_BESIDE_MM = 1.0  # a slice further beside the line through the others is of another scan


def join_scattered(series: Scans) -> list[dict[Marks, Series]]:
    """Make one series of those slices that differ in the study alone (see `series_keys`).

    Returns
    -------
    list of dict
        For each series the slices by the marks that their headers have.
    """
    alike: dict[Key, list[Mapping[Marks, Series]]] = defaultdict(list)
    for (patient, _, *rest), scans in series.items():
        alike[patient, *rest].append(scans)
    joined: list[dict[Marks, Series]] = []
    for studies in alike.values():
        if len(studies) > 1 == max(_count(scans.values()) for scans in studies):
            by_marks: dict[Marks, list[Series]] = defaultdict(list)
            for scans in studies:
                for marks, one in scans.items():
                    by_marks[marks].append(one)
            joined.append({marks: _united(parts) for marks, parts in by_marks.items()})
        else:
            joined += map(dict, studies)
    return joined


def separate_series(series: Iterable[Mapping[Marks, Series]]) -> list[Series]:
    """The series of a tree; scans of two persons or two days under one UID are two, with a doubt.

    Parameters
    ----------
    series : iterable of mapping
        For each series UID its slices by `scan_marks`.
    """
    separated = []
    for by_marks in series:
        numbers = separate_scans({marks: _count([one]) for marks, one in by_marks.items()})
        scans: dict[int, list[Series]] = defaultdict(list)
        for marks, number in numbers.items():
            scans[number].append(by_marks[marks])
        doubt = ""
        if len(scans) > 1:
            differing = " and ".join(differing_marks(list(by_marks)))
            doubt = f"its series UID is also that of a scan with another {differing}"
        for parts in scans.values():
            for one in _other_images(_united(parts)):
                separated += _by_folder(replace(one, doubt=one.doubt or doubt))
    return separated


def _count(series: Iterable[Series]) -> int:
    return sum(len(one.slices) + len(one.copies) for one in series)


def _united(parts: Sequence[Series]) -> Series:
    """Parts of a series as one."""
    if len(parts) == 1:
        return parts[0]
    return replace(
        parts[0],
        slices=[part for one in parts for part in one.slices],
        copies=[part for one in parts for part in one.copies],
        unreadable=next((one.unreadable for one in parts if one.unreadable), ""),
    )


def _other_images(series: Series) -> list[Series]:
    """The series, and one for each folder whose copies of its slices have other voxels.

    Where the copy lies beside the slice, it stays in the series, whose positions then occur twice.
    """
    folders: dict[str, list[SliceFacts]] = defaultdict(list)
    for part in series.copies:
        folders[part.folder].append(part)
    copies, slices, others = [], list(series.slices), []
    places = {part.position: part for part in series.slices} if folders else {}
    own = {part.folder for part in series.slices}
    for folder, parts in folders.items():
        sampled = [
            parts[number] for number in np.linspace(0, len(parts) - 1, COPY_SAMPLES, dtype=int)
        ]
        if all(same_voxels(part.path, places[part.position].path) for part in sampled):
            copies += parts
        elif folder in own:
            slices += parts
        else:
            doubt = "images of another folder have the UIDs of its images, but other voxels"
            others.append(replace(series, slices=parts, copies=[], doubt=doubt))
    doubt = others[0].doubt if others else series.doubt
    return [replace(series, slices=slices, copies=copies, doubt=doubt), *others]


def _by_folder(series: Series) -> list[Series]:
    """The series, or one for each folder if each holds a scan and together they are none."""
    folders: dict[str, list[SliceFacts]] = defaultdict(list)
    for part in series.slices:
        folders[part.folder].append(part)
    if len(folders) == 1 or _fit(series.slices) or not all(map(_fit, folders.values())):
        return [series]
    doubt = "its series UID is also that of another folder, whose slices do not fit between its own"
    return [
        replace(
            series,
            slices=parts,
            copies=[part for part in series.copies if part.folder == folder],
            doubt=series.doubt or doubt,
        )
        for folder, parts in folders.items()
    ]


def _fit(slices: Sequence[SliceFacts]) -> bool:
    """Whether slices lie in one row at even distances, some of which may be missing."""
    places = [part.position for part in slices if part.position is not None]
    planes = {(p.plane.orientation, p.plane.spacing, p.plane.shape) for p in slices}
    orientation = slices[0].plane.orientation
    if len(places) < len(slices) or len(planes) > 1 or orientation is None or len(slices) < 2:
        return False
    normal = np.cross(*np.reshape(orientation, (2, 3)))
    positions = np.array(sorted(places, key=lambda place: float(np.dot(place, normal))))
    heights = positions @ normal
    gaps = np.diff(heights)
    steps = gaps / max(float(np.median(gaps)), MIN_GAP_MM)
    if gaps.min() < MIN_GAP_MM or np.abs(steps - np.maximum(np.rint(steps), 1)).max() > MAX_UNEVEN:
        return False
    share = ((heights - heights[0]) / (heights[-1] - heights[0]))[:, None]
    line = positions[0] + share * (positions[-1] - positions[0])
    return bool(np.linalg.norm(positions - line, axis=1).max() <= MAX_BESIDE_MM)
