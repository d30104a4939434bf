"""The summary under the report's title: patients, classes and the main settings."""

from typing import Any

from livermets.report.sections.section import Section
from livermets.report.study_results import StudyResults


def context(results: StudyResults) -> dict[str, Any]:
    """Numbers of patients, lesions and arms, and the settings named in the summary."""
    included = results.included
    has_lesions = "n_lesions" in included and included["n_lesions"].notna().any()
    evaluation = results.config["evaluation"]
    threshold = "Youden, training patients" if results.youden else evaluation["threshold"]
    settings = {
        "Positive class": results.config["positive"],
        "Starts from": "a feature table" if results.from_features else "CT images",
        "Threshold": "none: the highest score" if results.multiclass else threshold,
        "Seed": results.config["seed"],
    }
    if results.scans is not None:
        used = int(results.scans["included"].sum())
        settings["Scans"] = f"{used} of {len(results.scans)} in the sheet"
    if results.multiclass:
        del settings["Positive class"]
    groups = {name: included[included["label"] == name] for name in results.classes}
    return {
        "phantoms": bool(results.config.get("phantoms")),
        "patients": len(included),
        "lesions": int(included["n_lesions"].sum()) if has_lesions else None,
        "classes": [
            f"{name} {len(group)}"
            + (f" ({int(group['n_lesions'].sum()):,} lesions)" if has_lesions else "")
            for name, group in groups.items()
        ],
        "arms": len(results.arms),
        "settings": settings,
    }


SECTION = Section("study", "The study", "study_summary.html.j2", context)
