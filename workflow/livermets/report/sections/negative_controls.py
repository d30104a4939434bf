"""Negative controls: the permutation test, permuted labels, and lesion volume beside each arm."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from livermets.evaluation.evaluate import REFERENCE
from livermets.evaluation.levels import headline_level
from livermets.report.formatting import intervals_by_arm, number, p_value, with_interval
from livermets.report.sections.section import Section, arm_cells
from livermets.report.study_results import StudyResults
from livermets.sensitivity.label_permutation import count_intervals_excluding_chance
from livermets.study.arms import Arm
from livermets.study.outputs import LEVELS
from livermets.study.schemes import scheme_title

ABSENT = "–"


def context(results: StudyResults) -> dict[str, Any] | None:
    """The controls of the study; None where none is configured."""
    return control_results(
        results.config.get("controls", ()),
        results.metrics,
        results.differences,
        results.permuted_metrics,
        results.permutation_test,
    )


def control_results(
    controls: Collection[str],
    metrics: pd.DataFrame,
    differences: pd.DataFrame | None,
    permuted_metrics: pd.DataFrame | None,
    permutation_test: dict[str, Any] | None = None,
) -> dict[str, Any] | None:
    """The values of the section; None without controls.

    Parameters
    ----------
    controls : collection of str
        The configured controls.
    metrics : DataFrame
        Metrics of the study.
    differences : DataFrame or None
        Paired differences of the study.
    permuted_metrics : DataFrame or None
        Metrics of the classification of permuted labels.
    permutation_test : dict or None
        As `livermets.sensitivity.permutation_test.permutation_test` returns it.

    Returns
    -------
    dict or None
        test (the permutation test in words), permuted (one dict for each scheme), warn, volume
        (whether it is configured), has_volume (whether there is a volume), tables (one for each
        scheme), level (that of the AUCs).
    """
    if not controls:
        return None
    counts = [] if permuted_metrics is None else count_intervals_excluding_chance(permuted_metrics)
    return {
        "test": permutation_test and _test_results(permutation_test),
        "permuted": [
            count
            | {"title": scheme_title(count["scheme"]), "expected": number(count["expected"], 1)}
            for count in counts
        ],
        "warn": any(count["warn"] for count in counts),
        "level": headline_level(metrics["level"]),
        "volume": "volume_only" in controls,
        "has_volume": REFERENCE in set(metrics["arm"]),
        "tables": [
            {
                "title": scheme_title(scheme),
                "rows": _rows(scheme, metrics, differences, permuted_metrics),
            }
            for scheme in metrics["scheme"].unique()
        ],
    }


def _test_results(test: dict[str, Any]) -> dict[str, Any]:
    """The permutation test's values as text."""
    levels = [
        {
            "level": level,
            "auc": number(test[level]["auc"]),
            "p": p_value(test[level]["p"]),
            "permuted": f"{number(test[level]['mean'])} ({number(test[level]['low'])} to "
            f"{number(test[level]['high'])})",
        }
        for level in LEVELS
        if level in test
    ]
    title = scheme_title(test["scheme"])
    least = p_value(1 / (1 + test["permutations"]))
    return {
        "title": title,
        "permutations": test["permutations"],
        "levels": levels,
        "least_p": least,
    }


def _rows(
    scheme: str,
    metrics: pd.DataFrame,
    differences: pd.DataFrame | None,
    permuted_metrics: pd.DataFrame | None,
) -> list[dict[str, Any]]:
    """For each arm its AUC, that with permuted labels, its difference from volume."""
    level = headline_level(metrics["level"])
    true, permuted = _aucs(metrics, scheme, level), _aucs(permuted_metrics, scheme, level)
    from_volume = {}
    if differences is not None and len(differences):
        pairs = differences[differences["scheme"] == scheme]
        pairs = pairs[(pairs["against"] == "volume") & (pairs["level"] == level)]
        columns = ["difference", "low", "high"]
        from_volume = {row["arm"]: with_interval(*row[columns]) for _, row in pairs.iterrows()}
    return [
        {
            **arm_cells(arm),
            "auc": with_interval(*auc),
            "permuted": with_interval(*permuted[arm]) if arm in permuted else ABSENT,
            "excludes": arm in permuted and _excludes_chance(permuted[arm]),
            "difference": from_volume.get(arm, ABSENT),
        }
        for arm, auc in true.items()
        if Arm.parse(arm).family != "sets"
    ]


def _aucs(
    metrics: pd.DataFrame | None, scheme: str, level: str
) -> dict[str, tuple[float, float, float]]:
    """Arm -> AUC at a level with its interval."""
    if metrics is None:
        return {}
    rows = metrics[(metrics["scheme"] == scheme) & (metrics["level"] == level)]
    return intervals_by_arm(rows[(rows["metric"] == "auc") & (rows["class"] == "")])


def _excludes_chance(auc: tuple[float, float, float]) -> bool:
    _, low, high = auc
    return bool(np.isfinite(low) and not low <= 0.5 <= high)


SECTION = Section("controls", "Negative controls", "negative_controls.html.j2", context)
