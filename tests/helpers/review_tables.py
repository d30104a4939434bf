"""The tables of what readers decided, as the study makes them from its records of lesions."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from livermets.core.io import write_table
from livermets.review.reader_agreement import agreement_of_readers
from livermets.review.review_tables import decisions_table, deleted_table

Decision = tuple[str, ...]  # reader, decision and, where there is one, the reason


def review_records(
    scans: Sequence[str], decisions: Mapping[str, Sequence[Decision]], **of_first: Any
) -> dict[str, dict[str, Any]]:
    """Records of lesions with these decisions by scan.

    `of_first` changes the review of the first scan, such as its deleted lesions.
    """
    records = {}
    for scan in scans:
        readings = [
            {"reader": reader, "decision": decision, "lesions": {"1": "keep"}, "decides": False,
             "current_mask": True, "reason": "".join(reason), "note": "", "date": "", "file": ""}
            for reader, decision, *reason in decisions.get(scan, [])
        ]  # fmt: skip
        differ = len({reading["decision"] for reading in readings}) > 1
        review = {"readings": readings, "disputed": differ, "deleted": [], "stale": []}
        records[scan] = {"excluded": None, "review": review}
    records[scans[0]]["review"] |= of_first
    return records


def write_review_tables(folder: Path, records: Mapping[str, Mapping[str, Any]]) -> list[Path]:
    """Write decisions, deleted lesions and agreement of readers into a folder."""
    readings = {scan: record["review"]["readings"] for scan, record in records.items()}
    tables = {
        "decisions": decisions_table(records),
        "deleted_lesions": deleted_table(records),
        "reader_agreement": agreement_of_readers(readings, seed=1),
    }
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.tsv" for name in tables]
    for path, table in zip(paths, tables.values(), strict=True):
        write_table(path, table)
    return paths
