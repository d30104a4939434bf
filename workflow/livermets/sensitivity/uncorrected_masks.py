"""The study as it would be without corrections: whose features change, and which splits can learn.

A patient whose mask nobody changed has the same features in both studies.
"""

import logging
from collections.abc import Mapping, Sequence

import pandas as pd

from livermets.core.errors import BadInput
from livermets.features.features_table import PATIENT_FACTS

log = logging.getLogger(__name__)


def uncorrected_cohort(cohort: pd.DataFrame, facts: Mapping[str, dict]) -> pd.DataFrame:
    """The cohort with the facts of the masks before correction.

    Parameters
    ----------
    cohort : patient, label, included, `PATIENT_FACTS`; of the study as it is
    facts : patient -> what `split_lesions` found in the mask before correction, or `excluded`

    A patient whose uncorrected mask has no lesion, or cannot be used, is not included; nobody is
    who is not in the study.
    """
    changed = cohort.set_index("patient")
    changed = changed.astype(dict.fromkeys(PATIENT_FACTS, "float64"))
    for patient, found in facts.items():
        if found.get("excluded") or not found["n_lesions"]:
            changed.loc[patient, "included"] = False
        else:
            changed.loc[patient, list(PATIENT_FACTS)] = [found[name] for name in PATIENT_FACTS]
    return changed.reset_index()


def fittable_splits(
    splits: pd.DataFrame, features: pd.DataFrame, classes: Sequence[str]
) -> pd.DataFrame:
    """The splits in which every class has a lesion to train on, and some test patient has one.

    splits : split, patient, role; features : patient and label, one row per lesion

    Raises BadInput where none is left.
    """
    label = features.drop_duplicates("patient").set_index("patient")["label"]
    known = splits.assign(label=splits["patient"].map(label)).dropna(subset="label")
    trains = known[known["role"] != "test"].groupby("split")["label"].agg(set)
    tests = set(known.loc[known["role"] == "test", "split"])
    possible = {split for split, found in trains.items() if found >= set(classes)} & tests
    if lost := [split for split in splits["split"].unique() if split not in possible]:
        log.warning("too few uncorrected lesions, so not compared: %s", ", ".join(lost))
    if not possible:
        raise BadInput(
            "masks.compare_uncorrected: before correction, no split has a lesion of each class to train on and "
            "one to test; set `masks.compare_uncorrected: false`"
        )
    return splits[splits["split"].isin(possible)]
