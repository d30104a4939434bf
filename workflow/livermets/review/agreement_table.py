"""Table of the agreement of automatic and final masks, one row for each patient."""

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
    """Build the table with one row for each patient from the results of `agreement.compare_masks`.

    Values are rounded to 4 digits.
    """
    return pd.DataFrame(rows, columns=list(COLUMNS)).round(4)
