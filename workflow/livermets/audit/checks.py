"""The single questions of the leakage audit: tables in, findings out."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd

from livermets.audit.near_duplicates import EXPECTED, Pair
from livermets.features import label_leaks
from livermets.features.label_leaks import PATIENTS_PER_CLASS, duplicated_lesions

BY_CHANCE = 1e-3  # features that separate the classes are odd where fewer than this are expected
NAMED = 5  # patients or features named in one sentence
REMOVE = (
    "Keep one of them in the cohort; if a person has compared them and they are two patients, "
    "name the pair in `audit.known_distinct_pairs`"
)
Prints = Mapping[str, dict]  # patient -> livermets.audit.fingerprints.fingerprint


@dataclass(frozen=True)
class Finding:
    """One thing found: whom it concerns, in words, and what to do where it stops the study."""

    patients: tuple[str, ...]
    text: str
    remedy: str = ""  # none: a warning

    @property
    def outcome(self) -> str:
        return "failed" if self.remedy else "warned"


def two_sides(splits: pd.DataFrame) -> list[Finding]:
    """Patients with two roles in one split."""
    roles = splits.astype(str).groupby(["patient", "split"])["role"].unique()
    found = defaultdict(list)
    for (patient, split), sides in roles[roles.str.len() > 1].items():
        found[patient].append(f"{' and '.join(sorted(sides))} of {split}")
    return [
        Finding((patient,), f"patient {patient} is in {some(where)}", "Divide the patients again")
        for patient, where in found.items()
    ]


def like_ids(patients: Iterable[str]) -> list[Finding]:
    """Ids such as P1, p-01 and P001, which may well be written for one person."""
    spelt = defaultdict(list)
    for patient in patients:
        plain = re.sub(r"[^a-z0-9]", "", patient.casefold())
        spelt[re.sub(r"(?<!\d)0+(?=\d)", "", plain)].append(patient)
    return [
        Finding(tuple(ids), f"{some(ids, ' and ')} may be one person")
        for ids in spelt.values()
        if len(ids) > 1
    ]


def shared_slices(prints: Prints) -> list[Finding]:
    """Patients whose CTs hold the same slices, in whatever order and format."""
    slices = {patient: set(known["slices"]) for patient, known in prints.items()}

    def text(count: int, one: str, other: str) -> str:
        return f"share {count} of {min(len(slices[one]), len(slices[other]))} CT slices"

    return _shared(slices, text)


def shared_masks(prints: Prints) -> list[Finding]:
    """Patients whose masks have one shape, wherever it lies."""
    masks = {p: {known["mask"]} if known["mask"] else set() for p, known in prints.items()}
    return _shared(masks, lambda *_: "have the same mask")


def shared_lesions(prints: Prints) -> list[Finding]:
    """Patients with a lesion of the same HU, voxel by voxel."""
    lesions = {p: set(known["lesions"].values()) for p, known in prints.items()}
    return _shared(lesions, lambda count, *_: f"share {_n(count, 'lesion')} to the last voxel")


def _shared(digests: Mapping[str, set[str]], text: Callable[..., str]) -> list[Finding]:
    """A finding for each pair of patients with common digests; `text` gets their number."""
    owners = defaultdict(list)
    for patient, mine in sorted(digests.items()):
        for digest in mine:
            owners[digest].append(patient)
    common = Counter(pair for group in owners.values() for pair in combinations(group, 2))
    return [
        Finding(pair, f"patients {pair[0]} and {pair[1]} {text(count, *pair)}", REMOVE)
        for pair, count in sorted(common.items())
    ]


def equal_features(features: pd.DataFrame, columns: Sequence[str]) -> list[Finding]:
    """Pairs of patients with lesions that are equal in all features."""
    found = defaultdict(list)
    for group in duplicated_lesions(features, columns):
        for (one, lesion), (other, its) in combinations(group, 2):
            found[(str(one), str(other))].append(f"{lesion} and {its}")
    return [
        Finding(
            pair,
            f"patients {pair[0]} and {pair[1]} have the same values in all {len(columns)} features "
            f"of {_n(len(same), 'lesion')} (lesion {some(same)})",
            REMOVE,
        )
        for pair, same in found.items()
    ]


def near_duplicates(pairs: Sequence[Pair]) -> list[Finding]:
    """Pairs of patients who are closer than chance allows."""
    return [
        Finding(
            pair.patients,
            f"patients {' and '.join(pair.patients)} have nearly the same features in "
            f"{_n(len(pair.lesions), 'lesion')} (lesion "
            f"{some([f'{one} and {other}' for one, other in pair.lesions])}), as close as "
            f"{pair.expected:.3g} pairs would be by chance",
            REMOVE,
        )
        for pair in pairs
        if pair.expected < EXPECTED
    ]


def copied_columns(
    features: pd.DataFrame, numbers: Sequence[str], words: Sequence[str]
) -> list[Finding]:
    """Columns that give the answer away; one of words can only be a copy of the label."""
    coded = features.assign(**{name: pd.factorize(features[name])[0] for name in words})
    found = label_leaks.copied_columns(coded, numbers)
    found["the label"] += label_leaks.copied_columns(coded, words)["the label"]
    return [
        Finding((), f"the column {name} is a copy of {what}", f"Remove {name} from the table")
        for what, names in found.items()
        for name in names
    ]


def separators(features: pd.DataFrame, columns: Sequence[str]) -> list[Finding]:
    """Features whose every value in one class lies above all others, unless chance does that."""
    patients = features.groupby("label")["patient"].nunique()
    if len(patients) < 2 or patients.min() < PATIENTS_PER_CLASS:
        return []
    values = features[list(columns)].to_numpy(float)
    found = []
    for label, count in patients.items():
        expected = 2 * len(columns) * len(patients) / comb(int(patients.sum()), int(count))
        inside = (features["label"] == label).to_numpy()
        low, high = (np.where(np.isnan(values), fill, values) for fill in (np.inf, -np.inf))
        above = low[inside].min(axis=0) > high[~inside].max(axis=0)
        below = high[inside].max(axis=0) < low[~inside].min(axis=0)
        known = np.isfinite(values).any(axis=0)
        names = [str(columns[i]) for i in np.flatnonzero((above | below) & known)]
        if names and expected < BY_CHANCE:
            text = f"{label} is told from the rest without a mistake by {some(names)} alone"
            found.append(Finding((), f"{text}: too good to be true?"))
    return found if len(patients) > 2 else found[:1]  # two classes: each the other's rest


def sites(cohort: pd.DataFrame) -> list[Finding]:
    """Sites that each bring one class; patients without a site are passed over."""
    classes = cohort[cohort["site"] != ""].groupby("site")["label"].nunique()
    text = "each site brings patients of one class: a model may learn the scanner, not the tumour"
    return [Finding((), text)] if len(classes) > 1 and (classes == 1).all() else []


def learned_from(predictions: pd.DataFrame, splits: pd.DataFrame) -> list[Finding]:
    """Arms that score patients who are not in the test part of the split."""
    roles = splits.astype(str).drop_duplicates(["split", "patient", "role"])
    tested = predictions[["arm", "split", "patient"]].astype(str).drop_duplicates()
    joined = tested.merge(roles, how="left", on=["split", "patient"])
    wrong = joined[joined["role"] != "test"]
    return [
        Finding(
            tuple(dict.fromkeys(rows["patient"])),
            f"the arm {arm} tests patients who are not in the test part: "
            + some(f"{row.patient} in {row.split} ({row.role})" for row in rows.itertuples()),
            f"Run {arm} again on the study's splits, or remove its table",
        )
        for arm, rows in wrong.fillna({"role": "not in this split"}).groupby("arm")
    ]


def other_labels(predictions: pd.DataFrame, cohort: pd.DataFrame) -> list[Finding]:
    """Arms that were scored against labels which are not the cohort's."""
    label = cohort.drop_duplicates("patient").set_index("patient")["label"].astype(str)
    known = predictions[predictions["patient"].isin(label.index)]
    wrong = known[known["label"].astype(str) != known["patient"].map(label)]
    return [
        Finding(
            tuple(dict.fromkeys(rows["patient"].astype(str))),
            f"the arm {arm} has another label than the cohort for patient "
            f"{some(dict.fromkeys(rows['patient'].astype(str)))}",
            f"Run {arm} again on this cohort, or remove its table",
        )
        for arm, rows in wrong.groupby("arm")
    ]


def some(names: Iterable[str], between: str = ", ") -> str:
    names = list(names)
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return between.join(names[:NAMED]) + more


def _n(count: int, unit: str) -> str:
    return f"{count} {unit}{'' if count == 1 else 's'}"
