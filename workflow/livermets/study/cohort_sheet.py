"""Cohort sheet: one row a patient, or one a scan, written by the user, checked row by row."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from livermets.core.errors import BadInput
from livermets.study.cells import as_text
from livermets.study.clinical_columns import odd_cell_remedy, odd_cells
from livermets.study.names import SCAN, SITE
from livermets.study.paths import unusable_path
from livermets.study.patient_ids import refuse_changed_ids
from livermets.study.sheet_scans import scan_problems, with_values_of_patients
from livermets.study.table_file import read_table_file

SHEET_COLUMNS = ("patient", "label", "ct", "n_slices", "mask", "site")
UNSURE = "unsure"  # the column in which a draft asks; it has to be empty before the study runs
SEPARATOR = "|"  # between the folders of a series whose files lie in several
PATIENT_ID = r"[A-Za-z0-9][A-Za-z0-9_-]*"


def read_sheet(path: str | Path, config: dict) -> pd.DataFrame:
    """The cohort sheet as strings, checked: one row per patient, or per scan with a column `scan`.

    Returns
    -------
    DataFrame with the columns patient, scan (if the sheet has it), label, ct, n_slices, mask, site
    and those in `clinical`; a cell that is empty or missing is "".

    Raises
    ------
    BadInput
        Naming the row (as a spreadsheet counts them) or the column, and what to do.
    """
    path = Path(path)
    if not path.is_file():
        raise BadInput(
            f"the cohort sheet {path} does not exist; write it (config/README.md shows the "
            "columns) or point `patients:` in the config at yours."
        )
    sheet = read_table_file(path, "patients", comment="#").apply(as_text)
    needed = ["split"] if config["splits"]["given"] else []
    _refuse_scan_as_clinical(path, config["clinical"])
    scan = [SCAN] if SCAN in sheet.columns else []
    if config["label_of"] == "lesion" and not scan:
        raise BadInput(
            f"{path}: with `label_of: lesion` the label of a row is that of the lesions in its "
            "scan, so the sheet needs a column `scan`; add it, with a row for each scan. To label "
            "the lesions of one scan differently, let `snakemake features` extract the features, "
            "write each lesion's label into the column `label` of results/features.parquet, and "
            "start a second study from this table (`features:` in the config)."
        )
    known = ["patient", *scan, *SHEET_COLUMNS[1:], UNSURE, *needed, *config["clinical"]]
    for column in sheet.columns:
        if column not in known:
            near = difflib.get_close_matches(column, [*known, SCAN], n=1)
            hint = f"rename it if you mean `{near[0]}`, or " if near else ""
            if column == "split":
                hint = "set `splits.given: true` in the config to use it, or "
            raise BadInput(
                f"{path}: column `{column}` is not known; {hint}add it to `clinical:` in the "
                "config, or remove it."
            )
    for column in ("patient", "label", *needed, *config["clinical"]):
        if column not in sheet.columns:
            raise BadInput(f"{path}: column `{column}` is missing; add it to the first line.")
    for column in known:
        if column not in sheet.columns:
            sheet[column] = ""
    sheet = sheet[known]
    odd = {column: odd_cells(sheet[column]) for column in config["clinical"]}
    of_patient = [SITE, *needed, *config["clinical"]]
    if config["label_of"] == "patient":
        of_patient.insert(0, "label")
    problems = list(_bad_rows(sheet, config))
    if scan:
        problems += scan_problems(_without_odd_cells(sheet, odd), of_patient)
    if config["on_bad_cell"] == "stop":
        problems += [
            f"row {sheet.index[places[0]]}: patient {sheet['patient'].iloc[places[0]]} has "
            f"{sheet[column].iloc[places[0]]!r} in the column `{column}`"
            + (f" ({len(places) - 1} more rows are alike). " if places[1:] else ". ")
            + odd_cell_remedy(column)
            for column, places in odd.items()
            if places
        ]
    if problems:
        more = f" (and {len(problems) - 8} more rows)" if len(problems) > 8 else ""
        raise BadInput(f"{path}: " + " ".join(problems[:8]) + more)
    if sheet.empty:
        raise BadInput(f"{path} has no patient; add a row for each.")
    refuse_changed_ids(sheet["patient"], str(path))
    sheet = _without_odd_cells(sheet, odd)
    if scan:
        sheet = with_values_of_patients(sheet, of_patient)
    return sheet.drop(columns=UNSURE).reset_index(drop=True)


def _without_odd_cells(sheet: pd.DataFrame, odd: Mapping[str, list[int]]) -> pd.DataFrame:
    """The sheet with odd cells of clinical columns emptied, by column and places."""
    sheet = sheet.copy()
    for column, places in odd.items():
        sheet.loc[sheet.index[places], column] = ""
    return sheet


def _refuse_scan_as_clinical(path: Path, clinical: Sequence[str]) -> None:
    if SCAN in clinical:
        raise BadInput(
            f"{path}: the column `{SCAN}` names the scans of a patient and cannot be listed under "
            "`clinical:` in the config; rename the column, or remove it from the list."
        )


def listed_paths(cell: str) -> list[str]:
    """The paths in a cell `ct`, which `|` separates."""
    return [path for path in map(str.strip, cell.split(SEPARATOR)) if path]


def _bad_rows(sheet: pd.DataFrame, config: dict) -> Iterator[str]:
    first_seen: dict[str, int] = {}
    for row, cells in zip(sheet.index, sheet.to_dict("records"), strict=True):
        patient = cells["patient"]
        if not re.fullmatch(PATIENT_ID, patient):
            yield (
                f"row {row}: the patient id {patient!r} is not usable as a file name; use "
                "letters, digits, `_` and `-`."
            )
        elif patient.casefold() in first_seen and SCAN not in cells:
            yield (
                f"row {row}: patient {patient} is listed already in row "
                f"{first_seen[patient.casefold()]}; keep one row per patient, or name each scan in "
                "a column `scan`."
            )
        first_seen.setdefault(patient.casefold(), row)
        if cells["label"] not in config["classes"]:
            yield (
                f"row {row}: patient {patient} has the label {cells['label']!r}; it must be one "
                f"of {', '.join(config['classes'])} (`classes:` in the config)."
            )
        if config["splits"]["given"] and cells["split"] not in ("train", "validation", "test"):
            yield (
                f"row {row}: patient {patient} has {cells['split']!r} in the column `split`; "
                "`splits.given` needs train, validation or test."
            )
        if config["splits"]["site"] and not re.fullmatch(PATIENT_ID, cells["site"]):
            yield (
                f"row {row}: patient {patient} has the site {cells['site']!r}; `splits.site` needs "
                "a name of letters, digits, `_` and `-`."
            )
        if not cells["ct"] and config["features"] is None:
            yield (
                f"row {row}: patient {patient} has no `ct`; name a DICOM folder, a NIfTI or an "
                "NRRD file."
            )
        if cells["n_slices"] and not cells["n_slices"].isdecimal():
            yield (
                f"row {row}: patient {patient} has {cells['n_slices']!r} in the column `n_slices`; "
                "write the number of slices of the CT, or empty the cell."
            )
        if cells[UNSURE]:
            yield (
                f"row {row}: it is unsure who patient {patient} is: {cells[UNSURE]}. Find out; "
                "remove the row of a patient who is there twice, and empty the cell `unsure`."
            )
        if cells["mask"] and cells["mask"] == cells["ct"]:
            yield (
                f"row {row}: patient {patient} has the same file in `ct` and `mask`; name the mask "
                "of liver and lesions, or empty the cell `mask`."
            )
        for column in ("ct", "mask"):
            if problem := unusable_path(column, cells[column]):
                yield f"row {row}: patient {patient}: {problem}"
