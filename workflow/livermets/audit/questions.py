"""The questions of the leakage audit about a study's data: what was looked at, and what came out.

Every question says what it examined, so that a reader can tell "nothing was found" from "there was
nothing to examine" and from "it could not be examined".
"""

from collections.abc import Collection
from dataclasses import dataclass, field

import pandas as pd

from livermets.audit import checks
from livermets.audit.checks import Finding, Fingerprints
from livermets.audit.label_leaks import FEATURES_OF_A_LESION, comparable_lesions
from livermets.audit.near_duplicates import MAX_EXPECTED_PAIRS, Comparison, compare_lesions
from livermets.audit.telling_columns import (
    by_patient,
    cramers_v,
    right_by_others,
    telling_categories,
    telling_numbers,
    too_few_patients,
)
from livermets.core.scan_ids import patient_of
from livermets.core.text import list_names
from livermets.features.features_table import feature_columns
from livermets.study.clinical_columns import clinical_columns


@dataclass(frozen=True)
class Check:
    """A check of the audit and its findings.

    Parameters
    ----------
    title : str
        The question that the check answers.
    looked_at : str
        What was examined; empty where the study has nothing to examine.
    findings : list of Finding
        Warnings and errors.
    impossible : str
        Why the question could not be looked at, though the study has what it concerns.
    suspicion : str
        The entry of `audit.stop_on` that lets its warnings stop the study.
    """

    title: str
    looked_at: str
    findings: list[Finding] = field(default_factory=list)
    impossible: str = ""
    suspicion: str = ""

    @property
    def outcome(self) -> str:
        """One of not applicable, not looked at, failed, warned, passed."""
        if self.impossible:
            return "not looked at"
        if not self.looked_at:
            return "not applicable"
        outcomes = {finding.outcome for finding in self.findings}
        return next((o for o in ("failed", "warned") if o in outcomes), "passed")


def about_patients(included: pd.DataFrame, splits: pd.DataFrame) -> list[Check]:
    """Ask whether patients are one person, or stand in two parts of a split."""
    return [
        Check(
            "Is any patient in two parts of a split?",
            f"{splits['split'].nunique()} splits of {splits['patient'].nunique()} patients",
            checks.patients_with_two_roles(splits),
        ),
        Check(
            "Do two ids look like one person's?",
            f"{len(included)} ids",
            checks.ids_of_one_person(included["patient"].astype(str)),
            suspicion="similar_ids",
        ),
    ]


def about_images(fingerprints: Fingerprints) -> list[Check]:
    """Ask whether two patients share voxels."""
    prints = fingerprints.values()
    n_patients = len(set(map(patient_of, fingerprints)))
    images = f"{n_patients} patients"
    if n_patients < len(fingerprints):
        images += f" in {len(fingerprints)} scans"
    parts = {
        "Do two patients share a CT?": (
            checks.shared_slices,
            sum(len(known["slices"]) for known in prints),
            "slice",
            "no slice of a CT has enough different values",
        ),
        "Do two patients share a mask?": (
            checks.shared_masks,
            sum(known["mask"] is not None for known in prints),
            "mask",
            "no mask has enough voxels",
        ),
        "Do two patients share a lesion's voxels?": (
            checks.shared_lesions,
            sum(len(known["lesions"]) for known in prints),
            "lesion",
            "no lesion has enough voxels",
        ),
    }
    found = []
    for title, (check, count, unit, impossible) in parts.items():
        if not fingerprints:
            found.append(Check(title, ""))
        elif not count:
            found.append(Check(title, "", impossible=impossible))
        else:
            what = f"the images of {images} ({checks.counted(count, unit)})"
            found.append(Check(title, what, check(fingerprints)))
    return found


def about_features(features: pd.DataFrame, trusted: Collection[str]) -> list[Check]:
    """Ask whether lesions stand twice, and whether columns give the class away."""
    columns = feature_columns(features)
    numbers = list(features.select_dtypes(["number", "bool"]).columns.drop("lesion"))
    words = [column for column in clinical_columns(features) if column not in numbers]
    copies = checks.copied_columns(features, numbers, words)
    return [
        _identity_check(features, columns),
        _similarity_check(compare_lesions(features, columns)),
        Check(
            "Is a column a copy of the label, the patient's id or the row number?",
            f"{len(numbers)} columns of numbers and {len(words)} of words",
            copies,
            suspicion="near_copies",
        ),
        _telling_check(features, numbers, words, trusted, copies),
    ]


def _identity_check(features: pd.DataFrame, columns: list[str]) -> Check:
    title = "Do two patients share a lesion's features?"
    comparable = comparable_lesions(features, columns)
    if not comparable:
        impossible = (
            f"no lesion has values in {FEATURES_OF_A_LESION} features with many different values: "
            "others may be equal by chance"
        )
        return Check(title, "", impossible=impossible)
    what = f"{len(columns)} features of {len(features)} lesions"
    if comparable < len(features):
        what += f"; {len(features) - comparable} of these have too few values to be told apart"
    return Check(title, what, checks.identical_lesions(features, columns))


def _similarity_check(comparison: Comparison) -> Check:
    title = "Is a lesion nearly the same as one of another patient?"
    if comparison.impossible:
        return Check(title, "", impossible=comparison.impossible)
    what = "no two lesions are each other's nearest"
    if comparison.pairs:
        pair = comparison.pairs[0]
        what = (
            f"the closest are patients {' and '.join(pair.patients)}, as close as "
            f"{pair.expected:.3g} pairs would be by chance (a duplicate: fewer than "
            f"{MAX_EXPECTED_PAIRS:g})"
        )
    if comparison.left_out:
        names = list_names(
            f"{patient} (lesion {lesion})" for patient, lesion in comparison.left_out
        )
        what += (
            f"; {checks.counted(len(comparison.left_out), 'lesion')} could not be looked at, "
            f"because too few values are known: {names}"
        )
    return Check(title, what, checks.near_duplicate_patients(comparison.pairs))


def _telling_check(
    features: pd.DataFrame,
    numbers: list[str],
    words: list[str],
    trusted: Collection[str],
    copies: list[Finding],
) -> Check:
    """The check for columns that tell the class; copies of the label are named already."""
    title = "Does one column alone tell the class?"
    named = {finding.column for finding in copies} | set(trusted)
    numbers, words = ([c for c in part if c not in named] for part in (numbers, words))
    what = f"{len(numbers)} columns of numbers and {len(words)} of words, by patient"
    if trusted:
        what += f"; trusted by a person: {list_names(trusted)}"
    patients = by_patient(features, numbers, words)
    if reason := too_few_patients(patients, len(numbers) + len(words)):
        return Check(title, "", impossible=reason)
    by_auc = telling_numbers(patients, numbers)
    others = [name for name in numbers if name not in {column.name for column in by_auc}]
    by_category = telling_categories(patients, words, others)
    return Check(
        title, what, checks.telling_columns(by_auc, by_category), suspicion="telling_columns"
    )


def about_sites(included: pd.DataFrame) -> Check:
    """Ask whether the site tells the class; patients without a site are left out."""
    title = "Does the site tell the class?"
    site = included["site"].fillna("").astype(str) if "site" in included else ""
    known = included.assign(site=site)
    known = known[known["site"] != ""]
    if known["site"].nunique() < 2:
        return Check(title, "")
    if known["label"].nunique() < 2:
        return Check(title, "", impossible="the patients with a site have one class")
    sites, label = known["site"].to_numpy(str), known["label"].to_numpy(str)
    v, right = cramers_v(sites, label), right_by_others(sites, label)
    what = (
        f"{len(set(sites))} sites: Cramér's V of site and class is {v:.2f}; the site alone tells "
        f"the class of {right} of {len(known)} patients"
    )
    return Check(title, what, checks.telling_sites(known, v), suspicion="telling_sites")
