"""Several scans of a patient in the cohort sheet: one row each, told apart by the column `scan`.

Label, site, split and clinical columns describe the patient, so all rows of a patient must agree on
them. An empty cell says nothing: it takes the value of the patient's other rows.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import pandas as pd

from livermets.study.names import SCAN

SCAN_NAME = r"[A-Za-z0-9][A-Za-z0-9_-]*"


def scan_problems(sheet: pd.DataFrame, patient_columns: Iterable[str]) -> Iterator[str]:
    """Say what is wrong with the rows of patients who have several scans.

    Parameters
    ----------
    sheet : DataFrame of str
        patient, scan, ct and `patient_columns`; the index holds the numbers of the rows.
    patient_columns : iterable of str
        Columns that describe the patient, not the scan.
    """
    first_row: dict[tuple[str, str], int] = {}
    rows_of: dict[str, list[tuple[int, Mapping]]] = defaultdict(list)
    for row, cells in zip(sheet.index, sheet.to_dict("records"), strict=True):
        patient, scan = cells["patient"], cells[SCAN]
        if not re.fullmatch(SCAN_NAME, scan):
            yield (
                f"row {row}: patient {patient} has {scan!r} in the column `scan`; name each scan "
                "with letters, digits, `_` and `-` (remove the column if each patient has one)."
            )
        key = patient.casefold(), scan.casefold()
        if key in first_row:
            yield (
                f"row {row}: scan {scan} of patient {patient} is listed already in row "
                f"{first_row[key]}; keep one row per scan, or give the second one its own name."
            )
        first_row.setdefault(key, row)
        rows_of[patient].append((row, cells))
    for patient, rows in rows_of.items():
        yield from _shared_ct(patient, rows)
        for column in patient_columns:
            yield from _different_values(patient, rows, column)


def with_values_of_patients(sheet: pd.DataFrame, patient_columns: Iterable[str]) -> pd.DataFrame:
    """Fill empty cells of the columns that describe the patient from the patient's other rows."""
    filled = {}
    for column in patient_columns:
        cells = sheet[column].mask(sheet[column] == "")
        filled[column] = cells.fillna(cells.groupby(sheet["patient"]).transform("first")).fillna("")
    return sheet.assign(**filled)


def _shared_ct(patient: str, rows: list[tuple[int, Mapping]]) -> Iterator[str]:
    first: dict[str, int] = {}
    for row, cells in rows:
        ct = cells["ct"]
        if ct and ct in first:
            yield (
                f"row {row}: two scans of patient {patient} name the CT {ct} (row {first[ct]} as "
                "well), so its lesions would count twice; correct the path, or remove a row."
            )
        first.setdefault(ct, row)


def _different_values(patient: str, rows: list[tuple[int, Mapping]], column: str) -> Iterator[str]:
    row_of: dict[str, int] = {}
    for row, cells in rows:
        if cells[column]:
            row_of.setdefault(cells[column], row)
    if len(row_of) > 1:
        listed = " and ".join(f"{value} (row {row})" for value, row in row_of.items())
        yield (
            f"patient {patient} has {listed} in the column `{column}`, which describes the "
            "patient and not the scan; write one value in all rows of the patient."
        )
