"""Agreement of two readers: Cohen's kappa for each decision about scans and lesions."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import pandas as pd

from livermets.review.reading import ACCEPT, CORRECT, DELETE, EXCLUDE

COLUMNS = (
    "reader_1", "reader_2", "decision", "of", "n", "both", "only_1", "only_2", "neither",
    "agreement", "kappa",
)  # fmt: skip
OF_SCANS = {
    ACCEPT: "accept the mask",
    CORRECT: "ask for a correction",
    EXCLUDE: "exclude the scan",
}
DELETE_LESION = "delete the lesion"
Decisions = Mapping[str, Mapping[str, Any]]  # key of a scan or lesion -> reader -> decision


def agreement_of_readers(readings: Mapping[str, Sequence[Mapping[str, Any]]]) -> pd.DataFrame:
    """Compare all pairs of readers over the scans, and the lesions, that both have read.

    Parameters
    ----------
    readings : mapping of str to sequence of mapping
        Id of the scan -> the readings in the record of `settled_review.apply_readings`.

    Returns
    -------
    DataFrame
        One row for each pair of readers and decision, with `COLUMNS`: how often both, one or
        neither of them decided so, and Cohen's kappa (10.1177/001316446002000104), which is
        missing where both readers decided the same for all.
    """
    scans: dict[str, dict[str, str]] = {}
    lesions: dict[str, dict[str, str]] = {}
    for scan, of_scan in readings.items():
        for reading in of_scan:
            scans.setdefault(scan, {})[reading["reader"]] = reading["decision"]
            for number, decision in reading["lesions"].items():
                lesions.setdefault(f"{scan} {number}", {})[reading["reader"]] = decision
    readers = sorted({reader for of in scans.values() for reader in of})
    rows = [
        row for first, second in combinations(readers, 2) for row in _pair(first, second, scans)
    ]
    rows += [
        _compare(first, second, lesions, DELETE, DELETE_LESION, "lesions")
        for first, second in combinations(readers, 2)
    ]
    table = pd.DataFrame([row for row in rows if row["n"]], columns=list(COLUMNS))
    return table.sort_values(["reader_1", "reader_2"], kind="stable").reset_index(drop=True)


def cohens_kappa(both: int, only_1: int, only_2: int, neither: int) -> float:
    """Compute Cohen's kappa of two readers and a decision that is taken or not.

    Returns
    -------
    float
        NaN where chance alone would make them agree about everything, or nothing was read.

    Examples
    --------
    >>> round(cohens_kappa(20, 5, 10, 15), 6)
    0.4
    """
    n = both + only_1 + only_2 + neither
    if not n:
        return float("nan")
    first, second = both + only_1, both + only_2
    by_chance = (first * second + (n - first) * (n - second)) / n**2
    if by_chance == 1:
        return float("nan")
    return ((both + neither) / n - by_chance) / (1 - by_chance)


def _pair(first: str, second: str, scans: Decisions) -> Iterator[dict[str, Any]]:
    for decision, words in OF_SCANS.items():
        yield _compare(first, second, scans, decision, words, "scans")


def _compare(
    first: str, second: str, decisions: Decisions, decision: str, words: str, of: str
) -> dict[str, Any]:
    """One row: how often the two readers decided so, among what both have read."""
    read = [row for row in decisions.values() if first in row and second in row]
    said = [(row[first] == decision, row[second] == decision) for row in read]
    counts = {
        "both": said.count((True, True)),
        "only_1": said.count((True, False)),
        "only_2": said.count((False, True)),
        "neither": said.count((False, False)),
    }
    same = counts["both"] + counts["neither"]
    return {
        "reader_1": first, "reader_2": second, "decision": words, "of": of, "n": len(read),
        **counts, "agreement": same / len(read) if read else None, "kappa": cohens_kappa(**counts),
    }  # fmt: skip
