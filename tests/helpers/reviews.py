"""Reviews as the page of a scan saves them."""

import json
from pathlib import Path
from typing import Any

import pandas as pd


def review_of(
    table: pd.DataFrame,
    scan: str = "P01",
    reader: str = "Anna",
    decision: str = "accept",
    delete: dict[int, str] | None = None,
    **other: Any,
) -> dict[str, Any]:
    """A review of the kept lesions of a table; `delete` has the reasons by number."""
    delete = delete or {}
    lesions = []
    for row in table[table["kept"].astype(bool)].to_dict("records"):
        number = int(row["lesion"])
        lesions.append(
            {
                "lesion": number,
                "decision": "delete" if number in delete else "keep",
                **({"reason": delete[number]} if number in delete else {}),
                **{key: float(row[key]) for key in ("x_mm", "y_mm", "z_mm", "volume_ml")},
            }
        )
    return {
        "version": 1,
        "scan": scan,
        "reader": reader,
        "date": "2026-01-31",
        "mask_sha256": "m",
        "decision": decision,
        **({"reason": "motion"} if decision == "exclude" else {}),
        "lesions": lesions,
        **other,
    }


def saved(folder: Path, name: str, content: Any) -> Path:
    """A file in the folder of reviews: an object as JSON, a text as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path
