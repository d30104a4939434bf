"""Mask correction: features and AUCs from uncorrected masks, compared with final masks."""

from pathlib import Path
from typing import Any

import pandas as pd

from livermets.cohort.scans_table import scan_ids
from livermets.core.scan_ids import in_words
from livermets.features.features_table import LESION_FACTS
from livermets.report.formatting import number, p_value, with_interval
from livermets.report.page_figure import page_figure
from livermets.report.paper_tables import read_table
from livermets.report.patient_flow import SOURCES
from livermets.report.sections.section import Section, arm_cells
from livermets.report.study_results import StudyResults
from livermets.study.schemes import scheme_title

EXCELLENT = 0.9  # an ICC of at least this is called excellent
LEVELS = ("lesion", "patient")  # the levels in the report; the table on disk has all
TABLES = ("patients", "features", "aucs")


def context(results: StudyResults) -> dict[str, Any] | None:
    """The comparison; None where it is not configured (`masks.compare_uncorrected`)."""
    if not results.config.get("masks", {}).get("compare_uncorrected", False):
        return None
    study = {"listed": len(results.cohort), "from_features": results.from_features}
    folder = results.mask_comparison
    figure = page_figure(folder / "aucs.svg", results) if folder else None
    return study | mask_results(folder) | {"figure": figure}


def mask_results(folder: Path | None) -> dict[str, Any]:
    """The values of the section.

    Parameters
    ----------
    folder : Path or None
        The folder of the comparison; None where no patient has two masks.

    Returns
    -------
    dict
        The number of patients with two masks and, unless it is 0, all other values.
    """
    if folder is None:
        return {"patients": 0}
    patients, features, aucs = (read_table(folder / f"{name}.tsv") for name in TABLES)
    patients = patients.fillna({name: "" for name in ("uncorrected", "final", "reason")})
    reasons = patients["reason"].astype(str)
    changes = patients.groupby(["uncorrected", "final"], as_index=False).size()
    schemes = [
        {
            "title": scheme_title(str(scheme)),
            "rows": _auc_rows(part),
            "left_out": int(part["n_lost"].max()),
        }
        for scheme, part in aucs.groupby("scheme", sort=False)
    ]
    columns = ("lesions_uncorrected", "lesions", "paired")
    return {
        "patients": len(patients),
        "changes": [
            f"{n} {_source(before)}, then {_source(after)}"
            for before, after, n in changes.itertuples(index=False, name=None)
        ],
        "unusable": [
            {"patient": in_words(scan), "reason": reason}
            for scan, reason in zip(scan_ids(patients), reasons, strict=True)
            if reason
        ],
        "without_lesion": int(((patients["lesions_uncorrected"] == 0) & (reasons == "")).sum()),
        **{name: int(patients[name].sum()) for name in columns},
        "classes": _feature_classes(features),
        "schemes": schemes,
        "levels": LEVELS,
        "excellent": EXCELLENT,
    }


def _source(name: str) -> str:
    return SOURCES.get(name, name) or "unusable"


def _feature_classes(features: pd.DataFrame) -> list[dict[str, Any]]:
    """For each class of features: number, median agreement, share with an excellent ICC."""
    parts = features["feature"].str.extract(r"^([^_]+)_([^_]+)_", expand=True)
    classes = parts[1].where(parts[0] == "original", parts[0] + " " + parts[1])
    classes = classes.where(~features["feature"].isin(LESION_FACTS), "volume, diameter, mean HU")
    return [
        {
            "name": name,
            "features": len(part),
            "pairs": int(part["lesions"].max()),
            "icc": number(part["icc"].median()),
            "concordance": number(part["concordance"].median()),
            "excellent": _excellent_share(part["icc"].dropna()),
        }
        for name, part in features.groupby(classes.fillna("other"), sort=False)
    ]


def _excellent_share(icc: pd.Series) -> str:
    return f"{100 * (icc >= EXCELLENT).mean():.0f} %" if len(icc) else "–"


def _auc_rows(aucs: pd.DataFrame) -> list[dict[str, Any]]:
    """For each arm, both AUCs, their difference and its p value at each level."""
    levels = {level: part.set_index("arm") for level, part in aucs.groupby("level")}
    rows = []
    for arm in aucs["arm"].unique():
        cells = []
        for level in LEVELS:
            row = levels[level].loc[arm]
            for name in ("uncorrected", "final"):
                cells.append(with_interval(row[name], row[f"{name}_low"], row[f"{name}_high"]))
            cells.append(with_interval(row["difference"], row["low"], row["high"]))
            cells.append(p_value(row["p_holm"]))
        rows.append(arm_cells(arm) | {"cells": cells})
    return rows


SECTION = Section("correction", "Does correction matter?", "mask_correction.html.j2", context)
