"""Table 3: the results of one scheme, with its differences, confusion matrices and figures."""

from functools import partial
from typing import Any

import pandas as pd

from livermets.evaluation.levels import headline_level
from livermets.evaluation.per_split import summarise_splits
from livermets.report.formatting import number, p_value, with_interval
from livermets.report.page_figure import PageFigure, page_figure
from livermets.report.paper_tables import table3
from livermets.report.sections import feature_sets
from livermets.report.sections.section import Section, arm_cells
from livermets.report.study_results import StudyResults
from livermets.study.arms import Arm
from livermets.study.outputs import LEVELS, SCHEME_FIGURES
from livermets.study.schemes import scheme_title

MAIN_METRICS = {
    "auc": "AUC",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "f1": "F1",
    "brier": "Brier score",
}
FURTHER_METRICS = {
    "average_precision": "Average precision",
    "mcc": "Matthews coefficient",
    "net_benefit": "Net benefit",
    "calibration_slope": "Calibration slope",
    "calibration_intercept": "Calibration intercept",
}
FAMILIES = {
    "radiomics": "Radiomics classifiers",
    "sets": "Feature sets compared",
    "deep": "Deep learning",
    "fusion": "Radiomics and deep learning joined",
    "other": "Other tables",
    "baseline": "Baselines",
}
WEIGHTED = "lesion_weighted"  # the level that is folded away
COMPARISONS = {
    "volume": "Against lesion volume alone",
    "burden": "Against tumour burden and lesion count",
    "clinical": "Against clinical columns alone",
    "radiomics": "DenseNet-121 against radiomics",
    "as is": "Resampled arms against the same model without resampling",
    "pooling": "Other ways from slices to lesion to patient against the mean",
    "fused radiomics": "Radiomics and DenseNet-121 joined against radiomics alone",
    "fused network": "Radiomics and DenseNet-121 joined against DenseNet-121 alone",
    "embeddings": "Radiomics with embeddings of another network against these alone",
    "primary": "The comparison named before the study",
}  # comparison -> title, in the order of the page


def section(scheme: str) -> Section:
    """The section of one scheme."""
    return Section(
        scheme,
        f"Table 3: {scheme_title(scheme).lower()}",
        "results_by_scheme.html.j2",
        partial(context, scheme),
        absent="No arm has predictions for this scheme.",
    )


def context(scheme: str, results: StudyResults) -> dict[str, Any] | None:
    """The values of one scheme; None without predictions."""
    metrics = results.metrics[results.metrics["scheme"] == scheme]
    if metrics.empty:
        return None
    arms = metrics.drop_duplicates("arm")
    compared = results.config.get("classification", {}).get("compare_feature_sets", {})
    return {
        "scheme": scheme,
        "n_patients": int(arms["n_patients"].max()),
        "n_lesions": int(arms["n_lesions"].max()),
        "n_effective": _effective_patients(metrics),
        "incomplete_arms": _incomplete_arms(arms),
        "levels": _levels(metrics),
        "weighted": WEIGHTED,
        "several_splits": int(arms["n_splits"].max()) > 1,
        "below_chance": _below_chance(metrics, results.level),
        "main_metrics": MAIN_METRICS,
        "further_metrics": FURTHER_METRICS,
        "classes": results.classes,
        "multiclass": results.multiclass,
        "one_vs_rest": _one_vs_rest(metrics, results.classes, results.level),
        "primary": _primary(results, scheme),
        "level": results.level,
        "compared_levels": _compared_levels(results.level),
        "comparisons": _comparisons(results.differences, scheme),
        "split_aucs": _split_aucs(results, scheme),
        "sets_template": feature_sets.TEMPLATE,
        "sets": feature_sets.set_results(scheme, compared, metrics, results.differences),
        "confusion": _confusion(results.confusion, scheme, results.classes),
        "no_interval": _reasons(metrics),
        "fixed_threshold": _fixed_threshold(arms) if results.youden else [],
        "has_deep": any(arm.family == "deep" for arm in results.arms),
        "from_features": results.from_features,
        "figures": _figures(results, scheme),
    }


def _figures(results: StudyResults, scheme: str) -> dict[str, PageFigure | None]:
    return {
        kind: page_figure(results.figures / f"{kind}_{scheme}.svg", results)
        for kind in SCHEME_FIGURES
    }


def _incomplete_arms(arms: pd.DataFrame) -> list[str]:
    """Arms that were tested on fewer patients, lesions or splits than the others."""
    most = tuple(arms[["n_patients", "n_lesions", "n_splits"]].max())
    return [
        f"{row.arm} ({row.n_patients} patients, {row.n_lesions} lesions, {row.n_splits} splits)"
        for row in arms.itertuples()
        if (row.n_patients, row.n_lesions, row.n_splits) != most
    ]


def _fixed_threshold(arms: pd.DataFrame) -> list[str]:
    """Arms whose threshold is exactly one half."""
    return list(arms.loc[arms["threshold"] == 0.5, "arm"]) if "threshold" in arms else []


def _levels(metrics: pd.DataFrame) -> list[dict[str, Any]]:
    """For each level, the rows of Table 3 in groups of one family of arms."""
    wide = table3(metrics)
    levels: list[dict[str, Any]] = []
    for level, title in LEVELS.items():
        groups: list[dict[str, Any]] = []
        for row in wide[wide["level"] == level].to_dict("records"):
            if not groups or groups[-1]["family"] != FAMILIES[row["family"]]:
                groups.append({"family": FAMILIES[row["family"]], "rows": []})
            rows = groups[-1]["rows"]
            cells = {
                name: with_interval(row[name], row[f"{name}_low"], row[f"{name}_high"])
                for name in (*MAIN_METRICS, *FURTHER_METRICS)
            }
            first = not rows or rows[-1]["model"] != row["model"]
            rows.append(arm_cells(row["arm"]) | {"first": first, "cells": cells})
        if groups:
            levels.append({"name": level, "title": title, "groups": groups})
    return levels


def _one_vs_rest(metrics: pd.DataFrame, classes: list[str], level: str) -> list[dict[str, Any]]:
    """For each arm, the AUC of each of three or more classes against the rest."""
    auc = metrics[(metrics["metric"] == "auc") & (metrics["level"] == level)]
    auc = auc[auc["class"] != ""].set_index(["arm", "class"])[["value", "low", "high"]]
    return [
        arm_cells(arm) | {"cells": [with_interval(*auc.loc[(arm, name)]) for name in classes]}
        for arm in sorted(auc.index.unique("arm"), key=Arm.parse)
    ]


def _effective_patients(metrics: pd.DataFrame) -> str:
    """The smaller class's effective number of patients by lesion, as most arms have it."""
    by_lesion = metrics[metrics["level"] == "lesion"]
    return number(by_lesion["n_effective"].max(), 1)


def _below_chance(metrics: pd.DataFrame, level: str) -> int:
    """Number of arms whose AUC at a level is below 0.5."""
    auc = metrics[(metrics["metric"] == "auc") & (metrics["level"] == level)]
    return int((auc.loc[auc["class"] == "", "value"] < 0.5).sum())


def _reasons(metrics: pd.DataFrame) -> list[dict[str, Any]]:
    """Each reason why metrics have no interval, with the number of such metrics."""
    reasons = metrics.loc[metrics["no_interval"] != "", "no_interval"].value_counts()
    return [{"reason": reason, "metrics": int(count)} for reason, count in reasons.items()]


def _primary(results: StudyResults, scheme: str) -> dict[str, Any] | None:
    """The primary comparison in words; None where it belongs to another scheme."""
    pairs = results.differences
    if pairs is None or pairs.empty:
        return None
    row = pairs[(pairs["scheme"] == scheme) & pairs["primary"].astype(bool)]
    if row.empty:
        return None
    pair = row.iloc[0]
    return {
        "arm": Arm.parse(pair["arm"]).title,
        "reference": Arm.parse(pair["reference"]).title,
        "difference": with_interval(pair["difference"], pair["low"], pair["high"]),
        "p": p_value(pair["p"]),
        "reason": pair["no_interval"],
        "named": results.config["evaluation"].get("primary_comparison") is not None,
    }


def _comparisons(pairs: pd.DataFrame | None, scheme: str) -> list[dict[str, Any]]:
    """For each comparison, differences and corrected p values of its arms at each level."""
    if pairs is None or pairs.empty:
        return []
    of_scheme = pairs[pairs["scheme"] == scheme]
    comparisons = []
    for against, title in COMPARISONS.items():
        rows = _differences(of_scheme[of_scheme["against"] == against])
        if rows:
            comparisons.append({"title": title, "rows": rows})
    return comparisons


def _differences(pairs: pd.DataFrame) -> list[dict[str, Any]]:
    """For each arm, difference and corrected p value at each level of the page."""
    rows = []
    for arm in pairs["arm"].unique():
        cells = []
        for level in _compared_levels(headline_level(pairs["level"])):
            pair = pairs[(pairs["arm"] == arm) & (pairs["level"] == level)].iloc[0]
            cells.append(with_interval(pair["difference"], pair["low"], pair["high"]))
            cells.append(p_value(pair["p_holm"]))
        rows.append(arm_cells(arm) | {"cells": cells})
    return rows


def _compared_levels(headline: str) -> list[str]:
    """The levels of the differences on the page, the headline first."""
    return list(dict.fromkeys([headline, "lesion"]))


def _split_aucs(results: StudyResults, scheme: str) -> list[dict[str, Any]]:
    """For each arm, the spread of its AUC at the headline's level over the splits of the scheme."""
    if results.split_aucs is None:
        return []
    areas = results.split_aucs
    areas = areas[(areas["scheme"] == scheme) & (areas["level"] == results.level)]
    summary = summarise_splits(areas, results.splits)
    return [
        arm_cells(row["arm"])
        | {
            "cells": [
                with_interval(row["mean"], row["low"], row["high"]),
                f"{number(row['least'])} to {number(row['most'])}",
                str(row["splits"]),
            ]
        }
        for row in sorted(summary.to_dict("records"), key=lambda row: Arm.parse(row["arm"]))
    ]


def _confusion(table: pd.DataFrame | None, scheme: str, classes: list[str]) -> dict[str, Any]:
    """For each arm, count and share of each true class that was given each class, by lesion."""
    pairs = [(truth, called) for truth in classes for called in classes]
    headings = [f"{truth} called {called}" for truth, called in pairs]
    if table is None or table.empty:
        return {"headings": headings, "rows": []}
    by_lesion = table[(table["scheme"] == scheme) & (table["level"] == "lesion")]
    cells = by_lesion.set_index(["arm", "truth", "called"]).to_dict("index")
    rows = []
    for arm in sorted(by_lesion["arm"].unique(), key=Arm.parse):
        of_arm = [cells[arm, truth, called] for truth, called in pairs]
        texts = [
            f"{number(cell['count'], 0 if cell['count'] == round(cell['count']) else 1)}; "
            + with_interval(cell["share"], cell["low"], cell["high"])
            for cell in of_arm
        ]
        rows.append(arm_cells(arm) | {"cells": texts})
    return {"headings": headings, "rows": rows}
