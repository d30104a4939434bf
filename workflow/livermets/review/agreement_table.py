"""Table of the agreement of automatic and final masks, and its summary for the report."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

TOLERANCE_MM = 2.0  # the distance up to which surfaces agree, for the surface Dice
COLUMNS = (
    *("patient", "source", "dice_liver", "surface_dice_liver", "assd_liver_mm", "hd95_liver_mm"),
    *("liver_ml_automatic", "liver_ml", "dice_lesion", "surface_dice_lesion"),
    *("lesion_ml_automatic", "lesion_ml"),
    *("lesions_automatic", "lesions", "lesions_matched", "lesions_missed", "lesions_added"),
    *("detection_f1", "dice_matched"),
)


def agreement_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The table with one row for each patient, from the results of `agreement.compare_masks`.

    Values are rounded to 4 digits.
    """
    return pd.DataFrame(rows, columns=list(COLUMNS)).round(4)


def summary(table: pd.DataFrame) -> list[tuple[str, str]]:
    """The lines of the report's section: medians and ranges over patients, lesions summed."""
    if table.empty:
        return []

    def spread(column: str, unit: str = "") -> str:
        values = pd.to_numeric(table[column]).dropna()
        if values.empty:
            return "none"
        return f"{values.median():.2f} ({values.min():.2f} to {values.max():.2f}){unit}"

    total = {name: int(table[f"lesions{name}"].sum()) for name in ("", "_matched", "_missed")}
    added = int(table["lesions_added"].sum())
    lines = [
        ("Patients with an automatic and another mask", str(len(table))),
        ("Dice of the liver, median (range)", spread("dice_liver")),
        (f"Surface Dice of the liver at {TOLERANCE_MM:g} mm", spread("surface_dice_liver")),
        ("Liver volume, automatic minus final (ml)", _difference(table, "liver_ml")),
        ("Dice of the lesions", spread("dice_lesion")),
        ("Lesion volume, automatic minus final (ml)", _difference(table, "lesion_ml")),
        ("Lesions found by both", f"{total['_matched']} of {total['']}"),
        ("Lesions the model missed", str(total["_missed"])),
        ("Lesions the model added", str(added)),
    ]
    return lines


def _difference(table: pd.DataFrame, column: str) -> str:
    off = table[f"{column}_automatic"] - table[column]
    return f"{off.median():+.1f} ({off.min():+.1f} to {off.max():+.1f})"
