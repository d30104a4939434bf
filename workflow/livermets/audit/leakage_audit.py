"""The leakage audit: whether test patients are new to the models; errors stop the study.

Every check says what it examined, so that a reader can tell a check without findings from a check
that had nothing to examine.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from livermets.audit import checks
from livermets.audit.checks import Finding, Fingerprints
from livermets.audit.near_duplicates import MAX_EXPECTED_PAIRS, PatientPair, closest_pairs
from livermets.core.errors import BadInput
from livermets.features.features_table import clinical_columns, feature_columns

COLUMNS = ("check", "outcome", "looked_at", "patients", "finding")


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
    """

    title: str
    looked_at: str
    findings: list[Finding] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        """One of not applicable, failed, warned, passed."""
        if not self.looked_at:
            return "not applicable"
        outcomes = {finding.outcome for finding in self.findings}
        return next((o for o in ("failed", "warned") if o in outcomes), "passed")


def audit_data(
    cohort: pd.DataFrame,
    features: pd.DataFrame,
    splits: pd.DataFrame,
    fingerprints: Fingerprints | None = None,
    distinct_pairs: Iterable[Sequence[str]] = (),
) -> list[Check]:
    """Run all checks that need no predictions, before anything is trained.

    Parameters
    ----------
    cohort : DataFrame
        patient, label, included, and site where it is known.
    features : DataFrame
        The study's features table.
    splits : DataFrame
        split, patient, role.
    fingerprints : mapping of str to dict, optional
        Patient -> `livermets.audit.fingerprints.fingerprint`; None in a study without images.
    distinct_pairs : iterable of pairs of str
        Pairs of patients whom a person has compared: similarities of these are warnings.
    """
    included = cohort[cohort["included"]]
    known_distinct = {frozenset(map(str, pair)) for pair in distinct_pairs}
    checks = [
        *_patient_checks(included, splits),
        *_image_checks(fingerprints or {}),
        *_feature_checks(features),
        _site_check(included),
    ]
    return [_with_known_pairs(check, known_distinct) for check in checks]


def _patient_checks(included: pd.DataFrame, splits: pd.DataFrame) -> list[Check]:
    return [
        Check(
            "Is any patient in two parts of a split?",
            f"{splits['split'].nunique()} splits of {splits['patient'].nunique()} patients",
            checks.patients_with_two_roles(splits),
        ),
        Check(
            "Do two ids differ only in case, zeros or punctuation?",
            f"{len(included)} ids",
            checks.similar_ids(included["patient"].astype(str)),
        ),
    ]


def _image_checks(fingerprints: Fingerprints) -> list[Check]:
    images = f"the images of {len(fingerprints)} patients" if fingerprints else ""
    return [
        Check("Do two patients share a CT?", images, checks.shared_slices(fingerprints)),
        Check("Do two patients share a mask?", images, checks.shared_masks(fingerprints)),
        Check(
            "Do two patients share a lesion's voxels?", images, checks.shared_lesions(fingerprints)
        ),
    ]


def _feature_checks(features: pd.DataFrame) -> list[Check]:
    columns = feature_columns(features)
    numbers = list(features.select_dtypes(["number", "bool"]).columns.drop("lesion"))
    words = [column for column in clinical_columns(features) if column not in numbers]
    table = f"{len(columns)} features of {len(features)} lesions"
    pairs = closest_pairs(features, columns)
    return [
        Check(
            "Do two patients share a lesion's features?",
            table,
            checks.identical_lesions(features, columns),
        ),
        Check(
            "Is a lesion nearly the same as one of another patient?",
            _closest_pair(pairs[0]) if pairs else "",
            checks.near_duplicate_patients(pairs),
        ),
        Check(
            "Is a column a copy of the label, the patient's id or the row number?",
            f"{len(numbers)} columns of numbers and {len(words)} of words",
            checks.copied_columns(features, numbers, words),
        ),
        Check(
            "Does one feature alone separate the classes without error?",
            table,
            checks.separating_features(features, columns),
        ),
    ]


def _closest_pair(pair: PatientPair) -> str:
    return (
        f"the closest are patients {' and '.join(pair.patients)}, as close as {pair.expected:.3g} "
        f"pairs would be by chance (a duplicate: fewer than {MAX_EXPECTED_PAIRS:g})"
    )


def _site_check(included: pd.DataFrame) -> Check:
    site = included["site"].fillna("").astype(str) if "site" in included else ""
    with_site = included.assign(site=site)
    sites = with_site.loc[with_site["site"] != "", "site"].nunique()
    return Check(
        "Are all patients of each site of one class?",
        f"{sites} sites" if sites > 1 else "",
        checks.sites_of_one_class(with_site),
    )


def audit_predictions(
    predictions: pd.DataFrame, splits: pd.DataFrame, cohort: pd.DataFrame
) -> list[Check]:
    """Check the patients and labels that the arms were tested on.

    Parameters
    ----------
    predictions : DataFrame
        arm, split, patient, lesion, label, score of all arms.
    splits : DataFrame
        split, patient, role.
    cohort : DataFrame
        patient, label.
    """
    looked_at = f"{len(predictions):,} predictions of {predictions['arm'].nunique()} arms"
    return [
        Check(
            "Did an arm test a patient it had learned from?",
            looked_at,
            checks.tested_training_patients(predictions, splits),
        ),
        Check(
            "Did an arm test against other labels than the cohort's?",
            looked_at,
            checks.differing_labels(predictions, cohort),
        ),
    ]


def stop_on_findings(audit: Sequence[Check]) -> None:
    """Stop the study if a check failed.

    Raises
    ------
    BadInput
        With every finding that stops the study, and what the user has to do about it.
    """
    stopping = [f for check in audit for f in check.findings if f.outcome == "failed"]
    if stopping:
        texts = [f"({i}) {f.text}. {f.remedy}." for i, f in enumerate(stopping, start=1)]
        raise BadInput(
            f"the leakage audit found {len(stopping)} thing{'s' * (len(stopping) > 1)} that would "
            "make the results wrong. " + " ".join(texts)
        )


def as_json(audit: Sequence[Check]) -> dict[str, Any]:
    """Arrange the checks as the content of results/audit.json."""
    return {
        "passed": all(check.outcome != "failed" for check in audit),
        "checks": [
            {
                "check": check.title,
                "outcome": check.outcome,
                "looked_at": check.looked_at,
                "findings": [
                    {"outcome": f.outcome, "patients": list(f.patients), "text": f.text}
                    for f in check.findings
                ],
            }
            for check in audit
        ],
    }


def as_table(audit: Mapping[str, Any]) -> pd.DataFrame:
    """Arrange `as_json` as a table: a row for each finding and each check without findings."""
    rows = []
    for check in audit["checks"]:
        record = {"check": check["check"], "looked_at": check["looked_at"]}
        rows += [
            record
            | {"outcome": finding["outcome"], "finding": finding["text"]}
            | {"patients": " ".join(finding["patients"])}
            for finding in check["findings"]
        ] or [record | {"outcome": check["outcome"], "patients": "", "finding": ""}]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _with_known_pairs(check: Check, known_distinct: set[frozenset[str]]) -> Check:
    """The check with findings about pairs that a person has compared turned into warnings."""
    findings = [
        Finding(f.patients, f"{f.text}; a person found them to be two patients")
        if frozenset(f.patients) in known_distinct
        else f
        for f in check.findings
    ]
    return Check(check.title, check.looked_at, findings)
