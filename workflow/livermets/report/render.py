"""The study's report: one HTML file that opens anywhere and asks nothing of the network."""

import json
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import jinja2
import pandas as pd
import yaml

from livermets import __version__
from livermets.cohort.cohort_table import read_cohort
from livermets.core.io import read_json, write_text
from livermets.core.templating import environment
from livermets.report.flow_diagram import SOURCES, STAGES
from livermets.report.paper_tables import (
    number,
    p_value,
    read_table,
    require,
    table1,
    table2,
)
from livermets.report.sections.feature_sets import set_results
from livermets.report.sections.mask_correction import mask_results
from livermets.report.sections.negative_controls import control_results
from livermets.report.sections.radiomics import radiomics_facts
from livermets.report.sections.results import MAIN, MORE, embed, scheme_results
from livermets.report.sections.reviewer_questions import answers, schemes_of
from livermets.report.sections.training_notes import fit_notes
from livermets.review.agreement_table import summary
from livermets.study.arms import Arm

TEMPLATES = Path(__file__).parent / "templates"
PACKAGES = (
    *("snakemake", "SimpleITK", "pydicom", "nnunetv2", "torch", "monai", "pyradiomics"),
    *("connected-components-3d", "scikit-image", "scikit-learn", "imbalanced-learn", "xgboost"),
    *("numpy", "scipy", "pandas", "pyarrow", "tableone", "matplotlib", "Jinja2"),
)


def render_report(
    out: Path | str,
    *,
    config: dict,
    cohort: Path | pd.DataFrame,
    splits: Path | pd.DataFrame,
    metrics: Path | pd.DataFrame,
    figures: Path | str,
    differences: Path | pd.DataFrame | None = None,
    confusion: Path | pd.DataFrame | None = None,
    chosen: Sequence[Path | str | pd.DataFrame] = (),
    importance: Path | pd.DataFrame | None = None,
    audit: Path | dict | None = None,
    shuffled: Path | pd.DataFrame | None = None,
    features: Path | str | None = None,
    dictionary: Path | str | None = None,
    robustness: tuple[Path | str, Path | str] | None = None,
    agreement: Path | pd.DataFrame | None = None,
    masks: Path | str | None = None,
    versions: dict[str, str] | None = None,
    title: str = "Which primary tumour did these liver metastases come from?",
) -> Path:
    """Write the report; every table may be a path or a data frame.

    Parameters
    ----------
    config : the whole configuration, printed in the report; `classes`, `positive`, `seed`,
        `clinical`, `features`, `phantoms`, `evaluation`, `densenet` are read from it
    figures : the folder that `draw_figures` wrote to; what is not there is said to be missing
    chosen : of each arm the settings that tuning chose in every split, with notes
    audit : what `livermets.audit.leakage_audit.as_json` gives, or its file
    shuffled : metrics of the classification of labels dealt at random
    features, dictionary, robustness : as `livermets.report.sections.radiomics.radiomics_facts` takes them
    agreement : the table of automatic against final masks
    masks : the folder of what the rule `mask_comparison` wrote; None where it had nothing to do
    versions : software versions; by default those of this environment
    """
    cohort, splits, metrics = read_cohort(cohort), read_table(splits), read_table(metrics)
    require(splits, ["split", "patient", "role"], "splits")
    columns = ["arm", "scheme", "level", "class", "metric", "value", "low", "high"]
    require(metrics, columns, "metrics")
    differences = None if differences is None else read_table(differences)
    confusion = None if confusion is None else read_table(confusion)
    importance = None if importance is None else table2(read_table(importance))
    audit = read_json(audit) if isinstance(audit, str | Path) else audit
    classes, clinical = config["classes"], config.get("clinical")
    figures = Path(figures)
    arms = list(metrics["arm"].unique())
    compared = config.get("classification", {}).get("compare_feature_sets", {})
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
        "controls": control_results(
            config.get("controls", ()),
            metrics,
            differences,
            None if shuffled is None else read_table(shuffled),
        ),
        "table1": table1(cohort, classes, clinical).to_dict("records"),
        "radiomics": radiomics_facts(
            features, dictionary, robustness, config.get("radiomics", {}).get("min_icc")
        ),
        "table2": [] if importance is None else importance.to_dict("records"),
        "schemes": [
            scheme_results(name, classes, metrics, differences, confusion, figures)
            | {"sets": set_results(name, compared, metrics, differences)}
            for name in schemes_of(splits)
        ],
        "notes": fit_notes(chosen),
        "chosen": len(chosen),
        "several": len(classes) > 2,
        "youden": config["evaluation"]["threshold"] == "youden",
        "flow": embed(figures / "flow.svg"),
        "examples": embed(figures / "examples.png"),
        "excluded": _excluded(cohort),
        "masks": _masks(cohort),
        "agreement": [] if agreement is None else summary(read_table(agreement)),
        "correction": mask_results(
            config.get("masks", {}).get("compare_uncorrected", False), masks
        ),
        "n_arms": len(arms),
        "has_deep": any(Arm.parse(arm).family == "deep" for arm in arms),
        "versions": versions or software_versions(),
        "references": json.loads((TEMPLATES / "references.json").read_text(encoding="utf-8")),
        "main_metrics": MAIN,
        "more_metrics": MORE,
    }
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    page = _environment().get_template("report.html.j2").render(context)
    write_text(out, page)
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


def _environment() -> jinja2.Environment:
    filled = environment(TEMPLATES)
    filled.filters |= {"number": number, "p": p_value}
    return filled


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
