"""Captions of curves that depend on the study."""

import pandas as pd

from livermets.report.figures.decision_points import class_prevalences
from livermets.report.study_results import StudyResults


def prevalence_caption(results: StudyResults, metrics: pd.DataFrame) -> str:
    """Say at which share of positive patients the decision curves are drawn, and what it means.

    Parameters
    ----------
    results : StudyResults
        The results of the study.
    metrics : DataFrame
        Those of the scheme; where lesions carry the label, the share is that of its lesions.
    """
    target = results.config["evaluation"].get("target_prevalence")
    positive = results.config["positive"]
    if target is not None:
        return (
            f"Net benefit where {target:.0%} of the {results.level}s are {positive} "
            "(`evaluation.target_prevalence`), from sensitivity and specificity."
        )
    if results.level == "lesion":
        of_scheme = metrics[metrics["level"] == "lesion"].iloc[0]
        share = of_scheme["n_positive"] / of_scheme["n_lesions"]
    else:
        labels = results.included["label"]
        share = class_prevalences(labels, results.classes, positive, None)[positive]
    return (
        f"Net benefit at the share of {positive} {results.level}s in this cohort, {share:.0%}. A "
        "cohort that was put together from patients of each class has no prevalence of its own: "
        "set `evaluation.target_prevalence` to the share where the model would be used."
    )
