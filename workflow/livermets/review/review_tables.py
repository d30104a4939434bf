"""Tables of the review: what each reader decided, which scans nobody read, deleted lesions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from livermets.core.scan_ids import id_columns, scan_id

DECISIONS = (
    "patient", "scan", "status", "reader", "date", "decision", "reason", "note", "deleted_lesions",
    "decides", "current_mask", "file",
)  # fmt: skip
DELETED = (
    "patient", "scan", "lesion", "outcome", "reader", "reason", "volume_ml", "x_mm", "y_mm", "z_mm",
)  # fmt: skip
TEXT = ("patient", "scan", "status", "reader", "date", "decision", "reason", "note", "file")
NUMBERS = ("agreement", "kappa", "low", "high")  # of the table of agreement
NOT_READ = "not reviewed"
DISPUTED = "readers differ"
GONE = "no longer there"  # outcome of a deletion whose lesion the mask no longer has
EARLIER = "an earlier mask was reviewed"
STATUS = {"accept": "accepted", "correct": "correction asked for", "exclude": "excluded"}


def decisions_table(records: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """List what readers decided, one row for each reader of a scan, or one for a scan nobody read.

    Parameters
    ----------
    records : mapping of str to mapping
        Id of the scan -> its record of lesions; scans that left the study before have no row.

    Returns
    -------
    DataFrame
        `DECISIONS`, without the column scan where no scan has a name. `status` is of the scan: the
        decision that counts, or why there is none.
    """
    rows: list[dict[str, Any]] = []
    for scan, record in records.items():
        if record.get("excluded"):
            continue
        review = record["review"]
        row = {**id_columns(scan), "status": status_of(review)}
        rows += [
            {**row, **reading, "deleted_lesions": list(reading["lesions"].values()).count("delete")}
            for reading in review["readings"]
        ] or [row]
    return _table(rows, DECISIONS)


def status_of(review: Mapping[str, Any]) -> str:
    """What counts for a scan, in words.

    Parameters
    ----------
    review : mapping
        `review` of the scan's record of lesions.
    """
    readings = review["readings"]
    if not readings:
        return NOT_READ
    if review["disputed"]:
        return DISPUTED
    deciding = [reading for reading in readings if reading["decides"]] or readings
    decision = deciding[0]["decision"]
    if decision != "exclude" and not all(reading["current_mask"] for reading in deciding):
        return EARLIER
    return STATUS[decision]


def deleted_table(records: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """List the lesions that readers deleted, and those they named that are no longer there.

    Parameters
    ----------
    records : mapping of str to mapping
        As for `decisions_table`.

    Returns
    -------
    DataFrame
        `DELETED`, without the column scan where no scan has a name.
    """
    rows = [
        {**id_columns(scan), **lesion, "outcome": outcome}
        for scan, record in records.items()
        if not record.get("excluded")
        for outcome, key in (("deleted", "deleted"), (GONE, "stale"))
        for lesion in record["review"][key]
    ]
    return _table(rows, DELETED)


@dataclass(frozen=True)
class ReviewTables:
    """The tables of the review.

    Parameters
    ----------
    decisions, deleted : DataFrame
        As `decisions_table` and `deleted_table` return them.
    agreement : DataFrame
        As `livermets.review.reader_agreement.agreement_of_readers` returns it.
    """

    decisions: pd.DataFrame
    deleted: pd.DataFrame
    agreement: pd.DataFrame

    @property
    def status(self) -> pd.DataFrame:
        """One row for each scan, with its `status`."""
        key = ["patient", *(["scan"] if "scan" in self.decisions else [])]
        return self.decisions.drop_duplicates(key)[[*key, "status"]]


def read_review_tables(paths: Sequence[str | Path]) -> ReviewTables:
    """Read the tables from their files, in the order of `ReviewTables`.

    Names and words stay text; empty cells of theirs are "".
    """
    decisions, deleted = map(_read_words, paths[:2])
    agreement = pd.read_csv(
        paths[2], sep="\t", dtype=dict.fromkeys(("reader_1", "reader_2", "no_interval"), str),
        keep_default_na=False, na_values={name: [""] for name in NUMBERS},
    )  # fmt: skip
    return ReviewTables(decisions, deleted, agreement)


def reviewed_by(decisions: str | Path) -> dict[str, str]:
    """Say who read each scan, for the worklist, and whether somebody must settle it.

    What was decided is left out, so that a second reader does not know it.

    Parameters
    ----------
    decisions : path
        The file of `decisions_table`.
    """
    table = _read_words(decisions)
    said: dict[str, str] = {}
    for row in table[table["reader"] != ""].to_dict("records"):
        scan = scan_id(row["patient"], row.get("scan", ""))
        before = f"{said[scan]}, " if scan in said else ""
        said[scan] = f"{before}{row['reader']} ({row['date'][:10]})"
    status = table.drop_duplicates([name for name in ("patient", "scan") if name in table])
    for row in status[status["status"].isin([DISPUTED, EARLIER])].to_dict("records"):
        said[scan_id(row["patient"], row.get("scan", ""))] += f": {row['status']}"
    return said


def _read_words(path: str | Path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t", dtype=dict.fromkeys(TEXT, str), keep_default_na=False)


def _table(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> pd.DataFrame:
    has_scans = any("scan" in row for row in rows)
    return pd.DataFrame(rows, columns=[c for c in columns if has_scans or c != "scan"])
