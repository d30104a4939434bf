"""The masks: their origin, what checks warn of, and the agreement of automatic and final ones."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from livermets.core.scan_ids import in_words
from livermets.report.patient_flow import SOURCES
from livermets.report.sections.mask_review import review_context
from livermets.report.sections.section import Section
from livermets.report.study_results import StudyResults
from livermets.review.agreement_table import TOLERANCE_MM


def context(results: StudyResults) -> dict[str, Any]:
    """The number of patients, or scans, by origin of the mask, the warnings, and the agreement."""
    scans = results.scans
    included = results.included if scans is None else scans[scans["included"]]
    counts = (
        included["mask_source"].fillna("").value_counts().to_dict()
        if "mask_source" in included
        else {}
    )
    no_images = "There are no masks in this run: the study started from a feature table."
    return {
        "sources": [(SOURCES.get(str(name), name), n) for name, n in counts.items() if name],
        "unit": "Patients" if scans is None else "Scans",
        "warnings": check_warnings(results.mask_checks),
        "n_checked": sum(not check.get("excluded") for check in results.mask_checks.values()),
        "review": review_context(results.reviews),
        "agreement": [] if results.agreement is None else agreement_lines(results.agreement),
        "missing": no_images if results.from_features else "No mask was recorded.",
    }


def check_warnings(checks: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """List the patients, or scans, whose mask the checks warn of, each with the warnings.

    Parameters
    ----------
    checks : mapping of str to mapping
        Id of the scan -> the result of `livermets.review.quality_checks.check_mask`, or `excluded`.
    """
    return [
        (in_words(scan), list(check["warnings"]))
        for scan, check in checks.items()
        if not check.get("excluded") and check["warnings"]
    ]


def agreement_lines(table: pd.DataFrame) -> list[tuple[str, str]]:
    """The agreement of masks in lines: medians and ranges over patients, lesions summed.

    Parameters
    ----------
    table : DataFrame
        As `livermets.review.agreement_table.agreement_table` returns it.

    Returns
    -------
    list of tuple of str
        Heading and value of each line; empty without patients.
    """
    if table.empty:
        return []
    lesions = {name: int(table[f"lesions{name}"].sum()) for name in ("", "_matched", "_missed")}
    added = int(table["lesions_added"].sum())
    return [
        ("Patients with an automatic and another mask", str(len(table))),
        ("Dice of the liver, median (range)", _median(table, "dice_liver")),
        (f"Surface Dice of the liver at {TOLERANCE_MM:g} mm", _median(table, "surface_dice_liver")),
        ("Liver volume, automatic minus final (ml)", _volume_difference(table, "liver_ml")),
        ("Dice of the lesions", _median(table, "dice_lesion")),
        ("Lesion volume, automatic minus final (ml)", _volume_difference(table, "lesion_ml")),
        ("Lesions found by both", f"{lesions['_matched']} of {lesions['']}"),
        ("Lesions the model missed", str(lesions["_missed"])),
        ("Lesions the model added", str(added)),
    ]


def _median(table: pd.DataFrame, column: str) -> str:
    values = pd.to_numeric(table[column]).dropna()
    if values.empty:
        return "none"
    return f"{values.median():.2f} ({values.min():.2f} to {values.max():.2f})"


def _volume_difference(table: pd.DataFrame, column: str) -> str:
    difference = table[f"{column}_automatic"] - table[column]
    return f"{difference.median():+.1f} ({difference.min():+.1f} to {difference.max():+.1f})"


SECTION = Section("masks", "Masks", "masks.html.j2", context)
