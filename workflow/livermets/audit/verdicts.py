"""Verdicts: what a person has decided about findings of the audit, in the configuration."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import pandas as pd

from livermets.audit.checks import Finding
from livermets.audit.questions import Check
from livermets.core.errors import BadInput

REMEDIES = {
    "similar_ids": "Keep one id of each person (`exclude`, or the column `scan`), or name the pair "
    "in `audit.known_distinct_pairs` if they are two",
    "near_copies": "Remove the column, or name it in `audit.trusted_columns` if it gives nothing "
    "away",
    "telling_columns": "Remove the columns, or name those that give nothing away in "
    "`audit.trusted_columns`",
    "telling_sites": "Take patients of both classes from each site",
}  # suspicion -> what to do where it stops the study


@dataclass(frozen=True)
class Verdicts:
    """What a person has decided: the keys below `audit` in the configuration.

    Parameters
    ----------
    known_distinct_pairs : collection of pairs of str
        Pairs of patients whom a person has compared: similarities of these are warnings.
    trusted_columns : collection of str
        Columns that a person has looked at: copies are warnings, telling columns are not listed.
    stop_on : collection of str
        Suspicions that stop the study: similar_ids, near_copies, telling_columns, telling_sites.
    """

    known_distinct_pairs: Collection[Sequence[str]] = ()
    trusted_columns: Collection[str] = ()
    stop_on: Collection[str] = ()


def refuse_unknown_names(verdicts: Verdicts, cohort: pd.DataFrame, features: pd.DataFrame) -> None:
    """Refuse patients and columns that the study does not have: a slip of the pen has no effect."""
    patients = {*cohort["patient"].astype(str), *features["patient"].astype(str)}
    for patient in (str(p) for pair in verdicts.known_distinct_pairs for p in pair):
        if patient not in patients:
            raise BadInput(
                f"config: `audit.known_distinct_pairs` names {patient}, who is not a patient of "
                "this study. Write the id as the cohort does, or remove the pair"
            )
    for column in verdicts.trusted_columns:
        if column not in features:
            raise BadInput(
                f"config: `audit.trusted_columns` names {column}, which is not a column of "
                "results/features.parquet. Write the name as the table does, or remove it"
            )


def judged(check: Check, verdicts: Verdicts) -> Check:
    """Apply a person's verdicts: known findings only warn, and suspicions of `stop_on` stop."""
    compared = {frozenset(map(str, pair)) for pair in verdicts.known_distinct_pairs}
    stops = check.suspicion in verdicts.stop_on

    def of_finding(finding: Finding) -> Finding:
        pairs = [frozenset(pair) for pair in combinations(finding.patients, 2)]
        if pairs and all(pair in compared for pair in pairs):
            text = f"{finding.text}; a person found them to be two patients"
            return replace(finding, text=text, remedy="")
        if finding.column and finding.column in verdicts.trusted_columns:
            return replace(finding, text=f"{finding.text}; a person trusts it", remedy="")
        if stops and not finding.remedy:
            return replace(
                finding,
                remedy=f"{REMEDIES[check.suspicion]}, or take `{check.suspicion}` out of "
                "`audit.stop_on`",
            )
        return finding

    return replace(check, findings=[of_finding(finding) for finding in check.findings])
