"""A user's features table: read as spreadsheets, R and pyradiomics write it, and checked."""

import csv
import difflib
import gzip
import io
import json
import logging
import zlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from livermets.core.errors import BadInput
from livermets.features.features_table import (
    FACTS,
    IDS,
    REASON,
    clinical_columns,
    feature_columns,
)
from livermets.study.clinical_columns import is_numeric, odd_cell_remedy, odd_cells
from livermets.study.names import CLINICAL

log = logging.getLogger(__name__)
SEPARATORS = {".csv": ",", ".tsv": "\t"}
UNREADABLE = (ValueError, OSError, EOFError, zlib.error)


def read_features(
    path: str | Path,
    columns: Mapping[str, str | None],
    classes: Sequence[str],
    on_bad_cell: str = "stop",
    exclude: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """A user's own features table, checked, with the columns named as ours and in file order.

    Columns that are neither ids nor `FACTS` nor `clinical_*` are features and must be numbers;
    missing values may stay. pyradiomics' `diagnostics_*` and an unnamed column of row numbers are
    left out, with a line in the log.

    Parameters
    ----------
    path : path
        CSV, TSV or Parquet, also with .gz; one row per lesion.
    columns : mapping
        The file's names of "patient", "lesion" and "label". Without a lesion column a patient's
        rows are numbered from 1.
    classes : sequence of str
        The labels allowed.
    on_bad_cell : str
        "stop" refuses a cell that is no number in a clinical column of numbers; "missing" empties
        it.
    exclude : mapping of str to str, optional
        Patient -> why they are left out. Nothing but their labels is looked at.

    Returns
    -------
    data frame
        The features table. Its `attrs["excluded"]`, which Parquet keeps, list patient, label,
        n_lesions and reason of those left out.

    Raises
    ------
    BadInput
        The message names the column, patient or row (1 is the first below the header) and what to
        do.
    """
    name = Path(path).name
    table = load_table(path, columns, text=(REASON,), text_prefix=CLINICAL)
    table, excluded = _without_excluded(table, exclude or {}, name)
    table["label"] = _labels(table["label"], [str(c) for c in classes], name, columns["label"])
    labels = table.groupby("patient", sort=False)["label"].unique()
    if len(several := labels[labels.str.len() > 1]):
        raise BadInput(
            f"{name}: patient {several.index[0]} has the labels {' and '.join(several.iloc[0])}. "
            "Give each patient one label"
        )
    for column in clinical_columns(table):
        table[column] = _clinical(table, column, on_bad_cell, name)
    features = feature_columns(table)
    if not features:
        raise BadInput(
            f"{name} has no feature: besides ids, {', '.join(FACTS)} and {CLINICAL}* it needs one "
            "column of numbers or more. Add the features"
        )
    if REASON in table:
        table[REASON] = table[REASON].astype(object).where(table[REASON].notna(), "").astype(str)
    extra = [c for c in table if c in FACTS or c in clinical_columns(table)]
    table = table[[*IDS, *extra, *features, *(c for c in (REASON,) if c in table)]]
    if excluded:
        table.attrs["excluded"] = excluded
    return table


def _without_excluded(
    table: pd.DataFrame, exclude: Mapping[str, str], name: str
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """The table without the patients that the configuration leaves out, and a list of these."""
    rows = dict(iter(table.groupby("patient", sort=False)))
    for patient in exclude:
        if patient not in rows:
            near = difflib.get_close_matches(patient, rows, n=1)
            raise BadInput(
                f"{name} has no patient {patient}, whom `exclude` in the config names"
                + (f" (did you mean {near[0]}?)" if near else "")
                + ". Write the id as the table does, in quotes, or remove it"
            )
    excluded = [
        {
            "patient": patient,
            "label": str(rows[patient]["label"].iloc[0]),
            "n_lesions": len(rows[patient]),
            "reason": reason,
        }
        for patient, reason in exclude.items()
    ]
    kept = table[~table["patient"].isin(list(exclude))]
    if kept.empty:
        raise BadInput(f"`exclude` in the config leaves no patient of {name}. Remove some of them")
    return kept, excluded


def load_table(
    path: str | Path,
    columns: Mapping[str, str | None],
    text: Collection[str] = (),
    text_prefix: str | tuple[str, ...] = (),
) -> pd.DataFrame:
    """The file's table with patient and label as text, lesion as integer, the rest as numbers.

    Parameters
    ----------
    path : path
        CSV, TSV or Parquet, also with .gz.
    columns : mapping
        The file's names of "patient", "lesion" and "label"; lesion may be absent.
    text : collection of str
        Columns that may hold text.
    text_prefix : str or tuple of str
        Beginnings of the names of columns that may hold text.

    Returns
    -------
    data frame
        All other columns hold finite or missing numbers. The index counts the rows from 0.

    Raises
    ------
    BadInput
        The message names file, column and row, and what to do.
    """
    path = Path(path)
    table = _without_unnamed(_read(path, columns), path.name)
    table = _with_our_names(table, columns, path.name)
    for what in ("patient", "label"):
        table[what] = _text(table[what])
        if len(empty := np.flatnonzero(table[what].isna())):
            raise BadInput(
                f"{path.name}: {what} (column {columns[what]}) is missing in "
                f"{_rows(empty, table)}. Fill it in, or remove the rows"
            )
    unchanged = ("patient", "label", *text)
    converted = {
        column: values
        if column in unchanged or str(column).startswith(text_prefix)
        else _numbers(values, path.name)
        for column, values in table.drop(columns="lesion", errors="ignore").items()
    }
    table = pd.DataFrame(converted | {"lesion": _lesions(table, columns, path.name)})
    _refuse_infinite(table, path.name)
    return table


def _read(path: Path, columns: Mapping[str, str | None]) -> pd.DataFrame:
    """The file as it is, ids as text."""
    kind = path.with_suffix("") if path.suffix == ".gz" else path
    suffix = kind.suffix.lower()
    if suffix not in (*SEPARATORS, ".parquet"):
        raise BadInput(f"{path} is no .csv, .tsv or .parquet (or .gz of one). Save it as one")
    try:
        data = path.read_bytes()
        data = gzip.decompress(data) if path.suffix == ".gz" else data
        if suffix == ".parquet":
            return pq.read_table(io.BytesIO(data)).to_pandas(ignore_metadata=True)
        separator = SEPARATORS[suffix]
        lines = csv.reader(io.StringIO(data.decode("utf-8-sig")), delimiter=separator)
        header = next(lines, [])
        _check_header(header, next(lines, header), path.name)
        return pd.read_csv(
            io.BytesIO(data),
            sep=separator,
            encoding="utf-8-sig",
            dtype={columns[what]: str for what in ("patient", "label")},
            low_memory=False,
        )
    except BadInput:
        raise
    except UNREADABLE as problem:
        reason = " ".join(str(problem).split())
        raise BadInput(f"{path} cannot be read: {reason}. Correct or replace the file") from problem


def _check_header(header: list[str], first: list[str], name: str) -> None:
    """Refuse a name used twice and row names without a header, which pandas takes silently."""
    if repeated := {column for column in header if column and header.count(column) > 1}:
        raise BadInput(f"{name}: column {min(repeated)} is there twice. Rename or remove one")
    if len(first) > len(header):
        raise BadInput(
            f"{name}: its first row has more fields than its header has names. Name every column "
            "(in R: write.csv(..., row.names = FALSE))"
        )


def _without_unnamed(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The table without unnamed columns (row numbers, empty) and pyradiomics' diagnostics."""
    for place, column in enumerate(table.columns, start=1):
        if not str(column).startswith(("Unnamed: ", "__index_level_")):
            continue
        start = table[column].iloc[0] if len(table) else 0
        counts = start in (0, 1) and list(table[column]) == list(range(start, start + len(table)))
        if not counts and not table[column].isna().all():
            raise BadInput(f"{name}: column {place} has no name. Name it, or remove it")
        log.info("%s: left out column %d, which has no name and counts the rows", name, place)
        table = table.drop(columns=column)
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


def _text(values: pd.Series) -> pd.Series:
    """Ids as text without blanks around them: 7 and 7.0 are "7", an empty text is missing."""
    if pd.api.types.is_float_dtype(values) and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")
    text = values.astype(object).where(values.notna(), "").astype(str).str.strip()
    return text.mask(text == "")


def _lesions(table: pd.DataFrame, columns: Mapping[str, str | None], name: str) -> pd.Series:
    """Lesion numbers: the file's, or counted from 1 within each patient."""
    if "lesion" not in table:
        return table.groupby("patient", sort=False).cumcount() + 1
    numbers = pd.to_numeric(table["lesion"], errors="coerce")
    wrong = np.flatnonzero(numbers.isna() | (numbers % 1 != 0))
    if len(wrong):
        raise BadInput(
            f"{name}: lesion (column {columns['lesion']}) is no whole number in "
            f"{_rows(wrong, table)}. Number the lesions, or remove the column to have them numbered"
        )
    keys = table.assign(lesion=numbers.astype("int64"))[["patient", "lesion"]]
    if keys.duplicated().any():
        patient, lesion = keys[keys.duplicated()].iloc[0]
        same = np.flatnonzero((keys["patient"] == patient) & (keys["lesion"] == lesion))
        raise BadInput(
            f"{name}: lesion {lesion} of patient {patient} is there {len(same)} times, in "
            f"{_rows(same)}. Keep one row per lesion"
        )
    return numbers.astype("int64")


def _numbers(values: pd.Series, name: str) -> pd.Series:
    """A column of numbers as float64; refuses text."""
    if pd.api.types.is_numeric_dtype(values):
        return values.astype("float64")
    values = values.astype(object).map(str, na_action="ignore")  # dates, categories
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    wrong = np.flatnonzero(numbers.isna() & values.notna())
    if len(wrong):
        raise BadInput(
            f"{name}: column {values.name} holds {str(values.iloc[wrong[0]])!r} in "
            f"{_rows(wrong)}, which is no number. Correct or empty the cells (decimals need a "
            f"point), remove the column, or call it clinical_{values.name} if it is a clinical one"
        )
    return numbers


def _clinical(table: pd.DataFrame, column: str, on_bad_cell: str, name: str) -> pd.Series:
    """A clinical column, as numbers if it is numeric; refuses or empties odd cells."""
    values = table[column]
    if places := odd_cells(values):
        if on_bad_cell == "stop":
            raise BadInput(
                f"{name}: column {column} holds {values.iloc[places[0]]!r} in "
                f"{_rows(np.array(places), table)}. {odd_cell_remedy(column)}"
            )
        log.info("%s: %d cells of %s count as missing", name, len(places), column)
        values = values.astype(object)
        values.iloc[places] = np.nan
    return pd.to_numeric(values, errors="coerce") if is_numeric(values) else values


def _refuse_infinite(table: pd.DataFrame, name: str) -> None:
    numbers = table.select_dtypes("number")
    infinite = np.isinf(numbers.to_numpy(float))
    if infinite.any():
        columns = numbers.columns[infinite.any(axis=0)]
        more = f" and {len(columns) - 3} more" if len(columns) > 3 else ""
        raise BadInput(
            f"{name}: infinite values in column {', '.join(columns[:3])}{more}, "
            f"{_rows(np.flatnonzero(infinite.any(axis=1)), table)}. Empty the cells (missing is "
            "allowed), or correct them"
        )


def _rows(places: np.ndarray, table: pd.DataFrame | None = None) -> str:
    """Rows for a message, 1 being the first below the header, and their patients.

    "rows 3, 7 (patients P02, P04) and 12 more"
    """
    first = places[:5]
    listed = ", ".join(str(place + 1) for place in first)
    more = f" and {len(places) - 5} more" if len(places) > 5 else ""
    owners = "" if table is None else ", ".join(table["patient"].iloc[first].dropna().unique())
    if owners:
        listed += f" (patient{'s' if ', ' in owners else ''} {owners})"
    return f"row{'s' if len(places) > 1 else ''} {listed}{more}"


def _labels(labels: pd.Series, classes: list[str], name: str, column: str | None) -> pd.Series:
    """The labels as class names (1.0 is 1); refuses others, and classes nobody has."""
    labels = labels.where(labels.isin(classes), labels.str.replace(r"\.0+$", "", regex=True))
    present = sorted(labels.unique())
    wrong = labels[~labels.isin(classes)]
    spelt = {c.casefold(): c for c in classes}
    if len(wrong) and all(label.casefold() in spelt for label in wrong):
        raise BadInput(
            f"{name}: the label column {column} holds {wrong.iloc[0]!r} in row "
            f"{wrong.index[0] + 1}, where the class is {spelt[wrong.iloc[0].casefold()]!r}. Write "
            "the labels as `classes` does"
        )
    if len(wrong):
        raise BadInput(
            f"{name}: the label column {column} holds {', '.join(map(repr, present))}, but the "
            f"config's classes are {', '.join(map(repr, classes))} (first in row "
            f"{wrong.index[0] + 1}: {wrong.iloc[0]!r}). Set `classes: {json.dumps(present)}` and "
            "`positive` to one of them, or rename the labels in the table"
        )
    if absent := [c for c in classes if c not in present]:
        raise BadInput(
            f"{name}: no patient has the label {absent[0]!r}. Add patients of that class, or take "
            "it out of `classes`"
        )
    return labels
