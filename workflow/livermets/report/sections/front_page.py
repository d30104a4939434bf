"""The first page of the report: what was found, what it is worth, and what to know first."""

from typing import Any

import numpy as np
import pandas as pd

from livermets.evaluation.claims import beats_reference
from livermets.report.formatting import p_value, with_interval
from livermets.report.main_result import CHANCE, MainResult, main_result
from livermets.report.page_figure import page_figure
from livermets.report.sections.cautions import capacity, cautions
from livermets.report.sections.section import Section
from livermets.report.size_claim import size_claim
from livermets.report.study_results import StudyResults
from livermets.study.arms import Arm
from livermets.study.schemes import scheme_title

FIGURE = "main_result.svg"


def context(results: StudyResults) -> dict[str, Any]:
    """The main result in words, its comparisons, the cautions and the settings."""
    pair = primary_pair(results)
    primary = None if pair is None else (pair["arm"], pair["reference"])
    main = main_result(results.metrics, primary)
    return {
        "phantoms": bool(results.config.get("phantoms")),
        **_cohort(results),
        "main": None if main is None else _main_arm(main, results.multiclass),
        "arms": len(results.arms),
        "figure": page_figure(results.figures / FIGURE, results),
        "comparisons": [] if main is None else _comparisons(results, main),
        "verdict": "" if pair is None else verdict(results.metrics, pair),
        "size": size_claim(results),
        "other_schemes": [] if main is None else _other_schemes(results, main, primary),
        "cautions": cautions(results, main),
        "capacity": capacity(results),
        "settings": _settings(results),
    }


def primary_pair(results: StudyResults) -> pd.Series | None:
    """The row of the primary comparison in the differences; None where there is none."""
    pairs = results.differences
    if pairs is None or pairs.empty:
        return None
    rows = pairs[pairs["primary"].astype(bool)]
    return None if rows.empty else rows.iloc[0]


def about_chance(low: float, high: float) -> str:
    """Say whether the interval of an AUC leaves out 0.5."""
    if not np.isfinite(low):
        return "There is no interval, so nothing can be said about chance."
    if low > CHANCE:
        return "The interval leaves out 0.5: the AUC is better than chance."
    if high < CHANCE:
        return "The interval lies below 0.5: the scores rank the patients the wrong way round."
    return "The interval holds 0.5: chance is not ruled out."


def verdict(metrics: pd.DataFrame, pair: pd.Series) -> str:
    """Say what the primary comparison allows to say about the arm.

    Parameters
    ----------
    metrics : DataFrame
        As `livermets.evaluation.evaluate.evaluate` returns it.
    pair : Series
        The row of the primary comparison. It stands alone, so its p-value is not corrected.
    """
    arm, reference = (Arm.parse(pair[name]).title for name in ("arm", "reference"))
    if pair["no_interval"]:
        return f"“{arm}” and “{reference}” cannot be compared: {pair['no_interval']}."
    alone = pair.to_frame().T.infer_objects().assign(p_holm=float(pair["p"]))
    claim = beats_reference(metrics, alone, pair["level"]).iloc[0]
    if claim["beats"]:
        return (
            f"“{arm}” beats “{reference}”: its own interval lies above 0.5, and the difference "
            "above 0."
        )
    missing = []
    if not claim["above_chance"]:
        missing.append("its own interval does not lie above 0.5")
    if not claim["difference_above_zero"]:
        missing.append("the interval of the difference does not lie above 0")
    return f"That “{arm}” beats “{reference}” is not shown: {' and '.join(missing)}."


def _main_arm(main: MainResult, multiclass: bool) -> dict[str, Any]:
    value, low, high = main.aucs[main.arm]
    return {
        "title": Arm.parse(main.arm).title,
        "scheme": scheme_title(main.scheme).lower(),
        "patients": main.patients,
        "auc": with_interval(value, low, high),
        "about_chance": about_chance(low, high),
        "level": main.level,
        "metric": f"a mean AUC by {main.level} over the classes"
        if multiclass
        else f"an AUC by {main.level}",
    }


def _comparisons(results: StudyResults, main: MainResult) -> list[dict[str, Any]]:
    """For each arm beside the main one its AUC, and how much more the main arm has."""
    pairs = results.differences
    if pairs is None or pairs.empty:
        pairs = pd.DataFrame(columns=["arm", "reference", "scheme", "level"])
    pairs = pairs[(pairs["scheme"] == main.scheme) & (pairs["level"] == main.level)]
    pairs = pairs[pairs["arm"] == main.arm].drop_duplicates("reference")
    by_reference = pairs.set_index("reference").to_dict("index")
    rows = []
    for name, interval in main.aucs.items():
        pair = by_reference.get(name)
        if name == main.arm or pair is None:
            continue
        p = f"{p_value(pair['p'])}, not corrected" if pair["primary"] else p_value(pair["p_holm"])
        rows.append(
            {
                "title": Arm.parse(name).title,
                "primary": bool(pair["primary"]),
                "auc": with_interval(*interval),
                "difference": with_interval(pair["difference"], pair["low"], pair["high"]),
                "p": p,
            }
        )
    return rows


def _other_schemes(
    results: StudyResults, main: MainResult, primary: tuple[str, str] | None
) -> list[str]:
    """The main arm's AUC in each other scheme, in a sentence."""
    sentences = []
    for scheme in results.schemes:
        other = main_result(results.metrics, primary or (main.arm, ""), scheme)
        if scheme == main.scheme or other is None:
            continue
        value, low, high = other.aucs[other.arm]
        sentences.append(
            f"{scheme_title(scheme)}, {other.patients} patients: "
            f"{with_interval(value, low, high)}. {about_chance(low, high)}"
        )
    return sentences


def _cohort(results: StudyResults) -> dict[str, Any]:
    """Numbers of patients and lesions, in all and of each class."""
    included = results.included
    has_lesions = "n_lesions" in included and included["n_lesions"].notna().any()
    groups = {name: included[included["label"] == name] for name in results.patient_groups}
    return {
        "patients": len(included),
        "lesions": int(included["n_lesions"].sum()) if has_lesions else None,
        "classes": [
            f"{name} {len(group)}"
            + (f" ({int(group['n_lesions'].sum()):,} lesions)" if has_lesions else "")
            for name, group in groups.items()
        ],
    }


def _settings(results: StudyResults) -> dict[str, Any]:
    threshold = "Youden, training patients" if results.youden else None
    settings = {
        "Positive class": results.config["positive"],
        "Starts from": "a feature table" if results.from_features else "CT images",
        "Threshold": threshold or results.config["evaluation"]["threshold"],
        "Seed": results.config["seed"],
    }
    if results.scans is not None:
        used = int(results.scans["included"].sum())
        settings["Scans"] = f"{used} of {len(results.scans)} in the sheet"
    if results.multiclass:
        del settings["Positive class"]
        settings["Threshold"] = "none: the highest score"
    return settings


SECTION = Section("study", "What was found", "front_page.html.j2", context)
