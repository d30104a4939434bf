"""The cohort sheet of a table of series, which a person may have edited."""

import pandas as pd

from livermets.core.errors import BadInput
from livermets.study.cohort_sheet import SHEET_COLUMNS, UNSURE

USE, DO_NOT_USE = "yes", "no"  # what a person writes into `use`


def draft_sheet(series: pd.DataFrame) -> pd.DataFrame:
    """The cohort sheet of a table of series: for each patient the one to use.

    Parameters
    ----------
    series : DataFrame
        Columns patient, chosen (see `choose_series`), unsure, n_slices and path.

    Returns
    -------
    DataFrame
        patient, label (to be filled in), ct (empty if no series can be used), n_slices, mask, site,
        unsure (what a person has to decide before the study runs).
    """
    sheet = []
    for patient, rows in series.groupby("patient", sort=False):
        picked = rows[rows["chosen"]]
        ct, slices = ("", "") if picked.empty else picked[["path", "n_slices"]].iloc[0]
        # Who a patient without a CT is need not be decided
        unsure = "; ".join(dict.fromkeys(filter(None, rows[UNSURE]))) if ct else ""
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


def keep_cells(sheet: pd.DataFrame, series: pd.DataFrame, old: pd.DataFrame) -> pd.DataFrame:
    """The sheet with the labels, masks, sites and clinical columns that an older sheet has.

    A row of the older sheet is that of a patient if it names the path of one of their series.
    """
    if "ct" not in old:
        return sheet
    patient_of = dict(zip(series["path"], series["patient"], strict=True))
    old = old.assign(patient=[patient_of.get(path, "") for path in old["ct"]])
    old = old[old["patient"] != ""].drop_duplicates("patient").set_index("patient")
    for column in [name for name in old.columns if name not in ("ct", "n_slices", UNSURE)]:
        sheet[column] = [old[column].get(patient, "") for patient in sheet["patient"]]
    return sheet
