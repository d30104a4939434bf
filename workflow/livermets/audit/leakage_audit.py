"""The leakage audit: whether test patients are new to the models; errors stop the study.

Every check says what it examined, so that a reader can tell a check without findings from a check
that had nothing to examine.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from livermets.audit import checks, questions
from livermets.audit.checks import Fingerprints
from livermets.audit.questions import Check
from livermets.audit.verdicts import Verdicts, judged, refuse_unknown_names
from livermets.core.errors import BadInput

COLUMNS = ("check", "outcome", "looked_at", "patients", "finding")


def audit_data(
    cohort: pd.DataFrame,
    features: pd.DataFrame,
    splits: pd.DataFrame,
    fingerprints: Fingerprints | None = None,
    verdicts: Verdicts | None = None,
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
        Id of the scan -> `livermets.audit.fingerprints.fingerprint`; None in a study without
        images.
    verdicts : Verdicts, optional
        What a person has decided.

    Raises
    ------
    BadInput
        A person's verdict names a patient or a column that the study does not have.
    """
    verdicts = verdicts or Verdicts()
    refuse_unknown_names(verdicts, cohort, features)
    included = cohort[cohort["included"]]
    found = [
        *questions.about_patients(included, splits),
        *questions.about_images(fingerprints or {}),
        *questions.about_features(features, verdicts.trusted_columns),
        questions.about_sites(included),
    ]
    return [judged(check, verdicts) for check in found]


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
                "impossible": check.impossible,
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
        ]
        if not check["findings"]:
            reason = check.get("impossible", "")
            finding = f"could not be looked at, because {reason}" if reason else ""
            rows.append(record | {"outcome": check["outcome"], "patients": "", "finding": finding})
    return pd.DataFrame(rows, columns=list(COLUMNS))
