"""Does correction matter? What the report says of uncorrected against final masks."""

from pathlib import Path

import pandas as pd

from livermets.features.features_table import LESION_FACTS
from livermets.report.flow_diagram import SOURCES
from livermets.report.paper_tables import number, p_value, read_table, with_interval
from livermets.report.sections.results import embed
from livermets.study.arms import Arm
from livermets.study.schemes import scheme_title

STEADY = 0.9  # an ICC from here on is called excellent
SHOWN = ("lesion", "patient")  # levels; the table on disk has all
TABLES = ("patients", "features", "aucs")


def mask_results(asked: bool, folder: Path | str | None) -> dict | None:
    """What the template shows; None where the study asked for nothing (`masks.compare_uncorrected`).

    folder : where the rule `mask_comparison` wrote; None where no patient has two masks
    """
    if not asked:
        return None
    if folder is None:
        return {"patients": 0}
    folder = Path(folder)
    patients, features, aucs = (read_table(folder / f"{name}.tsv") for name in TABLES)
    patients = patients.fillna({name: "" for name in ("uncorrected", "final", "reason")})
    reasons = patients["reason"].astype(str)
    changes = patients.groupby(["uncorrected", "final"]).size()
    return {
        "patients": len(patients),
        "changes": [
            {"before": SOURCES.get(before, before), "after": SOURCES.get(after, after), "n": int(n)}
            for (before, after), n in changes.items()
        ],
        "unusable": [
            {"patient": patient, "reason": reason}
            for patient, reason in zip(patients["patient"], reasons, strict=True)
            if reason
        ],
        "without_lesion": int(((patients["lesions_uncorrected"] == 0) & (reasons == "")).sum()),
        **{
            name: int(patients[name].sum()) for name in ("lesions_uncorrected", "lesions", "paired")
        },
        "classes": _by_class(features),
        "schemes": [
            {"title": scheme_title(scheme), "rows": _rows(part), "lost": int(part["n_lost"].max())}
            for scheme, part in aucs.groupby("scheme", sort=False)
        ],
        "figure": embed(folder / "aucs.svg"),
        "steady": STEADY,
    }


def _by_class(features: pd.DataFrame) -> list[dict]:
    """Of each class of features: how many, their median agreement, and the steady ones' share."""
    kind = features["feature"].str.extract(r"^([^_]+)_([^_]+)_", expand=True)
    kind = kind[1].where(kind[0] == "original", kind[0] + " " + kind[1])
    kind = kind.where(~features["feature"].isin(LESION_FACTS), "volume, diameter, mean HU")
    return [
        {
            "name": name,
            "features": len(part),
            "pairs": int(part["lesions"].max()),
            "icc": number(part["icc"].median()),
            "concordance": number(part["concordance"].median()),
            "steady": _share(part["icc"].dropna()),
        }
        for name, part in features.groupby(kind.fillna("other"), sort=False)
    ]


def _share(icc: pd.Series) -> str:
    return f"{100 * (icc >= STEADY).mean():.0f} %" if len(icc) else "–"


def _rows(aucs: pd.DataFrame) -> list[dict]:
    """One line an arm: AUCs and their difference at the levels shown."""
    levels = {level: part.set_index("arm") for level, part in aucs.groupby("level")}
    return [
        {
            "model": Arm.parse(arm).model_title,
            "way": Arm.parse(arm).resampling_title,
            "cells": [
                text
                for level in SHOWN
                for text in (
                    with_interval(
                        *levels[level].loc[
                            arm, ["uncorrected", "uncorrected_low", "uncorrected_high"]
                        ]
                    ),
                    with_interval(*levels[level].loc[arm, ["final", "final_low", "final_high"]]),
                    with_interval(*levels[level].loc[arm, ["difference", "low", "high"]]),
                    p_value(levels[level].loc[arm, "p_holm"]),
                )
            ],
        }
        for arm in aucs["arm"].unique()
    ]
