"""Explanation: what the models looked at, and which lesion decided a patient."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from livermets.core.scan_ids import in_words, scan_id
from livermets.explanation.lesion_effects import deciding_lesions
from livermets.explanation.map_regions import ALL
from livermets.explanation.variants import VARIANTS
from livermets.report.formatting import number, p_value, with_interval
from livermets.report.page_figure import page_figure
from livermets.report.paper_tables import read_table
from livermets.report.sections.occlusion_words import main_scheme_rows, occlusion_words
from livermets.report.sections.section import Section
from livermets.report.study_results import StudyResults
from livermets.study.arms import Arm
from livermets.study.names import SCAN

SIZE = re.compile("volume|diameter|axislength|surfacearea", re.IGNORECASE)  # measures of size
FIRST = 12  # rows shown; the tables have all
DECIDES = 0.5  # a lesion that changes the call in more of the splits decides the patient


def context(results: StudyResults) -> dict[str, Any] | None:
    """The parts of the explanation that the study has."""
    folder = results.explanation
    if folder is None:
        return None
    settings = results.config["explanation"]
    return {
        "network": _network(folder, results) if (folder / "occlusion.parquet").is_file() else None,
        "shap": _shap(folder, results) if (folder / "shap.parquet").is_file() else None,
        "lesions": _lesions(read_table(folder / "lesion_effects.parquet"), results),
        "of_lesion": results.config.get("label_of") == "lesion",
        "rim_share": f"{settings['rim_share']:.0%}",
        "correlation": number(settings["correlation"]),
    }


def _network(folder: Path, results: StudyResults) -> dict[str, Any]:
    """Occlusion in words and numbers, and the contact sheet with its regions."""
    occlusion = read_table(folder / "occlusion.parquet")
    shown = main_scheme_rows(occlusion)
    regions = read_table(folder / "grad_cam.parquet")
    return {
        "words": occlusion_words(occlusion),
        "occlusion": [_occlusion_cells(row) for row in shown.to_dict("records")],
        "surroundings": bool(occlusion["variant"].eq("surroundings").any()),
        "patients": int(shown["n_patients"].max()),
        "figure": page_figure(folder / "grad_cam.svg", results),
        "regions": [_region_cells(row) for row in regions.to_dict("records") if row["lesions"]],
    }


def _occlusion_cells(row: Mapping[Any, Any]) -> list[str]:
    difference = with_interval(row["difference"], row["difference_low"], row["difference_high"])
    return [
        VARIANTS[row["variant"]].capitalize(),
        row["level"],
        with_interval(row["auc"], row["low"], row["high"]),
        "" if pd.isna(row["difference"]) else row["no_interval"] or difference,
        "" if pd.isna(row["p"]) else p_value(row["p"]),
    ]


def _region_cells(row: Mapping[Any, Any]) -> list[str]:
    name = "All lesions" if row["label"] == ALL else f"{row['label']}, {row['calls']} calls"
    shares = [
        f"{_percent(row[f'map_{where}'])} ({_percent(row[f'area_{where}'])})"
        for where in ("inside", "rim", "outside")
    ]
    return [name, str(row["lesions"]), str(row["patients"]), *shares, str(row["without_map"])]


def _percent(share: float) -> str:
    return "–" if pd.isna(share) else f"{share:.0%}"


def _shap(folder: Path, results: StudyResults) -> dict[str, Any]:
    """The largest groups of features of each arm."""
    summary = read_table(folder / "shap.parquet")
    arms = [
        {
            "title": Arm.parse(str(arm)).title,
            "rows": [_group_cells(row) for row in rows.head(FIRST).to_dict("records")],
            "groups": len(rows),
            "words": _largest_group(rows.to_dict("records")[0]),
        }
        for arm, rows in summary[summary["share"] > 0].groupby("arm", sort=False)
    ]
    return {"arms": arms, "figure": page_figure(folder / "shap.svg", results)}


def _largest_group(row: Mapping[Any, Any]) -> str:
    """What share the largest group has, and whether it measures the size of the lesion."""
    words = f"the largest group, {row['group']}, makes {row['share']:.0%} of the score"
    sizes = [name for name in row["members"].split(", ") if SIZE.search(name)]
    if not sizes:
        return f"{words}."
    shown = ", ".join(sizes[:3]) + (" and others" if len(sizes) > 3 else "")
    return f"{words}. It holds measures of size ({shown}): the arm may mostly measure size."


def _group_cells(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        "name": row["group"],
        "others": [name for name in row["members"].split(", ") if name != row["group"]],
        "cells": [
            f"{row['share']:.0%}",
            f"{row['lowest']:.0%} to {row['highest']:.0%}",
            f"{row['top']} of {row['splits']}",
        ],
        "direction": row["direction"],
    }


def _lesions(effects: pd.DataFrame, results: StudyResults) -> dict[str, Any]:
    """How many patients a single lesion decides, and the lesions that decide most."""
    table = deciding_lesions(effects)
    arms = []
    for arm, rows in table.groupby("arm", sort=False):
        several = rows[rows["lesions"] > 1]
        decided = several[several["flips"] > DECIDES]
        order = decided["change"].abs().sort_values(ascending=False).index
        arms.append(
            {
                "title": Arm.parse(str(arm)).title,
                "patients": several["patient"].nunique(),
                "single": int((rows["lesions"] == 1).sum()),
                "decided": decided["patient"].nunique(),
                "largest": number(several["change"].abs().max()),
                "rows": [
                    _lesion_cells(row) for row in decided.loc[order].head(FIRST).to_dict("records")
                ],
            }
        )
    return {"arms": arms, "positive": results.config["positive"]}


def _lesion_cells(row: Mapping[Any, Any]) -> list[str]:
    return [
        in_words(scan_id(row["patient"], row.get(SCAN, ""))),
        str(row["label"]),
        f"{row['lesion']} of {row['lesions']}",
        *(number(row[name]) for name in ("lesion_score", "score", "score_without")),
        f"{row['flips']:.0%}",
    ]


SECTION = Section(
    "explanation",
    "What did the models look at?",
    "explanation.html.j2",
    context,
    needs=("explanation",),
)
