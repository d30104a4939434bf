"""Table of the agreement of automatic and final masks, one row for each patient or scan."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from livermets.study.names import SCAN

TOLERANCE_MM = 2.0  # the distance up to which surfaces agree, for the surface Dice
COLUMNS = (
    *("patient", "source", "dice_liver", "surface_dice_liver", "assd_liver_mm", "hd95_liver_mm"),
    *("liver_ml_automatic", "liver_ml", "dice_lesion", "surface_dice_lesion"),
    *("lesion_ml_automatic", "lesion_ml"),
    *("lesions_automatic", "lesions", "lesions_matched", "lesions_missed", "lesions_added"),
    *("detection_f1", "dice_matched"),
)


def agreement_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Build the table from the results of `agreement.compare_masks`, one row each.

    Values are rounded to 4 digits.
    """
    scan = [SCAN] if any(SCAN in row for row in rows) else []
    return pd.DataFrame(rows, columns=[COLUMNS[0], *scan, *COLUMNS[1:]]).round(4)
