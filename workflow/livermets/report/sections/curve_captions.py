"""Captions of curves that depend on the study."""

from livermets.report.figures.decision_points import class_prevalences
from livermets.report.study_results import StudyResults


def prevalence_caption(results: StudyResults) -> str:
    """Say at which share of positive patients the decision curves are drawn, and what it means."""
    target = results.config["evaluation"].get("target_prevalence")
    positive = results.config["positive"]
    if target is not None:
        return (
            f"Net benefit where {target:.0%} of the patients are {positive} "
            "(`evaluation.target_prevalence`), from sensitivity and specificity."
        )
    share = class_prevalences(results.included["label"], results.classes, positive, None)[positive]
    return (
        f"Net benefit at the share of {positive} patients in this cohort, {share:.0%}. A cohort "
        "that was put together from patients of each class has no prevalence of its own: set "
        "`evaluation.target_prevalence` to the share where the model would be used."
    )
