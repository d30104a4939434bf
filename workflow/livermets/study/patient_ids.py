"""Ids of patients: which a spreadsheet has changed on the way, and which the study does not have.

The workflow imports this while it plans, so only the standard library and pandas are used.
"""

import difflib
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence

import pandas as pd

from livermets.core.errors import BadInput

AS_DATE = re.compile(  # 3-1 in a cell becomes 03-Jan, or 2026-01-03
    r"\d{4}-\d\d-\d\d( 00:00:00)?|\d{1,2}-(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)|"
    r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)-\d\d",
    re.IGNORECASE,
)
SUMMARIES = {"mean", "average", "median", "sd", "std", "min", "max", "sum", "total", "mittelwert"}
AS_NUMBER = re.compile(r"\d(\.\d+)?[eE]\+\d+")  # 1.23457E+17


def plain_id(patient: str) -> str:
    """An id without what programs change: zeros at the beginning, `.0`, case, unseen letters."""
    seen = "".join(letter for letter in patient if unicodedata.category(letter) != "Cf")
    text = unicodedata.normalize("NFKC", seen).casefold().removesuffix(".0")
    return without_zeros(text)


def without_zeros(patient: str) -> str:
    """An id without the zeros at the beginning of its numbers."""
    return re.sub(r"(?<!\d)0+(?=\d)", "", patient)


def refuse_changed_ids(patients: pd.Series, name: str) -> None:
    """Refuse ids that a spreadsheet made numbers or dates of, or wrote in two ways, and summaries.

    7 and 007 would be two patients, one of whom could train a model that is tested on the other.

    Parameters
    ----------
    patients : series of str
        The ids; the index holds the numbers of their rows.
    name : str
        Name of the table, for messages.
    """
    first: dict[str, tuple[str, int]] = {}  # plain id -> the id as it was written first, its row
    for row, patient in patients.drop_duplicates().items():
        if AS_NUMBER.fullmatch(patient):
            raise BadInput(
                f"{name}: row {row}: the patient id {patient} is a rounded number; a spreadsheet "
                "has dropped its last digits. Format the column as text and write the ids again."
            )
        if AS_DATE.fullmatch(patient):
            raise BadInput(
                f"{name}: row {row}: the patient id {patient} is a date; a spreadsheet makes one "
                "of an id such as 3-1. Format the column as text and write the ids again."
            )
        if patient.casefold() in SUMMARIES:
            raise BadInput(
                f"{name}: row {row}: {patient} is no patient but the name of a summary. Delete the "
                "row, or rename the patient."
            )
        before, its_row = first.setdefault(plain_id(patient), (patient, int(str(row))))
        if before != patient:
            raise BadInput(
                f"{name}: the patient ids {_visible(before)} (row {its_row}) and "
                f"{_visible(patient)} (row {row}) look like one person. Write the id in one way (a "
                "spreadsheet drops zeros at the beginning: format the column as text), or rename "
                "one of the patients."
            )


def refuse_unknown_exclusions(exclude: Iterable[str], patients: Sequence[str], table: str) -> None:
    """Refuse an id in `exclude` that the study does not have.

    Parameters
    ----------
    exclude : iterable of str
        Patients whom the configuration leaves out.
    patients : sequence of str
        All patients, and all scans where a patient may have several.
    table : str
        Where these stand, for messages.
    """
    for patient in exclude:
        if patient not in patients:
            near = difflib.get_close_matches(patient, patients, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise BadInput(
                f"config: `exclude` names {patient}, who is not in {table}{hint}; write the id as "
                "it stands there, in quotes, or remove it."
            )


def refuse_empty_cohort(exclude: Collection[str], left: Collection[str], table: str) -> None:
    """Refuse an `exclude` that leaves no patient of the table."""
    if exclude and not left:
        raise BadInput(f"config: `exclude` leaves no patient of {table}; remove some of them.")


def _visible(patient: str) -> str:
    """The id, with letters that look like others or like nothing as their codes."""
    return patient if patient.isascii() else ascii(patient)
