"""The sample size: how many features the cohort can carry, beside those that the arms saw."""

from typing import Any

from livermets.cohort.sample_size import (
    assumptions,
    parameters_supported,
    patients_needed,
    risk_margin,
    smallest_class,
)
from livermets.report.formatting import number
from livermets.report.sections.section import Section
from livermets.report.study_results import StudyResults
from livermets.study.patient_labels import has_several


def context(results: StudyResults) -> dict[str, Any] | None:
    """The table by assumed performance, and the features of the arms where any were fitted."""
    labels = list(results.included["label"])
    if len(set(labels)) < 2 or has_several(labels):
        return None
    label, few, patients = smallest_class(labels)
    share = few / patients
    candidates = max((int(fit["features"].max()) for fit in results.fits), default=None)
    rows = []
    for assumption in assumptions(share):
        cells = [number(assumption.r2), parameters_supported(patients, share, assumption.r2)]
        if candidates is not None:
            needed = patients_needed(candidates, share, assumption.r2)
            cells += [f"{n:,}" for n in (needed.shrinkage, needed.optimism, needed.all_criteria)]
        rows.append({"assumption": assumption.name, "cells": cells})
    return {
        "patients": patients,
        "label": label,
        "few": few,
        "classes": len(set(labels)),
        "candidates": candidates,
        "selected": _median_selected(results),
        "headings": ["If the model has", "Cox–Snell R²", f"Features for {patients} patients"],
        "needed": ["shrinkage ≥ 0.9", "optimism ≤ 0.05", "all criteria"],
        "rows": rows,
        "margin": number(100 * risk_margin(patients, share), 0),
        "patients_for_margin": patients_needed(1, share, assumptions(share)[0].r2).risk,
    }


def _median_selected(results: StudyResults) -> int | None:
    """Features that reached a classifier after the redundancy filter: the median over all fits."""
    counts = [int(n) for fit in results.fits for n in fit["selected"]]
    return sorted(counts)[len(counts) // 2] if counts else None


SECTION = Section(
    "sample_size",
    "What the cohort can carry",
    "sample_size.html.j2",
    context,
    caption="Criteria of Riley et al. 2020 (10.1136/bmj.m441): coefficients shrink by 10 % at most "
    "in new patients, and the apparent Nagelkerke R² exceeds the true one by 0.05 at most. 15 % is "
    "what they advise to assume where nothing is known.",
)
