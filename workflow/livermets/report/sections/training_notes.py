"""How the arms were fitted, in the report: what was done otherwise than asked, and how often."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from livermets.report.paper_tables import read_table


def fit_notes(chosen: Sequence[Path | str | pd.DataFrame]) -> list[dict]:
    """note, arms and fits of each note that fitting left behind, the most frequent first.

    chosen : of each arm what `livermets.classification.training` says of its fits (arm, split, note, ...)
    """
    tables = [read_table(table)[["arm", "split", "note"]] for table in chosen]
    if not tables:
        return []
    table = pd.concat(tables, ignore_index=True).fillna({"note": ""})
    notes = table.assign(note=table["note"].astype(str).str.split("; ")).explode("note")
    notes = notes[notes["note"] != ""]
    found = notes.groupby("note").agg(arms=("arm", "nunique"), fits=("arm", "size")).reset_index()
    return found.sort_values(["fits", "note"], ascending=[False, True]).to_dict("records")
