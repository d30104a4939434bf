"""The study as it would be without corrections: its cohort, and its splits that can be fitted.

A patient whose mask was not corrected has the same features in both studies.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from livermets.cohort.scans_table import scan_ids
from livermets.core.errors import BadInput
from livermets.features.features_table import PATIENT_FACTS

log = logging.getLogger(__name__)


def uncorrected_cohort(
    cohort: pd.DataFrame, lesion_records: Mapping[str, dict[str, Any]]
) -> pd.DataFrame:
    """Put the measurements of the masks before correction into the cohort.

    A patient, or scan, whose uncorrected mask has no lesion, or cannot be used, is not included;
    nor is one who is not in the study.

    Parameters
    ----------
    cohort : DataFrame
        patient, label, included, `PATIENT_FACTS` of the study itself: the cohort table, or the
        table of scans.
    lesion_records : mapping of str to dict
        Id of the scan -> record of the lesions in the mask before correction, or `excluded`.
    """
    changed = cohort.set_index(pd.Index(scan_ids(cohort)))
    changed = changed.astype(dict.fromkeys(PATIENT_FACTS, "float64"))
    for patient, record in lesion_records.items():
        if record.get("excluded") or not record["n_lesions"]:
            changed.loc[patient, "included"] = False
        else:
            changed.loc[patient, list(PATIENT_FACTS)] = [record[name] for name in PATIENT_FACTS]
    return changed.reset_index(drop=True)


def fittable_splits(
    splits: pd.DataFrame, features: pd.DataFrame, classes: Sequence[str]
) -> pd.DataFrame:
    """Keep the splits with a training lesion of every class and with a test lesion.

    Parameters
    ----------
    splits : DataFrame
        split, patient, role.
    features : DataFrame
        patient and label, one row for each lesion.
    classes : sequence of str
        Class names.

    Raises
    ------
    BadInput
        Where there is no such split.
    """
    classes_of_patients = features[["patient", "label"]].drop_duplicates()
    with_lesions = splits.merge(classes_of_patients, on="patient")
    is_test = with_lesions["role"] == "test"
    training_classes = with_lesions[~is_test].groupby("split")["label"].agg(set)
    fittable = {split for split, present in training_classes.items() if present >= set(classes)}
    fittable &= set(with_lesions.loc[is_test, "split"])
    if missing := [split for split in splits["split"].unique() if split not in fittable]:
        log.warning("too few uncorrected lesions, so not compared: %s", ", ".join(missing))
    if not fittable:
        raise BadInput(
            "masks.compare_uncorrected: before correction, no split has a lesion of each class to "
            "train on and one to test; set `masks.compare_uncorrected: false`"
        )
    return splits[splits["split"].isin(fittable)]
