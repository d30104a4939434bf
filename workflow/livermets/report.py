"""The study's report: one HTML file that opens anywhere and asks nothing of the network."""

import base64
import json
import platform
from importlib import metadata
from pathlib import Path

import jinja2
import pandas as pd
import yaml

from livermets import __version__
from livermets.agreement_table import summary
from livermets.answers import answers, schemes_of
from livermets.arms import LEVELS, RESAMPLING, family, model_title, scheme_title, split_arm
from livermets.flow import SOURCES, STAGES
from livermets.runtime import read_json
from livermets.tables import (
    TABLE3,
    number,
    p_value,
    read_cohort,
    read_table,
    require,
    table1,
    table2,
    table3,
    with_interval,
)

TEMPLATES = Path(__file__).parent / "templates"
PACKAGES = (
    *("snakemake", "SimpleITK", "pydicom", "nnunetv2", "torch", "monai", "pyradiomics"),
    *("connected-components-3d", "scikit-image", "scikit-learn", "imbalanced-learn", "xgboost"),
    *("numpy", "scipy", "pandas", "pyarrow", "tableone", "matplotlib", "Jinja2"),
)
METRIC_TITLES = {
    "auc": "AUC",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "f1": "F1",
    "brier": "Brier score",
}
FAMILIES = {
    "radiomics": "Radiomics classifiers",
    "deep": "Deep learning",
    "other": "Other tables",
    "baseline": "Baselines",
}


def render_report(
    out: Path | str,
    *,
    config: dict,
    cohort: Path | pd.DataFrame,
    splits: Path | pd.DataFrame,
    metrics: Path | pd.DataFrame,
    figures: Path | str,
    differences: Path | pd.DataFrame | None = None,
    importance: Path | pd.DataFrame | None = None,
    audit: Path | dict | None = None,
    agreement: Path | pd.DataFrame | None = None,
    versions: dict[str, str] | None = None,
    title: str = "Which primary tumour did these liver metastases come from?",
) -> Path:
    """Write the report; every table may be a path or a data frame.

    Parameters
    ----------
    config : the whole configuration, printed in the report; `classes`, `positive`, `seed`,
        `clinical`, `features`, `phantoms`, `evaluation`, `densenet` are read from it
    figures : the folder that `draw_figures` wrote to; what is not there is said to be missing
    audit : what `livermets.audit.as_json` gives, or its file
    agreement : the table of automatic against final masks
    versions : software versions; by default those of this environment
    """
    cohort, splits, metrics = read_cohort(cohort), read_table(splits), read_table(metrics)
    require(splits, ["split", "patient", "role"], "splits")
    require(metrics, ["arm", "scheme", "level", "metric", "value", "low", "high"], "metrics")
    differences = None if differences is None else read_table(differences)
    importance = None if importance is None else table2(read_table(importance))
    audit = read_json(audit) if isinstance(audit, str | Path) else audit
    classes, clinical = config["classes"], config.get("clinical")
    figures = Path(figures)
    arms = list(metrics["arm"].unique())
    context = {
        "title": title,
        "version": __version__,
        "config": config,
        "yaml": yaml.safe_dump(config, sort_keys=False, allow_unicode=True),
        "from_features": bool(config.get("features")),
        "phantoms": bool(config.get("phantoms")),
        "cohort": _cohort_facts(cohort, classes),
        "answers": answers(metrics, splits, differences, audit),
        "audit": audit,
        "table1": table1(cohort, classes, clinical).to_dict("records"),
        "table2": [] if importance is None else importance.to_dict("records"),
        "schemes": [_scheme(name, metrics, differences, figures) for name in schemes_of(splits)],
        "flow": embed(figures / "flow.svg"),
        "examples": embed(figures / "examples.png"),
        "excluded": _excluded(cohort),
        "masks": _masks(cohort),
        "agreement": [] if agreement is None else summary(read_table(agreement)),
        "n_arms": len(arms),
        "has_deep": any(family(arm) == "deep" for arm in arms),
        "versions": versions or software_versions(),
        "references": json.loads((TEMPLATES / "references.json").read_text(encoding="utf-8")),
        "metric_titles": METRIC_TITLES,
    }
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    page = _environment().get_template("report.html.j2").render(context)
    out.write_text(page, encoding="utf-8")
    return out


def software_versions() -> dict[str, str]:
    """Versions of Python, livermets and those of `PACKAGES` that this environment has."""
    versions = {"Python": platform.python_version(), "livermets": __version__}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions


def embed(path: Path) -> str | None:
    """A figure as a data URI, or None where there is no such file."""
    if not path.is_file() or not path.stat().st_size:
        return None
    kind = {".svg": "image/svg+xml", ".png": "image/png"}[path.suffix]
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"number": number, "p": p_value}
    return environment


def _cohort_facts(cohort: pd.DataFrame, classes: list[str]) -> dict:
    used = cohort[cohort["included"]]
    lesions = "n_lesions" in used and used["n_lesions"].notna().any()
    return {
        "n": len(used),
        "n_listed": len(cohort),
        "n_lesions": int(used["n_lesions"].sum()) if lesions else None,
        "classes": [
            {
                "name": name,
                "patients": int((used["label"] == name).sum()),
                "lesions": int(used.loc[used["label"] == name, "n_lesions"].sum())
                if lesions
                else None,
            }
            for name in classes
        ],
    }


def _scheme(
    name: str, metrics: pd.DataFrame, differences: pd.DataFrame | None, figures: Path
) -> dict:
    mine = metrics[metrics["scheme"] == name]
    kinds = ("roc", "forest", "lesions", "calibration", "decision")
    counts = mine.drop_duplicates("arm")
    pairs = pd.DataFrame() if differences is None else differences
    if len(pairs):
        pairs = pairs[pairs["scheme"] == name]
    return {
        "name": name,
        "title": scheme_title(name),
        "n_patients": int(counts["n_patients"].max()) if len(counts) else 0,
        "n_lesions": int(counts["n_lesions"].max()) if len(counts) else 0,
        "partial": _partial(counts),
        "levels": _levels(mine) if len(mine) else [],
        "differences": _differences(pairs) if len(pairs) else [],
        "undefined": int((mine["undefined_draws"] > 0).sum()) if "undefined_draws" in mine else 0,
        "figures": {kind: embed(figures / f"{kind}_{name}.svg") for kind in kinds},
    }


def _partial(counts: pd.DataFrame) -> list[str]:
    """Arms that were tested on fewer patients, lesions or splits than the others."""
    full = counts[["n_patients", "n_lesions", "n_splits"]].max() if len(counts) else None
    return [
        f"{row.arm} ({row.n_patients} patients, {row.n_lesions} lesions, {row.n_splits} splits)"
        for row in counts.itertuples()
        if (row.n_patients, row.n_lesions, row.n_splits) != tuple(full)
    ]


def _levels(metrics: pd.DataFrame) -> list[dict]:
    wide = table3(metrics)
    levels = []
    for level, title in LEVELS.items():
        rows = wide[wide["level"] == level].to_dict("records")
        groups = []
        for row in rows:
            if not groups or groups[-1]["family"] != FAMILIES[row["family"]]:
                groups.append({"family": FAMILIES[row["family"]], "rows": []})
            cells = [with_interval(row[n], row[f"{n}_low"], row[f"{n}_high"]) for n in TABLE3]
            entry = {"model": row["model"], "way": RESAMPLING.get(row["resampling"], "")}
            same = groups[-1]["rows"] and groups[-1]["rows"][-1]["model"] == row["model"]
            groups[-1]["rows"].append(entry | {"first": not same, "cells": cells})
        levels.append({"name": level, "title": title, "groups": groups})
    return levels


def _differences(pairs: pd.DataFrame) -> list[dict]:
    """One line an arm: the difference and its corrected p at the lesion and the patient level."""
    lines = []
    for arm in pairs["arm"].unique():
        line = {"model": model_title(arm), "way": RESAMPLING.get(split_arm(arm)[1], "")}
        for level in ("lesion", "patient"):
            row = pairs[(pairs["arm"] == arm) & (pairs["level"] == level)].iloc[0]
            line[level] = with_interval(row["difference"], row["low"], row["high"])
            line[f"{level}_p"] = p_value(row["p_holm"])
        lines.append(line)
    return lines


def _excluded(cohort: pd.DataFrame) -> list[dict]:
    out = cohort[~cohort["included"]]
    return [
        {**row, "stage": STAGES.get(row["stage"], row["stage"])}
        for row in out[["patient", "label", "stage", "reason"]].to_dict("records")
    ]


def _masks(cohort: pd.DataFrame) -> list[tuple[str, int]]:
    used = cohort[cohort["included"]]
    if "mask_source" not in used:
        return []
    counts = used["mask_source"].fillna("").value_counts()
    return [(SOURCES.get(name, name), int(n)) for name, n in counts.items() if name]
