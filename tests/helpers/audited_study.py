"""A study in which the leakage audit finds nothing, and short ways to ask for what it finds."""

import numpy as np
import pandas as pd
from helpers.prediction_tables import make_cohort, make_splits
from livermets.audit.checks import Finding
from livermets.audit.leakage_audit import audit_data
from livermets.audit.questions import Check
from livermets.audit.verdicts import Verdicts
from livermets.features.features_table import feature_columns

COHORT = make_cohort()
SPLITS = make_splits(COHORT)


def lesion_table(seed: int = 0, features: int = 30) -> pd.DataFrame:
    """Features of the cohort's lesions: five hidden numbers each, part of them the patient's."""
    rng = np.random.default_rng(seed)
    used = COHORT[COHORT["included"]]
    table = used.loc[used.index.repeat(used["n_lesions"].astype(int)), ["patient", "label"]]
    table = table.reset_index(drop=True)
    table["lesion"] = table.groupby("patient").cumcount() + 1
    own = dict(zip(used["patient"], rng.normal(size=(len(used), 5)), strict=True))
    hidden = np.stack(table["patient"].map(own)) + rng.standard_t(4, size=(len(table), 5))
    names = [f"original_glcm_F{i:02}" for i in range(features)]
    return table.join(pd.DataFrame(hidden @ rng.normal(size=(5, features)), columns=names))


TABLE = lesion_table()


def copied(table: pd.DataFrame, patient: str, name: str, noise: float = 0.0) -> pd.DataFrame:
    """The table with all lesions of a patient once more under another id."""
    again = table[table["patient"] == patient].assign(patient=name)
    columns = feature_columns(table)
    rng = np.random.default_rng(1)
    again[columns] += (
        noise * table[columns].std().to_numpy() * rng.normal(size=again[columns].shape)
    )
    return pd.concat([table, again], ignore_index=True)


def audited(
    cohort=COHORT, features=TABLE, splits=SPLITS, prints=None, different=(), trusted=(), stop_on=()
) -> list[Check]:
    """The checks of the clean study, but for what is given."""
    return audit_data(cohort, features, splits, prints, Verdicts(different, trusted, stop_on))


def found(checks: list[Check], outcome: str = "failed") -> list[Finding]:
    """The findings of all checks with this outcome."""
    return [f for check in checks for f in check.findings if f.outcome == outcome]


def only(checks: list[Check], outcome: str = "failed") -> Finding:
    """The one finding with this outcome."""
    findings = found(checks, outcome)
    assert len(findings) == 1, findings
    return findings[0]


def question(checks: list[Check], beginning: str) -> Check:
    """The check whose question begins so."""
    (check,) = (check for check in checks if check.title.startswith(beginning))
    return check
