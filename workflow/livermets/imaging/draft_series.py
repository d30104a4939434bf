"""The table of series of a draft: each series of a tree with its patient, its rank and its path."""

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from livermets.core.progress import Progress
from livermets.imaging.dicom_headers import NON_IMAGE_MODALITIES
from livermets.imaging.draft_check import reason_of_import
from livermets.imaging.draft_facts import Series, Tree
from livermets.imaging.draft_persons import Person, group_persons
from livermets.imaging.draft_ranking import Judged, compare, judge_studies, usable_series
from livermets.imaging.draft_sheet import choose_series
from livermets.study.cohort_sheet import SEPARATOR, UNSURE

SERIES_COLUMNS = (
    *("patient", "study", "day", "series", "use", "chosen", "refused", "remarks", UNSURE),
    *("n_slices", "modality", "orientation", "slice_thickness_mm", "slice_step_mm"),
    *("kernel", "phase", "contrast", "delay_s", "lossy", "path"),
)


def draft_series(
    tree: Tree,
    criteria: Mapping[str, Any],
    resample_tilt: bool = False,
    earlier: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Judge every series of a tree and rank those of each patient.

    Parameters
    ----------
    tree : Tree
        The series below a folder (`read_tree`).
    criteria : mapping
        `imaging: inclusion` of the configuration.
    resample_tilt : bool
        `imaging: resample_tilt` of the configuration.
    earlier : DataFrame, optional
        The table of an earlier draft. Patients whom it lists by a path keep their id, and `use`
        is kept.

    Returns
    -------
    DataFrame
        One row a series with `SERIES_COLUMNS`, the usable ones of a patient first and the best of
        them first. `chosen` is whether it is the best one; `path` is what the sheet names.
    """
    paths = _paths_in_sheet(tree.series)
    before = {} if earlier is None else {row["path"]: row for row in earlier.to_dict("records")}
    patients = _assign(tree.series, paths, before)
    rows, progress = [], Progress()
    for number, (patient, (members, unsure)) in enumerate(patients.items(), start=1):
        progress.tell(f"{number} of {len(patients)} patients: checking the series of {patient}")
        place = {id(tree.series[member]): paths[member] for member in members}
        judged = judge_studies(_studies([tree.series[member] for member in members]), criteria)
        for series, one in enumerate(_ranked(judged, patient, resample_tilt), start=1):
            path = place[id(one.series)]
            rows.append(
                {
                    "patient": patient,
                    **one.properties,
                    "series": series,
                    "use": before[path]["use"] if path in before else "",
                    "refused": "; ".join(one.refused),
                    "remarks": "; ".join(one.remarks),
                    UNSURE: unsure,
                    "path": path,
                }
            )
    table = pd.DataFrame(rows, columns=list(SERIES_COLUMNS)).astype({"day": "Int64"})
    return table.assign(chosen=choose_series(table))


def _ranked(judged: list[Judged], patient: str, resample_tilt: bool) -> list[Judged]:
    """The series of a patient, usable ones first; the best of them is one that import will read."""
    for one in usable_series(judged):
        files = list(dict.fromkeys(part.path for part in one.series.slices))
        if reason := reason_of_import(files, patient, resample_tilt):
            one.refused.append(reason)
        else:
            break
    return [*compare(judged), *(one for one in judged if one.refused)]


def _assign(
    series: Sequence[Series], paths: Sequence[str], before: Mapping[str, Mapping[Any, str]]
) -> dict[str, tuple[list[int], str]]:
    """The series of each patient by the patient's id, and what is unsure about the patient.

    A series of an earlier draft keeps the patient that it has there, whom a person may have
    corrected, and so does what a person has decided.
    """
    persons = _order(group_persons([one.person for one in series]), series)
    known = [
        [before[paths[member]]["patient"] for member in person.members if paths[member] in before]
        for person in persons
    ]
    taken = {row["patient"] for row in before.values()}
    new = (name for number in itertools.count(1) if (name := f"P{number:03d}") not in taken)
    ids = [own[0] if own else next(new) for own in known]
    members: dict[str, list[int]] = defaultdict(list)
    unsure: dict[str, dict[str, None]] = defaultdict(dict)
    for person, patient in zip(persons, ids, strict=True):
        for member in person.members:
            row = before.get(paths[member])
            members[row["patient"] if row else patient].append(member)
            if row and row[UNSURE]:
                unsure[row["patient"]][row[UNSURE]] = None
            elif not row and series[member].doubt:
                unsure[patient][series[member].doubt] = None
        if not all(paths[member] in before for member in person.members):
            for text, other in person.doubts:
                unsure[patient][text.format(other=None if other is None else ids[other])] = None
    ordered = sorted(members, key=lambda patient: (len(patient), patient))  # P999 before P1000
    return {patient: (members[patient], "; ".join(unsure[patient])) for patient in ordered}


def _order(persons: list[Person], series: Sequence[Series]) -> list[Person]:
    """Persons by the hash of their id, or of their study: an order that reveals nothing."""

    def key(place: int) -> str:
        facts = [series[member].person for member in persons[place].members]
        return min(one.id or one.word or one.study for one in facts)

    order = sorted(range(len(persons)), key=key)
    new_place = {old: new for new, old in enumerate(order)}
    for person in persons:
        person.doubts = [
            (text, None if other is None else new_place[other]) for text, other in person.doubts
        ]
    return [persons[place] for place in order]


def _studies(series: Sequence[Series]) -> list[list[Series]]:
    """The series of a person by examination, the first one first; undated ones last."""
    studies: dict[str, list[Series]] = defaultdict(list)
    for one in series:
        studies[one.person.study].append(one)

    def day(study: list[Series]) -> float:
        return min((s.facts.day for s in study if s.facts.day is not None), default=float("inf"))

    ordered = sorted(studies.items(), key=lambda item: (day(item[1]), item[0]))
    return [sorted(study, key=lambda s: s.slices[0].path) for _, study in ordered]


def _paths_in_sheet(series: Sequence[Series]) -> list[str]:
    """What the cohort sheet names for each series, no two alike: its folders.

    A file stands for a folder that a series shares with images of another one, and for the folder
    of a series that is no scan, such as a report.
    """
    images: dict[str, set[int]] = defaultdict(set)
    for number, one in enumerate(series):
        if _is_scan(one):
            for part in one.slices:
                images[part.folder].add(number)
    paths = []
    for number, one in enumerate(series):
        first = {part.folder: part.name for part in reversed(one.slices)}
        alone = {folder for folder in first if _is_scan(one) and images[folder] == {number}}
        folders = dict.fromkeys(part.folder for part in one.slices)
        # A file that is a link is named where it lies, beside the other links
        places = [
            Path(folder).resolve() / ("" if folder in alone else first[folder])
            for folder in folders
        ]
        paths.append(SEPARATOR.join(map(str, places)))
    return paths


def _is_scan(series: Series) -> bool:
    """Whether import takes the files of a series for slices of a scan."""
    return series.facts.modality not in NON_IMAGE_MODALITIES and not series.facts.localiser
