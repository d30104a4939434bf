"""The files of a finished run of 14 synthetic patients, as the stages write them."""

from pathlib import Path
from typing import Any

import pandas as pd
from helpers.classes import CLASSES, POSITIVE
from helpers.prediction_tables import (
    make_cohort,
    make_importance,
    make_predictions,
    make_splits,
)
from helpers.review_tables import review_records, write_review_tables
from livermets.core.io import write_json, write_table, write_text
from livermets.evaluation.confusion import confusion
from livermets.evaluation.evaluate import evaluate
from livermets.evaluation.paired_differences import compare_arms
from livermets.manuscript.run_files import RunFiles
from livermets.study.config import load_config

CT = {
    "manufacturer": "Siemens",
    "kvp": 120.0,
    "kernel": "B30s",
    "phase": "portal venous",
    "contrast": None,
    "slice_thickness_mm": 1.5,
    "slice_step_mm": 1.5,
    "spacing_mm": [0.8, 0.8, 1.5],
    "clipped_voxels": 0,
    "excluded": None,
}
DICTIONARY = [
    ("original_firstorder_Mean", "CT", "firstorder", "stat_mean", "yes"),
    ("original_firstorder_Kurtosis", "CT", "firstorder", "stat_kurt", "no"),
    ("original_glcm_Contrast", "CT", "glcm", "cm_contrast", "yes"),
]
AUDIT = {
    "checks": [
        {"title": "Same images", "outcome": "passed", "looked_at": "images of 14 patients"},
        {"title": "Similar ids", "outcome": "warned", "looked_at": "ids of 14 patients"},
    ]
}


def write_run(folder: Path, **config: Any) -> RunFiles:
    """Write the results into a folder, and return them with a configuration."""
    cohort = make_cohort(14)
    splits = make_splits(cohort)
    predictions = make_predictions(cohort, splits, ["knn"])
    write_table(_made(folder / "cohort.tsv"), cohort)
    write_table(folder / "splits.parquet", splits)
    write_table(folder / "metrics.parquet", evaluate(predictions, CLASSES, POSITIVE))
    primary = ["knn-none", "baseline_volume"]
    differences = compare_arms(predictions, CLASSES, POSITIVE, primary=primary)
    write_table(folder / "differences.parquet", differences)
    write_json(folder / "audit.json", AUDIT)
    columns = ["feature", "image", "class", "ibsi_tag", "comparable"]
    write_table(folder / "radiomics_dictionary.tsv", pd.DataFrame(DICTIONARY, columns=columns))
    write_table(folder / "features.parquet", _features(cohort))
    write_table(folder / "importance.parquet", make_importance())
    write_table(folder / "confusion.parquet", confusion(predictions, CLASSES, POSITIVE))
    groups = pd.DataFrame({"arm": "knn-none", "group": ["men", "women"], "value": [0.7, 0.8]})
    write_table(folder / "subgroups.parquet", groups)
    agreement = pd.DataFrame({"patient": ["P01", "P02"], "dice_liver": 0.97, "dice_lesion": 0.7})
    write_table(folder / "agreement.tsv", agreement)
    included = list(cohort.loc[cohort["included"], "patient"])
    write_review_tables(folder / "review", review_records(included, {}))
    write_table(_made(folder / "tables/table1.tsv"), cohort[["label", "age"]])
    write_table(folder / "tables/site_heterogeneity.tsv", pd.DataFrame({"scheme": []}))
    write_text(_made(folder / "figures/flow.svg"), "<svg/>")
    write_text(_made(folder / "manuscript/methods.txt"), "Software\n")
    for arm in ("knn-none", "selected"):
        rows = predictions[predictions["arm"] == "knn-none"].assign(arm=arm)
        write_table(_made(folder / f"predictions/{arm}.parquet"), rows)
    history = pd.DataFrame({"epoch": [1], "loss": [0.6]})
    write_table(_made(folder / "models/densenet121/holdout/history.tsv"), history)
    chosen = pd.DataFrame({"split": ["holdout", "cv1-fold1"], "features": 90, "selected": [7, 9]})
    for resampling in ("none", "undersample", "smote"):
        write_table(_made(folder / f"models/knn-{resampling}/chosen.tsv"), chosen)
    for row in cohort.to_dict("records"):
        out = None if row["included"] else {"stage": row["stage"], "reason": row["reason"]}
        name = f"{row['patient']}.json"
        write_json(_made(folder / "ct" / name), CT | {"excluded": out})
        mask = {"source": row["mask_source"] if row["included"] else "", "excluded": out}
        write_json(_made(folder / "masks" / name), mask)
        counts = {key: row[key] for key in ("n_components", "n_lesions", "n_dropped")}
        counts |= {"n_outside_liver": 0, "excluded": out}
        write_json(_made(folder / "lesions" / name), counts)
    return RunFiles(folder, load_config({"clinical": ["age", "sex"], **config}))


def _features(cohort: pd.DataFrame) -> pd.DataFrame:
    """A row a patient, with an empty cell and what the extraction says of itself."""
    table = cohort.loc[cohort["included"], ["patient", "label"]].assign(lesion=1)
    values = range(len(table))
    table = table.assign(**{name: values for name, *_ in DICTIONARY}).astype(
        {DICTIONARY[0][0]: float}
    )
    table.iloc[0, -3] = None
    table.attrs["radiomics"] = {
        "settings": {"binWidth": 25},
        "versions": {"pyradiomics": "3.0.1"},
    }
    return table


def _made(path: Path) -> Path:
    """The path, whose folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
