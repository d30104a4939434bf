"""How the models were trained: what counts alike, what resampling does, who ends a training."""

from typing import Any

from livermets.report.sections.section import Section
from livermets.report.study_results import StudyResults
from livermets.study.classifiers import CLASSIFIERS


def context(results: StudyResults) -> dict[str, Any]:
    """What of the training a reader should know for the arms that were evaluated."""
    arms = results.arms
    models = {arm.model for arm in arms if arm.resampling}
    classification = results.config.get("classification", {})
    evaluation = results.config["evaluation"]
    return {
        "weigh": classification.get("weigh", "lesions"),
        "cannot_weigh": [
            CLASSIFIERS[name].title
            for name in sorted(models & set(CLASSIFIERS))
            if not CLASSIFIERS[name].weighted
        ],
        "smote": any(arm.resampling == "smote" for arm in arms),
        "undersample": any(arm.resampling == "undersample" for arm in arms),
        "deep": any(arm.family == "deep" for arm in arms),
        "validated": bool((results.splits["role"] == "validation").any()),
        "threshold_level": evaluation.get("threshold_level", "lesion") if results.youden else "",
    }


SECTION = Section("training", "How the models were trained", "training.html.j2", context)
