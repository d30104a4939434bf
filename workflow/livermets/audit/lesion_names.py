"""Names of lesions in the findings of the audit: their number, and their scan where it matters."""

import pandas as pd

from livermets.study.names import SCAN

LesionName = int | str


def lesion_names(table: pd.DataFrame) -> list[LesionName]:
    """Name the lesion of each row: 2, or "2 of scan baseline" in a table with a column scan."""
    numbers = [int(number) for number in table["lesion"]]
    if SCAN not in table:
        return list(numbers)
    return [f"{number} of scan {scan}" for number, scan in zip(numbers, table[SCAN], strict=True)]
