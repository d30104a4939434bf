"""How the models were trained: what counts alike, what resampling does, who ends a training."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from livermets.report.figures.training_curves import kept_epochs
from livermets.report.formatting import number
from livermets.report.page_figure import page_figure
from livermets.report.sections.section import Section
from livermets.report.study_results import StudyResults
from livermets.study.classifiers import CLASSIFIERS

PAPER = {  # key of `slices` -> value of the paper
    "size": 224,
    "width": 330,
    "level": 10,
    "max_per_lesion": None,
    "margin_mm": None,
    "side_mm": None,
    "surroundings": "black",
    "neighbours": 0,
}
CHANGES = {
    "size": "images of {0} × {0} pixels",
    "width": "a window {0} HU wide",
    "level": "a window centred on {0} HU",
    "max_per_lesion": "at most {0} slices of a lesion",
    "margin_mm": "{0} mm free around the lesion",
    "side_mm": "all lesions at one physical scale, in images of {0} mm",
    "surroundings": "the surroundings kept",
    "neighbours": "neighbouring slices as channels ({0} above, {0} below)",
}  # key -> how the study differs from the paper


def context(results: StudyResults) -> dict[str, Any]:
    """What of the training a reader should know for the arms that were evaluated."""
    arms = results.arms
    models = {arm.model for arm in arms if arm.resampling}
    classification = results.config.get("classification", {})
    evaluation = results.config["evaluation"]
    densenet = results.config.get("densenet") or {}
    weights = densenet.get("weights")
    return {
        "weigh": classification.get("weigh", "lesions"),
        "densenet_weigh": densenet.get("weigh", "lesions"),
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
        "changes": _changes(results.config.get("slices", {})),
        "weights": weights and {"file": Path(weights["path"]).name, "sha256": weights["sha256"]},
        "curves": page_figure(results.figures / "training.svg", results),
        "epochs": [] if results.training is None else _epochs(results.training),
    }


def _changes(slices: Mapping[str, Any]) -> list[str]:
    """In what the images differ from those of the paper."""
    differing = (key for key in PAPER if slices.get(key, PAPER[key]) != PAPER[key])
    return [CHANGES[key].format(slices[key]) for key in differing]


def _epochs(history: pd.DataFrame) -> list[list[str]]:
    """Cells of each split: epochs run, the epoch kept, its losses and its AUC."""
    run = history.groupby("split")["epoch"].max()
    return [
        [
            row["split"],
            str(run[row["split"]]),
            str(row["epoch"]),
            *(number(row[name]) for name in ("train_loss", "valid_loss", "valid_auc")),
        ]
        for row in kept_epochs(history).to_dict("records")
    ]


SECTION = Section("training", "How the models were trained", "training.html.j2", context)
