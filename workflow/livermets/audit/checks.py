"""The checks of the leakage audit: each takes tables and returns findings."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import pandas as pd

from livermets.audit.near_duplicates import MAX_EXPECTED_PAIRS, PatientPair
from livermets.core.text import list_names
from livermets.features import label_leaks
from livermets.features.label_leaks import PATIENTS_PER_CLASS, duplicated_lesions

MAX_EXPECTED_FEATURES = 1e-3  # so few separate the classes by chance where one is suspicious
REMOVE = (
    "Keep one of them in the cohort; if a person has compared them and they are two patients, "
    "name the pair in `audit.known_distinct_pairs`"
)
Fingerprints = Mapping[str, dict[str, Any]]  # patient -> its `fingerprints.fingerprint`


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
    """

    patients: tuple[str, ...]
    text: str
    remedy: str = ""

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


def similar_ids(patients: Iterable[str]) -> list[Finding]:
    """Find patient ids that may name one person, such as P1, p-01 and P001."""
    by_plain_id = defaultdict(list)
    for patient in patients:
        letters_and_digits = re.sub(r"[^a-z0-9]", "", patient.casefold())
        by_plain_id[re.sub(r"(?<!\d)0+(?=\d)", "", letters_and_digits)].append(patient)
    return [
        Finding(tuple(ids), f"{list_names(ids, ' and ')} may be one person")
        for ids in by_plain_id.values()
        if len(ids) > 1
    ]


def shared_slices(fingerprints: Fingerprints) -> list[Finding]:
    """Find patients whose CTs share slices, in any order and file format."""
    slices = {patient: set(print_["slices"]) for patient, print_ in fingerprints.items()}

    def text(count: int, first: str, second: str) -> str:
        return f"share {count} of {min(len(slices[first]), len(slices[second]))} CT slices"

    return _shared_hashes(slices, text)


def shared_masks(fingerprints: Fingerprints) -> list[Finding]:
    """Find patients whose masks have the same shape, at any place in the volume."""
    masks = {p: {print_["mask"]} if print_["mask"] else set() for p, print_ in fingerprints.items()}
    return _shared_hashes(masks, lambda *_: "have the same mask")


def shared_lesions(fingerprints: Fingerprints) -> list[Finding]:
    """Find patients with a lesion of the same HU values."""
    lesions = {p: set(print_["lesions"].values()) for p, print_ in fingerprints.items()}
    return _shared_hashes(
        lesions, lambda count, *_: f"share all voxels of {counted(count, 'lesion')}"
    )


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
        Finding((a, b), f"patients {a} and {b} {text(count, a, b)}", REMOVE)
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
            REMOVE,
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
            REMOVE,
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
    return [
        Finding((), f"the column {name} is a copy of {original}", f"Remove {name} from the table")
        for original, names in copies.items()
        for name in names
    ]


def separating_features(features: pd.DataFrame, columns: Sequence[str]) -> list[Finding]:
    """Find features that separate a class from the others without error, unless by chance.

    A feature separates a class where all its values in the class lie above, or all below, those of
    the other classes.
    """
    patients = features.groupby("label")["patient"].nunique()
    if len(patients) < 2 or patients.min() < PATIENTS_PER_CLASS:
        return []
    values = features[list(columns)].to_numpy(float)
    findings = []
    for label, count in patients.items():
        expected = 2 * len(columns) * len(patients) / comb(int(patients.sum()), int(count))
        inside = (features["label"] == label).to_numpy()
        lows, highs = (np.where(np.isnan(values), fill, values) for fill in (np.inf, -np.inf))
        above = lows[inside].min(axis=0) > highs[~inside].max(axis=0)
        below = highs[inside].max(axis=0) < lows[~inside].min(axis=0)
        has_values = np.isfinite(values).any(axis=0)
        names = [str(columns[int(i)]) for i in np.flatnonzero((above | below) & has_values)]
        if names and expected < MAX_EXPECTED_FEATURES:
            text = f"{label} is separated from the rest without error by {list_names(names)} alone"
            findings.append(Finding((), f"{text}: check that this is no copy of the label"))
    return findings if len(patients) > 2 else findings[:1]  # of two classes both would be named


def sites_of_one_class(cohort: pd.DataFrame) -> list[Finding]:
    """Warn where every site has patients of one class only; an empty site is left out."""
    classes = cohort[cohort["site"] != ""].groupby("site")["label"].nunique()
    text = "each site has patients of one class: a model may learn the scanner, not the tumour"
    return [Finding((), text)] if len(classes) > 1 and (classes == 1).all() else []


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
    label = cohort.drop_duplicates("patient").set_index("patient")["label"].astype(str)
    of_cohort = predictions[predictions["patient"].isin(label.index)]
    wrong = of_cohort[of_cohort["label"].astype(str) != of_cohort["patient"].map(label)]
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
