"""A user's feature table with the columns named and typed as ours: ids, numbers, text."""

import difflib
import logging
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from livermets.core.errors import BadInput
from livermets.core.scan_ids import in_words, scan_id
from livermets.core.text import list_names
from livermets.study.cells import MISSING, as_numbers, as_text
from livermets.study.names import SCAN, lesion_key
from livermets.study.patient_ids import refuse_changed_ids
from livermets.study.table_file import read_table_file

log = logging.getLogger(__name__)
LARGEST = float(np.finfo(np.float32).max)  # classifiers calculate with float32


def load_table(
    path: str | Path,
    columns: Mapping[str, str | None],
    text: Collection[str] = (),
    text_prefix: str | tuple[str, ...] = (),
) -> pd.DataFrame:
    """Load the file's table: patient and label as text, lesion as integer, the rest as numbers.

    Parameters
    ----------
    path : path
        CSV, TSV, xlsx or Parquet, also packed with gzip.
    columns : mapping
        The file's names of "patient", "lesion" and "label"; lesion may be absent from the file,
        label from the mapping.
    text : collection of str
        Columns that may hold text.
    text_prefix : str or tuple of str
        Beginnings of the names of columns that may hold text.

    Returns
    -------
    data frame
        All other columns hold finite or missing numbers. The index holds the
        number of each row in the file.

    Raises
    ------
    BadInput
        The message names file, column and row, and what to do.
    """
    path = Path(path)
    table = _without_diagnostics(read_table_file(path, "features"), path.name)
    table = _with_our_names(table, columns, path.name)
    required = {"patient": {"", *MISSING}}
    if "label" in columns:
        required["label"] = {""}  # a class may be called NA
    if SCAN in table:
        required[SCAN] = {"", *MISSING}
    for what, missing in required.items():
        table[what] = as_text(table[what])
        if len(empty := np.flatnonzero(table[what].isin(missing))):
            raise BadInput(
                f"{path.name}: {what} (column {columns.get(what, what)}) is missing in "
                f"{list_rows(empty, table)}. Fill it in, or remove the rows"
            )
    refuse_changed_ids(table["patient"], path.name)
    unchanged = (*required, *text)
    converted = {
        column: values
        if column in unchanged or str(column).startswith(text_prefix)
        else _numbers(values, path.name)
        for column, values in table.drop(columns="lesion", errors="ignore").items()
    }
    table = pd.DataFrame(converted | {"lesion": _lesions(table, columns, path.name)})
    _refuse_too_large(table, path.name)
    return table


def _without_diagnostics(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The table without what pyradiomics writes about its run."""
    diagnostics = [c for c in table if str(c).startswith("diagnostics_")]
    if diagnostics:
        log.info("%s: left out %d diagnostics_* columns of pyradiomics", name, len(diagnostics))
    return table.drop(columns=diagnostics)


def _with_our_names(
    table: pd.DataFrame, columns: Mapping[str, str | None], name: str
) -> pd.DataFrame:
    """The id columns renamed to patient, lesion, label."""
    table.columns = table.columns.astype(str)
    for what, column in columns.items():
        if column in table or (what == "lesion" and column in (None, "lesion")):
            continue
        near = difflib.get_close_matches(str(column), table.columns, n=1)
        listed = ", ".join([*table.columns[:5], *(["..."] if len(table.columns) > 5 else [])])
        raise BadInput(
            f"{name} has no column {column} (it has {listed}). Set feature_columns.{what} to the "
            f"column of the {what}s" + (f", perhaps {near[0]}" if near else "")
        )
    if table.empty:
        raise BadInput(f"{name} has no rows. Give one row per lesion")
    ours = {column: what for what, column in columns.items() if column in table}
    if taken := [w for c, w in ours.items() if c != w and w in table and w not in ours]:
        raise BadInput(
            f"{name} has a column {taken[0]} besides the one that feature_columns.{taken[0]} "
            f"names ({columns[taken[0]]}). Remove or rename one of them"
        )
    return table.rename(columns=ours)


def _lesions(table: pd.DataFrame, columns: Mapping[str, str | None], name: str) -> pd.Series:
    """Lesion numbers: the file's, or counted from 1 within each patient or scan."""
    if "lesion" not in table:
        return table.groupby(lesion_key(table)[:-1], sort=False).cumcount() + 1
    numbers, _ = as_numbers(table["lesion"])
    wrong = np.flatnonzero(numbers.isna() | (numbers % 1 != 0) | (numbers.abs() > 2**53))
    if len(wrong):
        raise BadInput(
            f"{name}: lesion (column {columns['lesion']}) is no whole number in "
            f"{list_rows(wrong, table)}. Number the lesions, or remove the column to have them "
            "numbered"
        )
    keys = table.assign(lesion=numbers.astype("int64"))[lesion_key(table)]
    if keys.duplicated().any():
        twice = keys[keys.duplicated()].iloc[0]
        same = np.flatnonzero((keys == twice).all(axis=1))
        owner = in_words(scan_id(*twice.iloc[:-1]))
        hint = "" if SCAN in table else ", or name the scans of a patient in a column `scan`"
        raise BadInput(
            f"{name}: lesion {twice['lesion']} of patient {owner} is there {len(same)} times, in "
            f"{list_rows(same, table, owners=False)}. Keep one row per lesion{hint}"
        )
    return numbers.astype("int64")


def _numbers(values: pd.Series, name: str) -> pd.Series:
    """A column of numbers as float64; refuses text."""
    numbers, wrong = as_numbers(values)
    if wrong:
        raise BadInput(
            f"{name}: column {values.name} holds {str(values.iloc[wrong[0]])!r} in "
            f"{list_rows(wrong, values)}, which is no number. Correct or empty the cells (decimals "
            f"need a point), remove the column, or call it clinical_{values.name} if it is a "
            "clinical one"
        )
    return numbers


def _refuse_too_large(table: pd.DataFrame, name: str) -> None:
    """Refuse numbers that are infinite, or become so in a classifier."""
    numbers = table.select_dtypes("number")
    large = np.abs(numbers.to_numpy(float)) > LARGEST
    if large.any():
        columns = list_names(numbers.columns[large.any(axis=0)])
        raise BadInput(
            f"{name}: values that are infinite or beyond {LARGEST:.1e} in column {columns}, "
            f"{list_rows(np.flatnonzero(large.any(axis=1)), table)}. Empty the cells (missing is "
            "allowed), or correct them"
        )


def list_rows(
    places: Sequence[int] | np.ndarray, table: pd.DataFrame | pd.Series, owners: bool = True
) -> str:
    """Rows for a message, by the numbers of the index, and their patients.

    "rows 3, 7 (patients P02, P04) and 12 more"
    """
    first = list(places[:5])
    listed = ", ".join(str(row) for row in table.index[first])
    more = f" and {len(places) - 5} more" if len(places) > 5 else ""
    if owners and isinstance(table, pd.DataFrame):
        ids = [patient for patient in table["patient"].iloc[first].unique() if patient]
        listed += f" (patient{'s' if len(ids) > 1 else ''} {', '.join(ids)})" if ids else ""
    return f"row{'s' if len(places) > 1 else ''} {listed}{more}"
