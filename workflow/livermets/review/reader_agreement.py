"""Agreement of two readers: Cohen's kappa for each decision about scans and lesions."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import pandas as pd

from livermets.core.scan_ids import patient_of
from livermets.core.seeds import derive_seed
from livermets.review.kappa import cohens_kappa, kappa_interval, lacking_patients
from livermets.review.reading import ACCEPT, CORRECT, DELETE, EXCLUDE

COLUMNS = (
    "reader_1", "reader_2", "decision", "of", "n", "both", "only_1", "only_2", "neither",
    "agreement", "kappa", "low", "high", "no_interval",
)  # fmt: skip
COUNTS = ("both", "only_1", "only_2", "neither")
SAID = [(True, True), (True, False), (False, True), (False, False)]  # what each of them means
OF_SCANS = {
    ACCEPT: "accept the mask",
    CORRECT: "ask for a correction",
    EXCLUDE: "exclude the scan",
}
DELETE_LESION = "delete the lesion"
Key = tuple[str, str]  # scan, and the number of the lesion or ""
Decisions = Mapping[Key, Mapping[str, Any]]  # -> reader -> decision


def agreement_of_readers(
    readings: Mapping[str, Sequence[Mapping[str, Any]]], seed: int
) -> pd.DataFrame:
    """Compare all pairs of readers over the scans, and the lesions, that both have read.

    Parameters
    ----------
    readings : mapping of str to sequence of mapping
        Id of the scan -> the readings in the record of `settled_review.apply_readings`.
    seed : int
        The seed of the study, for the resampled patients of the intervals.

    Returns
    -------
    DataFrame
        One row for each pair of readers and decision, with `COLUMNS`: how often both, one or
        neither of them decided so, and Cohen's kappa (10.1177/001316446002000104), which is
        missing where both readers decided the same for all, with its 95 % interval over patients,
        or why there is none.
    """
    scans: dict[Key, dict[str, str]] = {}
    lesions: dict[Key, dict[str, str]] = {}
    for scan, of_scan in readings.items():
        for reading in of_scan:
            scans.setdefault((scan, ""), {})[reading["reader"]] = reading["decision"]
            for number, decision in reading["lesions"].items():
                lesions.setdefault((scan, number), {})[reading["reader"]] = decision
    readers = sorted({reader for of in scans.values() for reader in of})
    pairs = list(combinations(readers, 2))
    rows = [row for pair in pairs for row in _pair(*pair, scans, seed)]
    rows += [_compare(*pair, lesions, DELETE, DELETE_LESION, "lesions", seed) for pair in pairs]
    table = pd.DataFrame([row for row in rows if row["n"]], columns=list(COLUMNS))
    return table.sort_values(["reader_1", "reader_2"], kind="stable").reset_index(drop=True)


def _pair(first: str, second: str, scans: Decisions, seed: int) -> Iterator[dict[str, Any]]:
    for decision, words in OF_SCANS.items():
        yield _compare(first, second, scans, decision, words, "scans", seed)


def _compare(
    first: str, second: str, decisions: Decisions, decision: str, words: str, of: str, seed: int
) -> dict[str, Any]:
    """One row: how often the two readers decided so, among what both have read."""
    read = {key: row for key, row in decisions.items() if first in row and second in row}
    by_patient: dict[str, list[int]] = {}
    for (scan, _), row in read.items():
        outcome = SAID.index((row[first] == decision, row[second] == decision))
        by_patient.setdefault(patient_of(scan), [0, 0, 0, 0])[outcome] += 1
    counts = list(by_patient.values())
    sums = {name: sum(of[i] for of in counts) for i, name in enumerate(COUNTS)}
    same = sums["both"] + sums["neither"]
    low, high = kappa_interval(counts, derive_seed(seed, "kappa", first, second, words))
    return {
        "reader_1": first, "reader_2": second, "decision": words, "of": of, "n": len(read),
        **sums, "agreement": same / len(read) if read else None, "kappa": cohens_kappa(**sums),
        "low": low, "high": high, "no_interval": lacking_patients(counts),
    }  # fmt: skip
