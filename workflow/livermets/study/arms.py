"""What the arms are called, in files and in print, and which files the evaluation writes.

Standard library only: the workflow's rules import it.
"""

import re

from livermets.study.classifiers import CLASSIFIERS
from livermets.study.schemes import SELECTED, WHOLE, split_sets

MODELS = {
    **{name: classifier.title for name, classifier in CLASSIFIERS.items()},
    SELECTED: "Selected by inner cross-validation",
    "densenet121": "DenseNet-121",
    "baseline_majority": "Majority class",
    "baseline_volume": "Lesion volume alone",
    "baseline_burden": "Tumour burden and lesion count",
    "baseline_clinical": "Clinical columns alone",
    "baseline_radiomics_clinical": "Radiomics and clinical columns",
}
RESAMPLING = {
    "none": "none",
    "weights": "class weights",
    "undersample": "undersampling",
    "smote": "SMOTE",
}
FIGURES = ("roc", "forest", "confusion", "lesions", "calibration", "decision")  # of a scheme
LEVELS = {"lesion": "lesion", "lesion_weighted": "lesion, each patient alike", "patient": "patient"}


def split_arm(arm: str) -> tuple[str, str]:
    """Model and resampling of an arm; an arm without a dash has no resampling ("")."""
    model, _, resampling = split_sets(arm)[0].rpartition("-")
    return (model, resampling) if model and resampling in RESAMPLING else (arm, "")


def family(arm: str) -> str:
    """radiomics, sets (radiomics that learns from other sets), deep, baseline, or other (a table
    the user added).
    """
    model, resampling = split_arm(arm)
    if resampling and split_sets(arm)[1]:
        return "sets"
    if arm.startswith("baseline_"):
        return "baseline"
    if arm.startswith("densenet"):
        return "deep"
    return "radiomics" if resampling or model in MODELS else "other"


def arm_order(arm: str) -> tuple:
    """Sort key: radiomics in the paper's order, feature sets, deep learning, others, baselines."""
    model, resampling = split_arm(arm)
    families = ("radiomics", "sets", "deep", "other", "baseline")
    known, ways = list(MODELS), list(RESAMPLING)
    learns_from = split_sets(arm)[1]
    return (
        families.index(family(arm)),
        known.index(model) if model in known else len(known),
        model,
        ways.index(resampling) if resampling else -1,
        learns_from != WHOLE,
        learns_from,
    )


def model_title(arm: str) -> str:
    """The model of an arm in words, with its choice of sets; an unknown one by its own name."""
    model, _ = split_arm(arm)
    title = MODELS.get(model, model)
    return f"{title}: {split_sets(arm)[1]}" if family(arm) == "sets" else title


def arm_title(arm: str) -> str:
    """An arm in words, e.g. "K-nearest neighbours, SMOTE"."""
    _, resampling = split_arm(arm)
    way = f", {RESAMPLING[resampling]}" if resampling not in ("", "none") else ""
    return model_title(arm) + way


def scheme_of(split: str) -> tuple[str, int]:
    """Scheme and repeat of a split: cv2-fold1 -> ("cv", 2); any other is a scheme of its own.

    Leaving one site out (site-A, site-B, ...) is one scheme: each patient is tested once.
    """
    found = re.fullmatch(r"cv(\d+)-fold\d+", split)
    if split.startswith("site-"):
        return "site", 1
    return ("cv", int(found[1])) if found else (split, 1)


def scheme_title(scheme: str) -> str:
    """A scheme in words."""
    return {
        "holdout": "Hold-out",
        "cv": "Cross-validation",
        "given": "Given split",
        "external": "External sites",
        "site": "Leave one site out",
    }.get(scheme, scheme)


def table_names(classes: list[str]) -> list[str]:
    """The tables `write_tables` writes; one_vs_rest with three or more classes."""
    names = ["table1", "table2", "table3", "differences", "confusion"]
    return names + ["one_vs_rest"] * (len(classes) > 2)


def figure_names(schemes: list[str], images: bool) -> list[str]:
    """The files `draw_figures` writes for these schemes; `images` where the study has slices."""
    names = ["flow.svg", *(f"{kind}_{scheme}.svg" for scheme in schemes for kind in FIGURES)]
    return names + ["examples.png"] * images
