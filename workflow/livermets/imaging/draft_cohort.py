"""Drafts a cohort sheet from a folder tree of DICOM exports: `make cohort DICOM=...`.

`config/series.tsv` lists every series with a verdict; one is chosen for each patient. A person may
overrule it there (`use`, `patient`) and draft the sheet again without the tree. Patients become
P001, P002 ...; the paths are the only link back to them. Beyond those, only the acquisition of a
series is written, no other header value.
"""

import argparse
import itertools
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from livermets.core.errors import BadInput
from livermets.core.io import write_table, write_text
from livermets.imaging.dicom_headers import NON_IMAGE_MODALITIES
from livermets.imaging.draft_check import reason_of_import
from livermets.imaging.draft_headers import Progress, Series, Tree, read_tree
from livermets.imaging.draft_persons import Person, group_persons
from livermets.imaging.draft_ranking import Judged, compare, judge_studies
from livermets.study.cohort_sheet import SEPARATOR, SHEET_COLUMNS, UNSURE
from livermets.study.config import load_config
from livermets.study.text_table import read_text_table

RECIPE = Path(__file__).parents[3] / "config/recipes/leuven.yaml"  # of a new study
SERIES_COLUMNS = (
    *("patient", "study", "day", "series", "use", "chosen", "refused", "remarks", UNSURE),
    *("n_slices", "modality", "orientation", "slice_thickness_mm", "slice_step_mm"),
    *("kernel", "phase", "contrast", "delay_s", "lossy", "path"),
)
USE, DO_NOT_USE = "yes", "no"  # what a person writes into `use`


def draft_cohort(
    folder: Path, criteria: Mapping[str, Any], resample_tilt: bool = False
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draft the cohort sheet of a folder tree of DICOM exports.

    Parameters
    ----------
    folder : Path
        The folder, searched with its subfolders.
    criteria : mapping
        `imaging: inclusion` of the configuration.
    resample_tilt : bool
        `imaging: resample_tilt` of the configuration.

    Returns
    -------
    sheet : DataFrame
        See `draft_sheet`.
    series : DataFrame
        See `draft_series`.
    """
    series = draft_series(read_tree(folder), criteria, resample_tilt)
    return draft_sheet(series), series


def draft_series(
    tree: Tree, criteria: Mapping[str, Any], resample_tilt: bool = False, earlier: Any = None
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
                    "chosen": False,
                    "refused": "; ".join(one.refused),
                    "remarks": "; ".join(one.remarks),
                    UNSURE: unsure,
                    "path": path,
                }
            )
    table = pd.DataFrame(rows, columns=list(SERIES_COLUMNS)).astype({"day": "Int64"})
    return table.assign(chosen=choose_series(table))


def draft_sheet(series: pd.DataFrame) -> pd.DataFrame:
    """The cohort sheet of a table of series: for each patient the one to use.

    Parameters
    ----------
    series : DataFrame
        Columns patient, use, refused, unsure, n_slices and path, as `draft_series` orders them.

    Returns
    -------
    DataFrame
        patient, label (to be filled in), ct (empty if no series can be used), n_slices, mask, site,
        unsure (what a person has to decide before the study runs).
    """
    chosen = choose_series(series)
    sheet = []
    for patient, rows in series.groupby("patient", sort=False):
        picked = rows[chosen[rows.index]]
        ct, slices = ("", "") if picked.empty else picked[["path", "n_slices"]].iloc[0]
        unsure = "; ".join(dict.fromkeys(filter(None, rows[UNSURE])))
        cells = {"patient": patient, "ct": ct, "n_slices": slices, UNSURE: unsure}
        sheet.append({column: cells.get(column, "") for column in (*SHEET_COLUMNS, UNSURE)})
    return pd.DataFrame(sheet, columns=[*SHEET_COLUMNS, UNSURE])


def choose_series(series: pd.DataFrame) -> pd.Series:
    """Whether each series is the one to use of its patient.

    That is the one with `yes` in `use`, else the first that is neither refused nor has `no`.

    Raises
    ------
    BadInput
        `use` holds something else than yes or no, or two series of a patient have `yes`.
    """
    chosen = pd.Series(False, index=series.index)
    uses = series["use"].str.strip().str.lower()
    for patient, rows in series.groupby("patient"):
        use = uses[rows.index]
        if odd := sorted(set(use) - {"", USE, DO_NOT_USE}):
            raise BadInput(
                f"series.tsv: patient {patient} has {odd[0]!r} in the column `use`; write "
                f"`{USE}`, `{DO_NOT_USE}` or nothing."
            )
        if (use == USE).sum() > 1:
            raise BadInput(
                f"series.tsv: patient {patient} has {(use == USE).sum()} series with `{USE}` in "
                "the column `use`; keep one."
            )
        usable = rows[use == USE]
        if usable.empty:
            usable = rows[(rows["refused"] == "") & (use != DO_NOT_USE)]
        chosen[usable.index[:1]] = True
    return chosen


def _ranked(judged: list[Judged], patient: str, resample_tilt: bool) -> list[Judged]:
    """The series of a patient, usable ones first; the best of them is one that import will read."""
    usable = sorted((one for one in judged if not one.refused), key=lambda one: one.rank)
    for one in usable:
        files = list(dict.fromkeys(part.path for part in one.series.slices))
        if reason := reason_of_import(files, patient, resample_tilt):
            one.refused.append(reason)
        else:
            break
    return [*compare(judged), *(one for one in judged if one.refused)]


def _assign(
    series: Sequence[Series], paths: Sequence[str], before: Mapping[str, Mapping[str, str]]
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
    new = (
        name
        for number in itertools.count(1)
        if (name := f"P{number:03d}") not in {patient for ids in known for patient in ids}
    )
    ids = [own[0] if own else next(new) for own in known]
    members: dict[str, list[int]] = defaultdict(list)
    unsure: dict[str, dict[str, None]] = defaultdict(dict)
    for person, patient in zip(persons, ids, strict=True):
        for member in person.members:
            row = before.get(paths[member])
            members[row["patient"] if row else patient].append(member)
            if row and row[UNSURE]:
                unsure[row["patient"]][row[UNSURE]] = None
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
    """What the cohort sheet names for each series: its folders.

    A file of the series stands for a folder that it shares with images of another series.
    """
    images: dict[str, set[int]] = defaultdict(set)
    for number, one in enumerate(series):
        if one.facts.modality not in NON_IMAGE_MODALITIES and not one.facts.localiser:
            for part in one.slices:
                images[part.folder].add(number)
    paths = []
    for number, one in enumerate(series):
        first = {part.folder: part.name for part in reversed(one.slices)}
        folders = dict.fromkeys(part.folder for part in one.slices)
        paths.append(
            SEPARATOR.join(
                # A file that is a link stays where the other links are
                str(Path(folder).resolve() / (first[folder] if images[folder] - {number} else ""))
                for folder in folders
            )
        )
    return paths


def _keep_cells(sheet: pd.DataFrame, series: pd.DataFrame, old: pd.DataFrame) -> pd.DataFrame:
    """The sheet with the labels, masks, sites and clinical columns that an older sheet has.

    A row of the older sheet is that of a patient if it names the path of one of their series.
    """
    patient_of = dict(zip(series["path"], series["patient"], strict=True))
    old = old.assign(patient=[patient_of.get(path, "") for path in old["ct"]])
    old = old[old["patient"] != ""].drop_duplicates("patient").set_index("patient")
    for column in [name for name in old.columns if name not in ("ct", "n_slices", UNSURE)]:
        sheet[column] = [old[column].get(patient, "") for patient in sheet["patient"]]
    return sheet


def _read_tsv(path: Path) -> pd.DataFrame:
    """A table as text, "" for an empty cell."""
    (_, header), *rows = read_text_table(path, "\t", comment="#")
    return pd.DataFrame([cells for _, cells in rows], columns=header, dtype=str)


def main(arguments: list[str] | None = None) -> None:
    """Write `config/series.tsv` and `config/patients.tsv` (never over one that is there).

    A study without a configuration gets one that names a model from the package index, so that
    patients without a mask are segmented on the first run.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("study", type=Path, help="the study's folder")
    parser.add_argument(
        "dicom",
        type=Path,
        nargs="?",
        help="folder tree of DICOM files; without it the sheet is drafted from config/series.tsv",
    )
    options = parser.parse_args(arguments)
    try:
        _draft(options.study, options.dicom)
    except BadInput as problem:
        sys.exit(str(problem))


def _draft(study: Path, dicom: Path | None) -> None:
    """Write the tables of a study, from the tree or from the table of series that is there."""
    folder = study / "config"
    config, listed = folder / "config.yaml", folder / "series.tsv"
    earlier = _read_tsv(listed) if listed.exists() else None
    if earlier is not None and not set(SERIES_COLUMNS) <= set(earlier):
        raise BadInput(
            f"{listed} has not the columns of this version ({', '.join(SERIES_COLUMNS)}); remove "
            "it and draft again from the tree."
        )
    if dicom is not None:
        series = _series_below(dicom, config, earlier)
    elif earlier is None:
        raise BadInput(
            f"{listed} does not exist; name the folder of the exports: make cohort "
            f"DICOM=/path/to/exports STUDY={study}"
        )
    else:
        series = earlier
    sheet = draft_sheet(series)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "patients.tsv"
    if target.exists():
        sheet = _keep_cells(sheet, series, _read_tsv(target))
        target = folder / "patients.draft.tsv"
    write_table(listed, series.assign(chosen=choose_series(series)))
    write_table(target, sheet)
    if not config.exists():
        write_text(config, RECIPE.read_text(encoding="utf-8"))
    print(*_summary(sheet, series, target, listed), sep="\n")


def _series_below(dicom: Path, config: Path, earlier: pd.DataFrame | None) -> pd.DataFrame:
    """The table of the series below a folder."""
    if not dicom.is_dir():
        raise BadInput(f"{dicom} is no folder; give the one that holds the DICOM exports")
    given = yaml.safe_load(config.read_text(encoding="utf-8")) if config.exists() else {}
    imaging = load_config(given or {})["imaging"]
    tree = read_tree(dicom)
    series = draft_series(tree, imaging["inclusion"], imaging["resample_tilt"], earlier)
    print(f"{tree.files:,} files, {tree.other:,} of them no DICOM images.")
    if tree.damaged:
        print(
            f"{tree.damaged:,} files are damaged or cannot be opened and were left out; copy them again."
        )
    if series.empty:
        raise BadInput(f"there is no DICOM file below {dicom}; give the folder of the exports")
    return series


def _summary(
    sheet: pd.DataFrame, series: pd.DataFrame, target: Path, listed: Path
) -> Iterable[str]:
    """What was drafted, and what is left to a person."""
    without, unsure = (sheet["ct"] == "").sum(), (sheet[UNSURE] != "").sum()
    yield f"{len(sheet)} patients, {len(series)} series; {without} patients without a usable one."
    yield f"{listed} says why, and where each series lies. To overrule it write `{USE}` or"
    yield f"`{DO_NOT_USE}` into its column `use` and run `make cohort STUDY=...` without DICOM."
    if unsure:
        yield f"{unsure} patients are unsure: the column `{UNSURE}` says why; decide, and empty it."
    yield f"Now fill in the column `label` of {target}, and remove or mend patients without `ct`."


if __name__ == "__main__":
    main()
