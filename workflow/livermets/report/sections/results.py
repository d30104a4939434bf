"""The results of one scheme as the report shows them: Table 3, differences, confusion, figures."""

import base64
from pathlib import Path

import pandas as pd

from livermets.report.paper_tables import number, p_value, table3, with_interval
from livermets.study.arms import Arm
from livermets.study.outputs import LEVELS, SCHEME_FIGURES
from livermets.study.schemes import scheme_title

MAIN = {
    "auc": "AUC",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "f1": "F1",
    "brier": "Brier score",
}
MORE = {
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
    "other": "Other tables",
    "baseline": "Baselines",
}


def scheme_results(
    name: str,
    classes: list[str],
    metrics: pd.DataFrame,
    differences: pd.DataFrame | None,
    confusion: pd.DataFrame | None,
    figures: Path,
) -> dict:
    """What the template shows of one scheme; tables hold all schemes."""
    mine = metrics[metrics["scheme"] == name]
    counts = mine.drop_duplicates("arm")
    return {
        "name": name,
        "title": scheme_title(name),
        "n_patients": int(counts["n_patients"].max()) if len(counts) else 0,
        "n_lesions": int(counts["n_lesions"].max()) if len(counts) else 0,
        "partial": _partial(counts),
        "levels": _levels(mine) if len(mine) else [],
        "one_vs_rest": _one_vs_rest(mine, classes),
        "against_volume": _differences(differences, name, "volume"),
        "against_as_is": _differences(differences, name, "as is"),
        "confusion": _confusion(confusion, name, classes),
        "undefined": int((mine["undefined_draws"] > 0).sum()) if "undefined_draws" in mine else 0,
        "fixed_threshold": _fixed(counts),
        "figures": {kind: embed(figures / f"{kind}_{name}.svg") for kind in SCHEME_FIGURES},
    }


def embed(path: Path) -> str | None:
    """A figure as a data URI, or None where there is no such file."""
    if not path.is_file() or not path.stat().st_size:
        return None
    kind = {".svg": "image/svg+xml", ".png": "image/png"}[path.suffix]
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _partial(counts: pd.DataFrame) -> list[str]:
    """Arms that were tested on fewer patients, lesions or splits than the others."""
    full = counts[["n_patients", "n_lesions", "n_splits"]].max() if len(counts) else None
    return [
        f"{row.arm} ({row.n_patients} patients, {row.n_lesions} lesions, {row.n_splits} splits)"
        for row in counts.itertuples()
        if (row.n_patients, row.n_lesions, row.n_splits) != tuple(full)
    ]


def _fixed(counts: pd.DataFrame) -> list[str]:
    """Arms whose calls rest on a threshold of exactly one half."""
    return list(counts.loc[counts["threshold"] == 0.5, "arm"]) if "threshold" in counts else []


def _named(arm: str) -> dict[str, str]:
    return {"model": Arm.parse(arm).model_title, "way": Arm.parse(arm).resampling_title}


def _levels(metrics: pd.DataFrame) -> list[dict]:
    wide = table3(metrics)
    levels = []
    for level, title in LEVELS.items():
        groups = []
        for row in wide[wide["level"] == level].to_dict("records"):
            if not groups or groups[-1]["family"] != FAMILIES[row["family"]]:
                groups.append({"family": FAMILIES[row["family"]], "rows": []})
            same = groups[-1]["rows"] and groups[-1]["rows"][-1]["model"] == row["model"]
            cells = {
                name: with_interval(row[name], row[f"{name}_low"], row[f"{name}_high"])
                for name in (*MAIN, *MORE)
            }
            groups[-1]["rows"].append(_named(row["arm"]) | {"first": not same, "cells": cells})
        levels.append({"name": level, "title": title, "groups": groups})
    return levels


def _one_vs_rest(metrics: pd.DataFrame, classes: list[str]) -> list[dict]:
    """One line an arm: the AUC of each of three or more classes against the rest, by lesion."""
    auc = metrics[(metrics["metric"] == "auc") & (metrics["level"] == "lesion")]
    auc = auc[auc["class"] != ""].set_index(["arm", "class"])[["value", "low", "high"]]
    return [
        _named(arm) | {"cells": [with_interval(*auc.loc[(arm, name)]) for name in classes]}
        for arm in sorted(auc.index.unique("arm"), key=Arm.parse)
    ]


def _differences(pairs: pd.DataFrame | None, scheme: str, against: str) -> list[dict]:
    """One line an arm: the difference and its corrected p at the lesion and the patient level."""
    if pairs is None or pairs.empty:
        return []
    pairs = pairs[(pairs["scheme"] == scheme) & (pairs["against"] == against)]
    lines = []
    for arm in pairs["arm"].unique():
        line = _named(arm)
        for level in ("lesion", "patient"):
            row = pairs[(pairs["arm"] == arm) & (pairs["level"] == level)].iloc[0]
            line[level] = with_interval(row["difference"], row["low"], row["high"])
            line[f"{level}_p"] = p_value(row["p_holm"])
        lines.append(line)
    return lines


def _confusion(table: pd.DataFrame | None, scheme: str, classes: list[str]) -> dict:
    """Headings (truth, called) and one line an arm: count and share of the truth, by lesion."""
    headings = [(truth, called) for truth in classes for called in classes]
    if table is None or table.empty:
        return {"headings": headings, "rows": []}
    mine = table[(table["scheme"] == scheme) & (table["level"] == "lesion")]
    cells = mine.set_index(["arm", "truth", "called"])
    rows = []
    for arm in sorted(mine["arm"].unique(), key=Arm.parse):
        of_arm = [cells.loc[(arm, *heading)] for heading in headings]
        texts = [
            f"{number(cell['count'], 0 if cell['count'] == round(cell['count']) else 1)}; "
            + with_interval(cell["share"], cell["low"], cell["high"])
            for cell in of_arm
        ]
        rows.append(_named(arm) | {"cells": texts})
    return {"headings": headings, "rows": rows}
