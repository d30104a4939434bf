"""Records: the rows of a table as JSON has them."""

from typing import Any

import numpy as np
import pandas as pd


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Convert each row to plain values; an empty cell is None, which JSON writes as null."""
    plain = table.astype(object).where(table.notna(), None)
    return [
        {
            str(name): value.item() if isinstance(value, np.generic) else value
            for name, value in row.items()
        }
        for row in plain.to_dict("records")
    ]
