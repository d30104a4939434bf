"""Embeddings of other networks, from a table that the user has: a feature set like any other.

The table has a row for each lesion: patient, scan (where the cohort sheet lists scans), lesion and
columns of numbers. In the features table these are called `embeddings_{column}`.
"""

import logging
from pathlib import Path

import pandas as pd

from livermets.core.errors import BadInput
from livermets.core.scan_ids import in_words, scan_id
from livermets.core.text import list_names
from livermets.features.typed_table import list_rows, load_table
from livermets.study.names import EMBEDDINGS, SCAN, lesion_key
from livermets.study.table_file import read_table_columns

log = logging.getLogger(__name__)
SHOWN = 5  # lesions that a message names


def with_embeddings(features: pd.DataFrame, path: str | Path) -> pd.DataFrame:
    """Add the embeddings of every lesion to the features table.

    Parameters
    ----------
    features : data frame
        The features table.
    path : path
        Parquet, CSV, TSV or xlsx, also packed with gzip.

    Returns
    -------
    data frame
        The rows of `features`, in their order. Rows of lesions that the study has not (dropped, or
        of patients who are left out) are counted in the log.

    Raises
    ------
    BadInput
        A lesion of the study has no row, a lesion has two, a cell is empty or no number, or a
        column is missing or has a label. The message names file, patient and lesion.
    """
    name = Path(path).name
    table = _read(Path(path), name, lesion_key(features))
    key = lesion_key(features)
    rows = pd.MultiIndex.from_frame(table[key])
    lesions = pd.MultiIndex.from_frame(features[key])
    missing = lesions[~lesions.isin(rows)]
    if len(missing):
        named = [f"{in_words(scan_id(*owner))} lesion {lesion}" for *owner, lesion in missing]
        more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
        raise BadInput(
            f"{name} misses {len(named)} of {len(features)} lesions: patient "
            f"{', '.join(named[:SHOWN])}{more}. Add a row for each lesion of results/features."
            "parquet, or set embeddings to null"
        )
    if unused := int((~rows.isin(lesions)).sum()):
        log.info("%s: %d rows are of lesions that this study has not", name, unused)
    values = table.drop(columns=key)
    values.columns = [f"{EMBEDDINGS}_{column}" for column in values]
    if twice := [column for column in values if column in features]:
        raise BadInput(
            f"{name}: the features table has a column {twice[0]} already. Rename the column in one "
            "of the two tables"
        )
    values.index = rows
    joined = features.join(values.loc[lesions].set_axis(features.index, axis=0))
    joined.attrs = dict(features.attrs)
    return joined


def _read(path: Path, name: str, key: list[str]) -> pd.DataFrame:
    """The table with ids and numbers alone, checked by itself."""
    table = load_table(path, {what: what for what in key if what != SCAN})
    if "lesion" not in read_table_columns(path, "features"):
        raise BadInput(
            f"{name} has no column lesion, so nobody can tell whose embedding a row is. Add the "
            "numbers of the lesions as results/features.parquet has them"
        )
    if "label" in table:
        raise BadInput(
            f"{name} has a column label, which the features table has already and no model may "
            "learn from. Remove the column"
        )
    if SCAN in key and SCAN not in table:
        raise BadInput(
            f"{name} has no column scan, and this study has several scans of a patient. Add the "
            "column as the cohort sheet has it"
        )
    if SCAN in table and SCAN not in key:
        raise BadInput(
            f"{name} has a column scan, and the cohort sheet has none. Add the column to the "
            "sheet, or remove it here"
        )
    columns = [column for column in table if column not in key]
    if not columns:
        raise BadInput(f"{name} has no column of numbers beside {list_names(key)}. Add them")
    empty = table[columns].isna().any(axis=1).to_numpy().nonzero()[0]
    if len(empty):
        cells = table[columns].isna()
        column = cells.columns[cells.any()][0]
        raise BadInput(
            f"{name}: column {column} is empty in {list_rows(empty, table)}. Compute the "
            "embedding of each lesion whole"
        )
    return table[[*key, *columns]]
