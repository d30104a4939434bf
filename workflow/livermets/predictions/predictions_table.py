"""The prediction table, the one contract between models and evaluation: read it, refuse a bad one.

Columns: arm, split, patient, lesion, label (class name), score (probability of the positive
class); one row per test lesion per split. Where a study has three or more classes, also score_CLASS
for each of them. A column `threshold` may say from which score on the arm calls a row positive,
chosen on that split's training patients. A user's own table is read like any other.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from livermets.core.errors import BadInput
from livermets.study.schemes import scheme_of

COLUMNS = ["arm", "split", "patient", "lesion", "label", "score"]
KEY = ["arm", "split", "patient", "lesion"]
SUM_TOLERANCE = 0.01  # of probabilities that were rounded
READERS = {".parquet": pd.read_parquet, ".csv": pd.read_csv, ".tsv": pd.read_table}


def read_predictions(paths: Iterable[Path], classes: list[str]) -> pd.DataFrame:
    """All arms in one table, sorted by arm, split, patient and lesion.

    Parameters
    ----------
    paths : Parquet, CSV or TSV files (.gz too) of one or more arms each
    classes : the study's class names

    Raises
    ------
    BadInput : naming the file, and the arm where there is one
    """
    tables, home = [], {}
    for path in sorted(Path(path) for path in paths):
        table = check_predictions(_read(path), classes, f"predictions file {path.name}")
        for arm in table["arm"].unique():
            if arm in home:
                raise BadInput(
                    f"predictions file {path.name}: the arm {arm!r} is already in {home[arm]}. "
                    "Give it another name in the column `arm`."
                )
            home[arm] = path.name
        tables.append(table)
    if not tables:
        raise BadInput("there is no predictions table to evaluate. Run at least one arm.")
    together = pd.concat(tables, ignore_index=True)
    check_labels(together)
    return together.sort_values(KEY, kind="stable", ignore_index=True)


def _read(path: Path) -> pd.DataFrame:
    suffix = next((part for part in reversed(path.suffixes) if part != ".gz"), "")
    if suffix not in READERS:
        raise BadInput(f"predictions file {path.name}: give it as .parquet, .csv or .tsv.")
    as_text = {} if suffix == ".parquet" else {"dtype": {"patient": str}, "keep_default_na": True}
    try:
        return READERS[suffix](path, **as_text)
    except (OSError, ValueError) as error:
        raise BadInput(
            f"predictions file {path.name} cannot be read ({error}). Write it again."
        ) from error


def score_columns(classes: list[str]) -> list[str]:
    """The columns that hold each class's probability; none with two classes, where `score` does."""
    return [f"score_{name}" for name in classes] if len(classes) > 2 else []


def check_predictions(
    table: pd.DataFrame, classes: list[str], name: str = "predictions"
) -> pd.DataFrame:
    """The table with its columns in their types, or BadInput saying what is wrong with it."""
    scores = ["score", *score_columns(classes)]
    needed = [*COLUMNS, *scores[1:]]
    missing = [column for column in needed if column not in table]
    if missing:
        raise BadInput(
            f"{name}: the column {_some(missing)} is missing. "
            f"A predictions table of {len(classes)} classes has the columns {', '.join(needed)}."
        )
    if table.empty:
        raise BadInput(f"{name}: the table has no rows. Remove the file or run the arm again.")
    optional = [column for column in ("threshold",) if column in table]
    table = table[needed + optional].copy()
    empty = [column for column in needed if table[column].isna().any()]
    if empty:
        raise BadInput(f"{name}: the column {_some(empty)} has empty cells. Fill or drop the rows.")
    try:
        table[scores + optional] = table[scores + optional].astype(float)
        table["lesion"] = table["lesion"].astype(np.int64)
    except (TypeError, ValueError) as error:
        raise BadInput(
            f"{name}: lesion must hold whole numbers and score probabilities ({error})."
        ) from error
    for column in ("arm", "split", "patient", "label"):
        table[column] = table[column].astype(str)
    for column in scores:
        odd = table[~table[column].between(0, 1)]
        if len(odd):
            raise BadInput(
                f"{name}: {len(odd)} values of {column} of arm {odd['arm'].iloc[0]!r} are outside "
                f"[0, 1] (first: {odd[column].iloc[0]}). Write probabilities of the class."
            )
    if scores[1:]:
        odd = table[(table[scores[1:]].sum(axis=1) - 1).abs() > SUM_TOLERANCE]
        if len(odd):
            raise BadInput(
                f"{name}: {len(odd)} rows of arm {odd['arm'].iloc[0]!r} have scores that do not "
                f"add up to 1 over {', '.join(scores[1:])}. Write probabilities of all classes."
            )
    unknown = sorted(set(table["label"]) - set(classes))
    if unknown:
        arm = table.loc[table["label"] == unknown[0], "arm"].iloc[0]
        raise BadInput(
            f"{name}: arm {arm!r} has the unknown label {_some(unknown)}. "
            f"Use the classes of the config: {', '.join(classes)}."
        )
    twice = table[table.duplicated(KEY)]
    if len(twice):
        arm, split, patient, lesion = twice[KEY].iloc[0]
        raise BadInput(
            f"{name}: arm {arm!r} scores lesion {lesion} of patient {patient} more than once in "
            f"{split} ({len(twice)} such rows). Keep one row per lesion and split."
        )
    return table


def check_labels(table: pd.DataFrame) -> None:
    """Refuse arms that disagree about a patient's label: one of them was run on other data."""
    labels = table[["arm", "patient", "label"]].drop_duplicates()
    first = labels.drop_duplicates("patient").set_index("patient")
    other = labels[labels["label"] != labels["patient"].map(first["label"])]
    if len(other):
        arm, patient, label = other.iloc[0]
        before = first.loc[patient]
        raise BadInput(
            f"predictions: arm {arm!r} calls patient {patient} {label!r}, arm "
            f"{before['arm']!r} calls the same patient {before['label']!r}. "
            "Run the arms on the same cohort."
        )


def check_splits(table: pd.DataFrame, splits: pd.DataFrame) -> None:
    """Refuse rows of a patient who is not in the test part of the split (leakage)."""
    unknown = sorted(set(table["split"]) - set(splits["split"]))
    if unknown:
        arm = table.loc[table["split"] == unknown[0], "arm"].iloc[0]
        raise BadInput(
            f"predictions: arm {arm!r} has the split {_some(unknown)}, which this study does not "
            "have. Use the names in splits.parquet."
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
    """The predictions with the columns `scheme` and `repeat` that their split says."""
    named = {split: scheme_of(split) for split in predictions["split"].unique()}
    return predictions.assign(
        scheme=predictions["split"].map({split: parts[0] for split, parts in named.items()}),
        repeat=predictions["split"].map({split: parts[1] for split, parts in named.items()}),
    )


def _some(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:3])
    return shown + (f" and {len(names) - 3} more" if len(names) > 3 else "")
