"""Notes of the fits: where an arm could not be fitted exactly as configured, and how often."""

from collections.abc import Sequence
from typing import Any

import pandas as pd


def fit_notes(fits: Sequence[pd.DataFrame]) -> list[dict[str, Any]]:
    """The notes of all fits with the number of arms and fits of each, the most frequent first.

    Parameters
    ----------
    fits : sequence of DataFrame
        For each arm, arm, split and note, as `livermets.classification.training` writes them.

    Returns
    -------
    list of dict
        note, arms, fits.
    """
    tables = [table[["arm", "split", "note"]] for table in fits]
    if not tables:
        return []
    table = pd.concat(tables, ignore_index=True).fillna({"note": ""})
    notes = table.assign(note=table["note"].astype(str).str.split("; ")).explode("note")
    notes = notes[notes["note"] != ""]
    counts = notes.groupby("note").agg(arms=("arm", "nunique"), fits=("arm", "size")).reset_index()
    counts = counts.sort_values(["fits", "note"], ascending=[False, True])
    return [
        {"note": note, "arms": arms, "fits": fits}
        for note, arms, fits in zip(counts["note"], counts["arms"], counts["fits"], strict=True)
    ]
