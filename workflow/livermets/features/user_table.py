"""A user's feature table, checked: labels, clinical columns, and features that tell too much."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from livermets.core.errors import BadInput
from livermets.core.text import list_names
from livermets.features.features_table import (
    FACTS,
    REASON,
    feature_columns,
)
from livermets.features.typed_table import list_rows, load_table
from livermets.study.cells import MISSING, as_numbers, cell_text
from livermets.study.clinical_columns import (
    CODES,
    clinical_columns,
    is_numeric,
    missing_codes,
    odd_cell_remedy,
    odd_cells,
)
from livermets.study.names import CLINICAL, lesion_key
from livermets.study.patient_ids import refuse_empty_cohort, refuse_unknown_exclusions

log = logging.getLogger(__name__)


def read_features(
    path: str | Path,
    columns: Mapping[str, str | None],
    classes: Sequence[str],
    on_bad_cell: str = "stop",
    exclude: Mapping[str, str] | None = None,
    label_of: str = "patient",
) -> pd.DataFrame:
    """A user's own features table, checked, with the columns named as ours and in file order.

    Columns that are neither ids nor `FACTS` nor `clinical_*` are features and must be numbers;
    missing values may stay. pyradiomics' `diagnostics_*` and an unnamed column of row numbers are
    left out, with a line in the log.

    Parameters
    ----------
    path : path
        CSV, TSV, xlsx or Parquet, also packed with gzip; one row per lesion.
    columns : mapping
        The file's names of "patient", "lesion" and "label". Without a lesion column a patient's
        rows are numbered from 1. Where a patient has several scans, a column `scan` names them.
    classes : sequence of str
        The labels allowed.
    on_bad_cell : str
        "stop" refuses a cell that is no number in a clinical column of numbers; "missing" empties
        it.
    exclude : mapping of str to str, optional
        Patient -> why they are left out. Nothing but their labels is looked at.
    label_of : {"patient", "lesion"}
        What the label belongs to; a patient with two labels is refused unless it is the lesion.

    Returns
    -------
    data frame
        The features table. Its `attrs["excluded"]`, which Parquet keeps, list patient, label,
        n_lesions and reason of those left out.

    Raises
    ------
    BadInput
        The message names the column, patient or row (of the file, as a spreadsheet counts) and what
        to do.
    """
    name = Path(path).name
    table = load_table(path, columns, text=(REASON,), text_prefix=CLINICAL)
    table, excluded = _without_excluded(table, exclude or {}, name)
    table["label"] = _labels(table["label"], [str(c) for c in classes], name, columns["label"])
    if label_of == "patient":
        _refuse_several_labels(table, name)
    for column in clinical_columns(table):
        table[column] = _clinical(table, column, on_bad_cell, name)
    features = feature_columns(table)
    if not features:
        raise BadInput(
            f"{name} has no feature: besides ids, {', '.join(FACTS)} and {CLINICAL}* it needs one "
            "column of numbers or more. Add the features"
        )
    _refuse_codes(table, features, name)
    if REASON in table:
        table[REASON] = table[REASON].astype(object).where(table[REASON].notna(), "").astype(str)
    extra = [c for c in table if c in FACTS or c in clinical_columns(table)]
    reason = [REASON] if REASON in table else []
    table = table[[*lesion_key(table), "label", *extra, *features, *reason]]
    table = table.reset_index(drop=True)
    if excluded:
        table.attrs["excluded"] = excluded
    return table


def _without_excluded(
    table: pd.DataFrame, exclude: Mapping[str, str], name: str
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """The table without the patients that the configuration leaves out, and a list of these."""
    rows = {str(patient): part for patient, part in table.groupby("patient", sort=False)}
    refuse_unknown_exclusions(exclude, list(rows), name)
    refuse_empty_cohort(exclude, set(rows) - set(exclude), name)
    excluded = [
        {
            "patient": patient,
            "label": str(rows[patient]["label"].iloc[0]),
            "n_lesions": len(rows[patient]),
            "reason": reason,
        }
        for patient, reason in exclude.items()
    ]
    return table[~table["patient"].isin(list(exclude))], excluded


def _refuse_several_labels(table: pd.DataFrame, name: str) -> None:
    """Refuse patients whose lesions have different labels."""
    labels = table.groupby("patient", sort=False)["label"].unique()
    several = labels[labels.str.len() > 1]
    if several.empty:
        return
    first = f"patient {several.index[0]} has the labels {' and '.join(several.iloc[0])}"
    others = list(several.index[1:])
    more = f", and {list_names(others, ' and ')} have several, too" if others else ""
    raise BadInput(
        f"{name}: {first}{more}. Give each patient one label, leave them out (`exclude`), or set "
        "`label_of: lesion` if the label belongs to the lesion"
    )


def _clinical(table: pd.DataFrame, column: str, on_bad_cell: str, name: str) -> pd.Series:
    """A clinical column, as numbers if it is numeric; refuses or empties odd cells."""
    values = table[column].astype(object)
    if places := odd_cells(values):
        if on_bad_cell == "stop":
            raise BadInput(
                f"{name}: column {column} holds {values.iloc[places[0]]!r} in "
                f"{list_rows(places, table)}. {odd_cell_remedy(column)}"
            )
        log.info("%s: %d cells of %s count as missing", name, len(places), column)
        values.iloc[places] = np.nan
    if is_numeric(values):
        return as_numbers(values)[0]
    return values.mask(np.array([text == "" for text in cell_text(values)], bool))


def _refuse_codes(table: pd.DataFrame, features: Sequence[str], name: str) -> None:
    """Refuse numbers such as -999 that stand for a missing value."""
    for column in features:
        values = table[column].to_numpy(float)
        if not np.isin(values, list(CODES)).any():
            continue
        filled = np.flatnonzero(np.isfinite(values))
        if codes := missing_codes(values[filled].tolist()):
            places = [int(filled[code]) for code in codes]
            raise BadInput(
                f"{name}: column {column} holds {values[places[0]]:g} in "
                f"{list_rows(places, table)}, far from all other values, as a code for a missing "
                "value. Empty the cells"
            )


def _labels(labels: pd.Series, classes: list[str], name: str, column: str | None) -> pd.Series:
    """The labels as class names (1.0 is 1); refuses others, and classes nobody has."""
    labels = labels.where(labels.isin(classes), labels.str.replace(r"\.0+$", "", regex=True))
    present = sorted(labels.unique())
    wrong = labels[~labels.isin(classes)]
    if len(missing := wrong[wrong.isin(MISSING)]):
        raise BadInput(
            f"{name}: the label column {column} holds {missing.iloc[0]!r} in row "
            f"{missing.index[0]}, which is no class of the config and reads as missing. Fill it "
            "in, or remove the rows"
        )
    spelt = {c.casefold(): c for c in classes}
    if len(wrong) and all(label.casefold() in spelt for label in wrong):
        raise BadInput(
            f"{name}: the label column {column} holds {wrong.iloc[0]!r} in row "
            f"{wrong.index[0]}, where the class is {spelt[wrong.iloc[0].casefold()]!r}. Write "
            "the labels as `classes` does"
        )
    if len(wrong):
        raise BadInput(
            f"{name}: the label column {column} holds {', '.join(map(repr, present))}, but the "
            f"config's classes are {', '.join(map(repr, classes))} (first in row "
            f"{wrong.index[0]}: {wrong.iloc[0]!r}). Set `classes: {json.dumps(present)}` and "
            "`positive` to one of them, or rename the labels in the table"
        )
    if absent := [c for c in classes if c not in present]:
        raise BadInput(
            f"{name}: no patient has the label {absent[0]!r}. Add patients of that class, or take "
            "it out of `classes`"
        )
    return labels
