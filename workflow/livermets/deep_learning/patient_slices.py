"""Slices of patients: those of all scans of a patient together, for networks that see patients.

Lesions are numbered in each scan. Here they are numbered through the scans of a patient, and the
arrays keep scan and number of each, so that predictions name the lesion as every other table does.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from livermets.core.scan_ids import patient_of, scan_id, scan_name
from livermets.deep_learning.lesion_slices import Arrays
from livermets.deep_learning.mapped_slices import StackedImages, load_slices
from livermets.study.names import SCAN

NUMBER = "number"  # of the lesion in its scan


def load_patients(files: Mapping[str, Path], patients: Collection[str]) -> dict[str, Arrays]:
    """Load the slices of some patients, from the files of all scans.

    Parameters
    ----------
    files : mapping of str to Path
        Id of the scan -> file of `save_slices`; an empty file (the scan is excluded) is skipped.
    patients : collection of str
        The patients to load.

    Returns
    -------
    dict
        Patient -> arrays of `lesion_slices`. Where scans have names, `lesion` counts through all
        scans of the patient, and `scan` and `number` (n,) say which lesion of which scan it is.
    """
    scans: dict[str, dict[str, Arrays]] = defaultdict(dict)
    for scan, path in files.items():
        if patient_of(scan) in patients and path.stat().st_size:
            scans[patient_of(scan)][scan] = load_slices(path)
    return {patient: _one_patient(of_patient) for patient, of_patient in scans.items()}


def lesions_of(arrays: Arrays) -> list[dict[str, object]]:
    """Name each lesion of a patient by the columns scan (where there is one) and lesion.

    The lesions stand in the order of `numpy.unique` of the array `lesion`.
    """
    lesions, first = np.unique(arrays["lesion"], return_index=True)
    if SCAN not in arrays:
        return [{"lesion": int(lesion)} for lesion in lesions]
    named = zip(arrays[SCAN][first], arrays[NUMBER][first], strict=True)
    return [{SCAN: str(scan), "lesion": int(number)} for scan, number in named]


def labels_of_slices(
    patient: str, arrays: Mapping[str, Any], labels: Mapping[str, str]
) -> list[str]:
    """Name the class of each slice of a patient, from the class of each scan by its id."""
    scans = arrays[SCAN] if SCAN in arrays else [""] * len(arrays["lesion"])
    return [labels[scan_id(patient, str(scan))] for scan in scans]


def labelled_lesions(
    patient: str, arrays: Arrays, labels: Mapping[str, str]
) -> list[dict[str, object]]:
    """Name each lesion of a patient as `lesions_of` does, and its class as `label`."""
    return [
        lesion | {"label": labels[scan_id(patient, str(lesion.get(SCAN, "")))]}
        for lesion in lesions_of(arrays)
    ]


def slice_rows(patient: str, arrays: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Name the lesion of each slice of a patient: patient, scan (where there is one), lesion."""
    names = {SCAN: arrays[SCAN]} if SCAN in arrays else {}
    numbers = np.asarray(arrays[NUMBER if names else "lesion"], "int64")
    return pd.DataFrame({"patient": patient, **names, "lesion": numbers})


def _one_patient(scans: Mapping[str, Arrays]) -> dict[str, Any]:
    """The arrays of all scans of a patient as one, the images still mapped."""
    parts, taken = [], 0
    for scan, arrays in scans.items():
        name = scan_name(scan)
        if not name:
            return arrays
        numbers, through = np.unique(arrays["lesion"], return_inverse=True)
        names = np.full(len(arrays["lesion"]), name)
        own = {"lesion": through + taken + 1, NUMBER: arrays["lesion"], SCAN: names}
        parts.append(arrays | own)
        taken += len(numbers)
    images = {"images": StackedImages([part["images"] for part in parts])}
    others = (key for key in parts[0] if key not in images)
    return images | {key: np.concatenate([part[key] for part in parts]) for key in others}
