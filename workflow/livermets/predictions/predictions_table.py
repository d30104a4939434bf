"""The prediction table, which every model writes and the evaluation reads.

Columns: arm, split, patient, lesion, label (class name), score (probability of the positive
class); one row per test lesion per split. With three or more classes also score_CLASS of each. A
column `threshold` may say from which score on the arm calls a row positive, chosen on that split's
training patients. Where the study has several scans of a patient, a column `scan` stands after the
patient: lesions are numbered in each scan. A user's own table is read like any other.
"""

from collections.abc import Hashable, Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from livermets.core.errors import BadInput
from livermets.core.scan_ids import in_words, scan_id
from livermets.core.text import list_names
from livermets.study.cells import as_numbers, as_text
from livermets.study.names import SCAN, lesion_key
from livermets.study.patient_ids import refuse_changed_ids
from livermets.study.schemes import scheme_of
from livermets.study.table_file import read_table_file

COLUMNS = ["arm", "split", "patient", "lesion", "label", "score"]
MAX_LESION = 10**9  # larger numbers are not exact as floating point numbers
SUM_TOLERANCE = 0.01  # of probabilities that were rounded
TEXT = ("arm", "split", "patient", SCAN, "label")


def prediction_columns(columns: Iterable[Hashable]) -> list[str]:
    """Name the columns of a prediction table: `COLUMNS`, with scan where `columns` have it."""
    return ["arm", "split", *lesion_key(columns), "label", "score"]


def read_predictions(paths: Iterable[Path], classes: list[str]) -> pd.DataFrame:
    """Read all arms into one table, sorted by arm, split, patient, scan and lesion.

    Parameters
    ----------
    paths : iterable of path
        Parquet, CSV, TSV or xlsx files (.gz too) of one or more arms each.
    classes : list of str
        The study's class names.

    Returns
    -------
    data frame
        The checked rows of all files.

    Raises
    ------
    BadInput
        The message names the file, and the arm where there is one.
    """
    tables: list[pd.DataFrame] = []
    file_of: dict[str, str] = {}  # arm -> name of its file
    for path in sorted(Path(path) for path in paths):
        table = check_predictions(_read(path), classes, f"predictions file {path.name}")
        for arm in table["arm"].unique():
            if arm in file_of:
                raise BadInput(
                    f"predictions file {path.name}: the arm {arm!r} is already in {file_of[arm]}. "
                    "Give it another name in the column `arm`."
                )
            file_of[arm] = path.name
        tables.append(table)
    if not tables:
        raise BadInput("there is no predictions table to evaluate. Run at least one arm.")
    predictions = pd.concat(tables, ignore_index=True)
    if SCAN in predictions:  # a table without scans matches the others by patient alone
        columns = prediction_columns(predictions)
        columns += [str(name) for name in predictions if name not in columns]
        predictions = predictions[columns].fillna({SCAN: ""})
    check_labels(predictions)
    key = ["arm", "split", *lesion_key(predictions)]
    return predictions.sort_values(key, kind="stable", ignore_index=True)


def _read(path: Path) -> pd.DataFrame:
    """The table of a file, with names as text and every other column as numbers."""
    table = read_table_file(path, "predictions")
    columns: dict[Hashable, pd.Series] = {}
    for name, cells in table.items():
        if name in TEXT:
            columns[name] = as_text(cells).mask(lambda text: text == "")
            continue
        columns[name], wrong = as_numbers(cells)
        if wrong and str(name).startswith(("lesion", "score", "threshold")):
            raise BadInput(
                f"predictions file {path.name}: row {table.index[wrong[0]]}: the column {name} "
                f"holds {cells.iloc[wrong[0]]!r}, which is no number. Write numbers with a decimal "
                "point."
            )
    if "patient" in columns:
        refuse_changed_ids(columns["patient"].dropna(), f"predictions file {path.name}")
    return pd.DataFrame(columns, index=table.index)


def score_columns(classes: list[str]) -> list[str]:
    """Name the columns of each class's probability; none with two classes."""
    return [f"score_{name}" for name in classes] if len(classes) > 2 else []


def check_predictions(
    table: pd.DataFrame, classes: list[str], name: str = "predictions"
) -> pd.DataFrame:
    """Check the table of one file and convert its columns to their types.

    Parameters
    ----------
    table : data frame
        A prediction table.
    classes : list of str
        The study's class names.
    name : str
        The table's name in messages.

    Returns
    -------
    data frame
        The columns of the contract alone, in its order.

    Raises
    ------
    BadInput
        A column is missing, a value is out of range, or a lesion stands twice.
    """
    scores = ["score", *score_columns(classes)]
    needed = [*prediction_columns(table), *scores[1:]]
    missing = [column for column in needed if column not in table]
    if missing:
        raise BadInput(
            f"{name}: the column {list_names(map(repr, missing))} is missing. "
            f"A predictions table of {len(classes)} classes has the columns {', '.join(needed)}."
        )
    if table.empty:
        raise BadInput(f"{name}: the table has no rows. Remove the file or run the arm again.")
    optional = [column for column in ("threshold",) if column in table]
    table = table[needed + optional].copy()
    empty = [column for column in needed if table[column].isna().any()]
    if empty:
        raise BadInput(
            f"{name}: the column {list_names(map(repr, empty))} has empty cells. "
            "Fill or drop the rows."
        )
    try:
        table[scores + optional] = table[scores + optional].astype(float)
        lesion = table["lesion"].astype(float)
    except (TypeError, ValueError) as error:
        raise BadInput(
            f"{name}: lesion must hold whole numbers and score probabilities ({error})."
        ) from error
    fraction = table[(lesion % 1 != 0) | (lesion.abs() > MAX_LESION)]
    if len(fraction):
        arm, patient, number = fraction[["arm", "patient", "lesion"]].iloc[0]
        raise BadInput(
            f"{name}: arm {arm!r} gives lesion number {number} of patient {patient}. Number the "
            "lesions of a patient 1, 2, 3 and so on."
        )
    table["lesion"] = lesion.astype(np.int64)
    for column in (name for name in TEXT if name in table):
        table[column] = table[column].astype(str)
    for column in scores:
        outside = table[~table[column].between(0, 1)]
        if len(outside):
            arm, value = outside[["arm", column]].iloc[0]
            raise BadInput(
                f"{name}: {len(outside)} values of {column} of arm {arm!r} are outside "
                f"[0, 1] (first: {value}). Write probabilities of the class."
            )
    if scores[1:]:
        off = table[(table[scores[1:]].sum(axis=1) - 1).abs() > SUM_TOLERANCE]
        if len(off):
            raise BadInput(
                f"{name}: {len(off)} rows of arm {off['arm'].iloc[0]!r} have scores that do not "
                f"add up to 1 over {', '.join(scores[1:])}. Write probabilities of all classes."
            )
    unknown = sorted(set(table["label"]) - set(classes))
    if unknown:
        arm = table.loc[table["label"] == unknown[0], "arm"].iloc[0]
        raise BadInput(
            f"{name}: arm {arm!r} has the unknown label {list_names(map(repr, unknown))}. "
            f"Use the classes of the config: {', '.join(classes)}."
        )
    duplicates = table[table.duplicated(["arm", "split", *lesion_key(table)])]
    if len(duplicates):
        arm, split, lesion = duplicates[["arm", "split", "lesion"]].iloc[0]
        owner = in_words(scan_id(*duplicates[lesion_key(table)[:-1]].iloc[0]))
        hint = "" if SCAN in table else ", or add the column `scan` of the cohort sheet"
        raise BadInput(
            f"{name}: arm {arm!r} scores lesion {lesion} of patient {owner} more than once in "
            f"{split} ({len(duplicates)} such rows). Keep one row per lesion and split{hint}."
        )
    return table


def check_labels(table: pd.DataFrame) -> None:
    """Refuse arms that disagree about the label of a patient or a lesion: their data differ.

    Where lesions carry the label, a patient has several. Then each lesion must have the same label
    in all arms, and two arms must have a label of the patient in common.
    """
    key = lesion_key(table)
    labels = table[["arm", *key, "label"]].drop_duplicates()
    before = labels.drop_duplicates(key)
    pairs = labels.merge(before, on=key, suffixes=("", "_before"))
    conflicts = pairs[pairs["label"] != pairs["label_before"]]
    if conflicts.empty:
        of_patients = labels[["arm", "patient", "label"]].drop_duplicates()
        first = of_patients.drop_duplicates("patient")
        of_first = of_patients.merge(first[["arm", "patient"]])
        shared = of_patients.merge(of_first[["patient", "label"]])
        alike = pd.MultiIndex.from_frame(shared[["arm", "patient"]])
        apart = of_patients[~pd.MultiIndex.from_frame(of_patients[["arm", "patient"]]).isin(alike)]
        conflicts = apart.merge(first, on="patient", suffixes=("", "_before"))
    if len(conflicts):
        wrong = conflicts.iloc[0]
        raise BadInput(
            f"predictions: arm {wrong['arm']!r} calls patient {wrong['patient']} "
            f"{wrong['label']!r}, arm {wrong['arm_before']!r} calls the same patient "
            f"{wrong['label_before']!r}. Run the arms on the same cohort."
        )


def check_splits(table: pd.DataFrame, splits: pd.DataFrame) -> None:
    """Refuse rows of patients who are not in the test part of the split (leakage)."""
    unknown = sorted(set(table["split"]) - set(splits["split"]))
    if unknown:
        arm = table.loc[table["split"] == unknown[0], "arm"].iloc[0]
        raise BadInput(
            f"predictions: arm {arm!r} has the split {list_names(map(repr, unknown))}, "
            "which this study does not have. Use the names in splits.parquet."
        )
    test = splits.loc[splits["role"] == "test", ["split", "patient"]].astype(str)
    allowed = pd.MultiIndex.from_frame(test)
    rows = pd.MultiIndex.from_frame(table[["split", "patient"]])
    leaked = table[~rows.isin(allowed)]
    if len(leaked):
        arm, split, patient = leaked[["arm", "split", "patient"]].iloc[0]
        raise BadInput(
            f"predictions: arm {arm!r} scores patient {patient} in {split}, where that patient is "
            "not in the test part. Score test patients only."
        )


def with_scheme(predictions: pd.DataFrame) -> pd.DataFrame:
    """Add the columns `scheme` and `repeat`, from the names of the splits."""
    schemes = {split: scheme_of(split) for split in predictions["split"].unique()}
    return predictions.assign(
        scheme=predictions["split"].map({split: scheme for split, (scheme, _) in schemes.items()}),
        repeat=predictions["split"].map({split: repeat for split, (_, repeat) in schemes.items()}),
    )
