"""The leakage audit: is what was tested really new to what had learned? Findings stop the study.

Every check says what it looked at, so that "nothing found" can be told from "nothing looked at".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from livermets.audit import checks as ask
from livermets.audit.checks import Finding
from livermets.audit.near_duplicates import EXPECTED, Pair, closest_pairs
from livermets.core.errors import BadInput
from livermets.features.features_table import clinical_columns, feature_columns

COLUMNS = ("check", "outcome", "looked_at", "patients", "finding")


@dataclass(frozen=True)
class Check:
    """One question of the audit. `looked_at` is empty where the study has nothing to look at."""

    title: str
    looked_at: str
    findings: list[Finding] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        if not self.looked_at:
            return "not applicable"
        outcomes = {finding.outcome for finding in self.findings}
        return next((o for o in ("failed", "warned") if o in outcomes), "passed")


def audit_data(
    cohort: pd.DataFrame,
    features: pd.DataFrame,
    splits: pd.DataFrame,
    fingerprints: Mapping[str, dict] | None = None,
    different: Iterable[Sequence[str]] = (),
) -> list[Check]:
    """All that can be asked before anything is trained.

    Parameters
    ----------
    cohort : patient, label, included, and site where it is known
    features : the study's features table
    splits : split, patient, role
    fingerprints : patient -> `livermets.audit.fingerprints.fingerprint`; None in a study without images
    different : pairs of patients whom a person has compared: what is alike warns and stops nothing
    """
    columns = feature_columns(features)
    compared = {frozenset(map(str, pair)) for pair in different}
    prints = fingerprints or {}
    images = f"the images of {len(prints)} patients" if prints else ""
    included = cohort[cohort["included"]]
    site = included["site"].fillna("").astype(str) if "site" in included else ""
    included = included.assign(site=site)
    sites = included.loc[included["site"] != "", "site"].nunique()
    numbers = list(features.select_dtypes(["number", "bool"]).columns.drop("lesion"))
    words = [c for c in clinical_columns(features) if c not in numbers]
    table = f"{len(columns)} features of {len(features)} lesions"
    pairs = closest_pairs(features, columns)
    checks = [
        Check(
            "Is any patient on two sides of a split?",
            f"{splits['split'].nunique()} splits of {splits['patient'].nunique()} patients",
            ask.two_sides(splits),
        ),
        Check(
            "Are two ids alike but for case, zeros or punctuation?",
            f"{len(included)} ids",
            ask.like_ids(included["patient"].astype(str)),
        ),
        Check("Do two patients share a CT?", images, ask.shared_slices(prints)),
        Check("Do two patients share a mask?", images, ask.shared_masks(prints)),
        Check("Do two patients share a lesion's voxels?", images, ask.shared_lesions(prints)),
        Check(
            "Do two patients share a lesion's features?",
            table,
            ask.equal_features(features, columns),
        ),
        Check(
            "Is a lesion too like one of another patient?",
            _closest(pairs[0]) if pairs else "",
            ask.near_duplicates(pairs),
        ),
        Check(
            "Is a column a copy of the label, the patient's id or the row number?",
            f"{len(numbers)} columns of numbers and {len(words)} of words",
            ask.copied_columns(features, numbers, words),
        ),
        Check(
            "Does a feature alone tell the classes apart without a mistake?",
            table,
            ask.separators(features, columns),
        ),
        Check(
            "Does every site bring one class only?",
            f"{sites} sites" if sites > 1 else "",
            ask.sites(included),
        ),
    ]
    return [_with_compared(check, compared) for check in checks]


def _closest(pair: Pair) -> str:
    return (
        f"the closest are patients {' and '.join(pair.patients)}, as close as {pair.expected:.3g} "
        f"pairs would be by chance (a duplicate: fewer than {EXPECTED:g})"
    )


def audit_predictions(
    predictions: pd.DataFrame, splits: pd.DataFrame, cohort: pd.DataFrame
) -> list[Check]:
    """What the arms tested: arm, split, patient, lesion, label, score of all of them."""
    looked_at = f"{len(predictions):,} predictions of {predictions['arm'].nunique()} arms"
    return [
        Check(
            "Did an arm test a patient it had learned from?",
            looked_at,
            ask.learned_from(predictions, splits),
        ),
        Check(
            "Did an arm test against other labels than the cohort's?",
            looked_at,
            ask.other_labels(predictions, cohort),
        ),
    ]


def refuse(checks: Sequence[Check]) -> None:
    """Raise BadInput with every finding that stops the study, each with what to do."""
    stopping = [f for check in checks for f in check.findings if f.outcome == "failed"]
    if stopping:
        texts = [f"({i}) {f.text}. {f.remedy}." for i, f in enumerate(stopping, start=1)]
        raise BadInput(
            f"the leakage audit found {len(stopping)} thing{'s' * (len(stopping) > 1)} that would "
            "make the results wrong. " + " ".join(texts)
        )


def as_json(checks: Sequence[Check]) -> dict:
    """What results/audit.json holds."""
    return {
        "passed": all(check.outcome != "failed" for check in checks),
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
            for check in checks
        ],
    }


def as_table(audit: Mapping) -> pd.DataFrame:
    """`as_json`'s content with one row a finding, and one for each check without any."""
    rows = []
    for check in audit["checks"]:
        about = {"check": check["check"], "looked_at": check["looked_at"]}
        rows += [
            about
            | {"outcome": found["outcome"], "finding": found["text"]}
            | {"patients": " ".join(found["patients"])}
            for found in check["findings"]
        ] or [about | {"outcome": check["outcome"], "patients": "", "finding": ""}]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _with_compared(check: Check, compared: set[frozenset[str]]) -> Check:
    """The check with its findings about pairs that a person has compared turned into warnings."""
    findings = [
        Finding(f.patients, f"{f.text}; a person found them to be two patients")
        if frozenset(f.patients) in compared
        else f
        for f in check.findings
    ]
    return Check(check.title, check.looked_at, findings)
