"""The checks of the leakage audit: each takes tables and returns findings."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pandas as pd

from livermets.audit import label_leaks
from livermets.audit.label_leaks import duplicated_lesions
from livermets.audit.near_copies import near_copies
from livermets.audit.near_duplicates import MAX_EXPECTED_PAIRS, PatientPair
from livermets.audit.similar_ids import similar_ids
from livermets.audit.telling_columns import TellingColumn
from livermets.core.scan_ids import patient_of
from livermets.core.text import list_names
from livermets.study.patient_labels import classes_of

TRUST = "if a person has looked at it and it gives nothing away, name it in `audit.trusted_columns`"
MIN_SITE_V = 0.5  # Cramér's V of site and class, from which a model may learn the scanner
Fingerprints = Mapping[str, dict[str, Any]]  # id of a scan -> its `fingerprints.fingerprint`


@dataclass(frozen=True)
class Finding:
    """A finding of a check: a warning, or an error that stops the study.

    Parameters
    ----------
    patients : tuple of str
        The patients concerned; empty where the finding concerns all.
    text : str
        What was found, as a sentence.
    remedy : str
        What the user has to do where the finding stops the study; empty for a warning.
    column : str
        The column concerned; empty where the finding concerns none, or several.
    """

    patients: tuple[str, ...]
    text: str
    remedy: str = ""
    column: str = ""

    @property
    def outcome(self) -> str:
        """`failed` where the finding stops the study, else `warned`."""
        return "failed" if self.remedy else "warned"


def patients_with_two_roles(splits: pd.DataFrame) -> list[Finding]:
    """Find patients who have two roles in one split, such as train and test."""
    roles = splits.astype(str).drop_duplicates(["patient", "split", "role"])
    places = defaultdict(list)
    for (patient, split), rows in roles.groupby(["patient", "split"]):
        if len(rows) > 1:
            places[str(patient)].append(f"{' and '.join(sorted(rows['role']))} of {split}")
    return [
        Finding(
            (patient,), f"patient {patient} is in {list_names(parts)}", "Divide the patients again"
        )
        for patient, parts in places.items()
    ]


def ids_of_one_person(patients: Iterable[str]) -> list[Finding]:
    """Ask about patient ids that may name one person, such as P1 and p-01, or 151_a and 151_b."""
    return [
        Finding(ids, f"{list_names(ids, ' and ')} may be one person")
        for ids in similar_ids(patients)
    ]


def shared_slices(fingerprints: Fingerprints) -> list[Finding]:
    """Find patients whose CTs share slices, in any order and file format."""
    slices = _of_patients({scan: set(print_["slices"]) for scan, print_ in fingerprints.items()})

    def text(count: int, first: str, second: str) -> str:
        return f"share {count} of {min(len(slices[first]), len(slices[second]))} CT slices"

    return _shared_hashes(slices, text)


def shared_masks(fingerprints: Fingerprints) -> list[Finding]:
    """Find patients whose masks have the same shape, at any place in the volume."""
    masks = {s: {print_["mask"]} if print_["mask"] else set() for s, print_ in fingerprints.items()}
    return _shared_hashes(_of_patients(masks), lambda *_: "have the same mask")


def shared_lesions(fingerprints: Fingerprints) -> list[Finding]:
    """Find patients with a lesion of the same HU values."""
    lesions = {scan: set(print_["lesions"].values()) for scan, print_ in fingerprints.items()}
    return _shared_hashes(
        _of_patients(lesions), lambda count, *_: f"share all voxels of {counted(count, 'lesion')}"
    )


def _of_patients(hashes: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """The hashes of all scans of each patient: scans of one patient may resemble each other."""
    of_patient: dict[str, set[str]] = defaultdict(set)
    for scan, values in hashes.items():
        of_patient[patient_of(scan)] |= values
    return dict(of_patient)


def _shared_hashes(
    hashes: Mapping[str, set[str]], text: Callable[[int, str, str], str]
) -> list[Finding]:
    """A finding for each pair of patients with hashes in common.

    Parameters
    ----------
    hashes : mapping of str to set of str
        Patient -> hashes.
    text : callable
        Takes the number of common hashes and the two patients; returns the end of the sentence.
    """
    owners = defaultdict(list)
    for patient, of_patient in sorted(hashes.items()):
        for value in of_patient:
            owners[value].append(patient)
    common = Counter(pair for patients in owners.values() for pair in combinations(patients, 2))
    return [
        Finding((a, b), f"patients {a} and {b} {text(count, a, b)}", _about_two(a, b))
        for (a, b), count in sorted(common.items())
    ]


def identical_lesions(features: pd.DataFrame, columns: Sequence[str]) -> list[Finding]:
    """Find pairs of patients with lesions that have the same values in all features."""
    pairs = defaultdict(list)
    for group in duplicated_lesions(features, columns):
        for (first, first_lesion), (second, second_lesion) in combinations(group, 2):
            pairs[(str(first), str(second))].append(f"{first_lesion} and {second_lesion}")
    return [
        Finding(
            pair,
            f"patients {pair[0]} and {pair[1]} have the same values in all {len(columns)} features "
            f"of {counted(len(lesions), 'lesion')} (lesion {list_names(lesions)})",
            _about_two(*pair),
        )
        for pair, lesions in pairs.items()
    ]


def near_duplicate_patients(pairs: Sequence[PatientPair]) -> list[Finding]:
    """Find pairs of patients whose lesions are closer to each other than chance allows."""
    return [
        Finding(
            pair.patients,
            f"patients {' and '.join(pair.patients)} have nearly the same features in "
            f"{counted(len(pair.lesions), 'lesion')} (lesion "
            f"{list_names(f'{first} and {second}' for first, second in pair.lesions)}), as "
            f"close as {pair.expected:.3g} pairs would be by chance",
            _about_two(*pair.patients),
        )
        for pair in pairs
        if pair.expected < MAX_EXPECTED_PAIRS
    ]


def copied_columns(
    features: pd.DataFrame, numbers: Sequence[str], words: Sequence[str]
) -> list[Finding]:
    """Find columns that are a copy of the label, the patient's id or the row number.

    Parameters
    ----------
    features : DataFrame
        The features table.
    numbers : sequence of str
        Columns of numbers.
    words : sequence of str
        Columns of words, which can only be a copy of the label.
    """
    coded = features.assign(**{name: pd.factorize(features[name])[0] for name in words})
    copies = label_leaks.copied_columns(coded, numbers)
    copies["the label"] += label_leaks.copied_columns(coded, words)["the label"]
    exact = [
        Finding(
            (),
            f"the column {name} is a copy of {original}",
            f"Remove {name} from the table; {TRUST}",
            name,
        )
        for original, names in copies.items()
        for name in names
    ]
    others = [name for name in numbers if name not in {finding.column for finding in exact}]
    return exact + [
        Finding(
            (),
            f"the column {copy.name} is a copy of {copy.original} but for {copy.out_of_order} of "
            f"{copy.n} {'patients' if 'id' in copy.original else 'rows'}",
            column=copy.name,
        )
        for copy in near_copies(features, others)
    ]


def telling_columns(
    numbers: Sequence[TellingColumn], categories: Sequence[TellingColumn]
) -> list[Finding]:
    """List the columns that tell the class; categories that tell it of all patients stop the study.

    Parameters
    ----------
    numbers, categories : sequence of TellingColumn
        The columns that tell it by their AUC, and those that tell it as categories, as
        `audit.telling_columns` finds them.
    """
    findings = [
        Finding(
            (),
            f"the column {column.name} may give the class away: {column.text}",
            f"Remove {column.name} from the table; {TRUST}" if column.without_error else "",
            column.name,
        )
        for column in categories
    ]
    if numbers:
        listed = ", ".join(f"{column.name} ({column.text})" for column in numbers)
        text = (
            f"by patient, the class can be told by {listed} alone: a strong predictor, or a leak; "
            "check where the values come from"
        )
        findings.append(Finding((), text, column=numbers[0].name if len(numbers) == 1 else ""))
    return findings


def telling_sites(cohort: pd.DataFrame, v: float) -> list[Finding]:
    """Warn where the site nearly tells the class.

    Parameters
    ----------
    cohort : DataFrame
        label and site of the patients whose site is known.
    v : float
        Cramér's V of site and class.
    """
    if not v >= MIN_SITE_V:
        return []
    pure = cohort.groupby("site")["label"].nunique().max() == 1
    what = (
        "each site has patients of one class"
        if pure
        else f"site and class go together (Cramér's V {v:.2f}, 1 if the site tells the class)"
    )
    return [Finding((), f"{what}: a model may learn the scanner, not the tumour")]


def tested_training_patients(predictions: pd.DataFrame, splits: pd.DataFrame) -> list[Finding]:
    """Find arms that were tested on patients outside the test part of the split."""
    roles = splits.astype(str).drop_duplicates(["split", "patient", "role"])
    tested = predictions[["arm", "split", "patient"]].astype(str).drop_duplicates()
    joined = tested.merge(roles, how="left", on=["split", "patient"])
    wrong = joined[joined["role"] != "test"]
    return [
        Finding(
            tuple(dict.fromkeys(rows["patient"])),
            f"the arm {arm} tests patients who are not in the test part: "
            + list_names(f"{row.patient} in {row.split} ({row.role})" for row in rows.itertuples()),
            f"Run {arm} again on the study's splits, or remove its table",
        )
        for arm, rows in wrong.fillna({"role": "not in this split"}).groupby("arm")
    ]


def differing_labels(predictions: pd.DataFrame, cohort: pd.DataFrame) -> list[Finding]:
    """Find arms that were tested against labels which are not the cohort's."""
    rows = cohort.drop_duplicates("patient")
    known = {
        (str(row.patient), name) for row in rows.itertuples() for name in classes_of(str(row.label))
    }
    of_cohort = predictions[predictions["patient"].isin(rows["patient"])]
    pairs = pd.MultiIndex.from_frame(of_cohort[["patient", "label"]].astype(str))
    wrong = of_cohort[[pair not in known for pair in pairs]]
    return [
        Finding(
            tuple(dict.fromkeys(rows["patient"].astype(str))),
            f"the arm {arm} has another label than the cohort for patient "
            f"{list_names(dict.fromkeys(rows['patient'].astype(str)))}",
            f"Run {arm} again on this cohort, or remove its table",
        )
        for arm, rows in wrong.groupby("arm")
    ]


def counted(count: int, unit: str) -> str:
    """Write a number with its unit: "1 lesion", "2 lesions"."""
    return f"{count} {unit}{'' if count == 1 else 's'}"


def _about_two(first: str, second: str) -> str:
    """What to do about two patients who may be one, for a message."""
    return (
        f"Leave one of them out (`exclude: {{{second}: same scan as {first}}}` in the config); if "
        "they are two scans of one patient, give both rows of the sheet one id and tell them apart "
        "in the column `scan`; if a person has compared them and they are two patients, name the "
        "pair in `audit.known_distinct_pairs`"
    )
