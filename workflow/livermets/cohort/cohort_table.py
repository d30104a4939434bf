"""The cohort table: the patients of the study, and why others are not in it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from livermets.core.errors import BadInput
from livermets.study.names import SCAN
from livermets.study.patient_ids import plain_id
from livermets.study.patient_labels import patient_label

COUNTS = ("n_components", "n_lesions", "n_dropped", "n_outside_liver", "n_deleted")
MEASUREMENTS = (*COUNTS, "liver_ml", "lesion_ml", "burden")
MEANS = ("parenchyma_hu", "lesion_hu")
LIVER_REASON = "liver_reason"  # why the measurements of the liver are missing
BY_CONFIG = "config"  # stage of patients whom `exclude` names
BY_READER = "reader"  # stage of patients whom a reader excludes
NO_LESION = "no lesion large enough to characterise"
NAMES = ["patient", SCAN, "label"]  # NA, nan and None are names like any others
# read as text, whatever they hold
TEXT = ("patient", SCAN, "label", "stage", "reason", "site", "split", "mask_source")


def read_cohort(table: Path | str | pd.DataFrame) -> pd.DataFrame:
    """Read the cohort table, with `included` as bool, and "" for a missing stage or reason.

    Parameters
    ----------
    table : path or data frame
        `results/cohort.tsv`, `results/scans.tsv`, or the table itself.

    Returns
    -------
    data frame
        One row per patient, or scan, included or not.
    """
    if isinstance(table, pd.DataFrame):
        cohort = table.copy()
    else:
        cohort = pd.read_csv(table, sep="\t", dtype=dict.fromkeys(TEXT, str))
        names = [name for name in NAMES if name in cohort]
        as_written = pd.read_csv(table, sep="\t", usecols=names, dtype=str, keep_default_na=False)
        cohort[names] = as_written[names]
    cohort["included"] = cohort["included"].astype(str).str.lower().eq("true")
    for name in ("stage", "reason"):
        cells = cohort[name] if name in cohort else pd.Series("", index=cohort.index)
        cohort[name] = cells.fillna("").astype(str)
    return cohort


def list_cohort(
    sheet: pd.DataFrame,
    masks: list[dict[str, Any]],
    measurements: list[dict[str, Any]],
    excluded: list[dict[str, Any]] | None = None,
) -> pd.DataFrame:
    """One row per row of the sheet, in its order, then those that the configuration leaves out.

    A patient, or scan, without a kept lesion is not included: there is nothing to classify. Where
    the sheet lists scans, `scans_table.patients_of_scans` makes the cohort table of this one.

    Parameters
    ----------
    sheet : data frame
        The cohort sheet: patient, scan (if it lists scans), label, site and clinical columns.
    masks : list of dict
        Mask record of each row (`source`, `excluded`).
    measurements : list of dict
        Lesion record of each row (volumes in ml, means in HU).
    excluded : list of dict, optional
        Rows that the configuration leaves out: the cells of the sheet, and reason.

    Returns
    -------
    data frame
        Columns patient, scan (if the sheet lists scans), label, included, stage and reason (where
        they left the study), the sheet's further columns, the measurements, mask_source. Where a
        mask has no liver, also liver_reason, which says why its measurements are missing.
    """
    rows = []
    for cells, mask, measured in zip(sheet.to_dict("records"), masks, measurements, strict=True):
        out = mask.get("excluded") or {}
        if not out and (by_reader := measured.get("review", {}).get("excluded")):
            out = {"stage": BY_READER, "reason": by_reader}
        if not out and not measured["n_lesions"]:
            out = {"stage": "lesions", "reason": NO_LESION}
        rows.append(_row(cells, out, measured, mask.get("source", "")))
    rows += [
        _row(cells, {"stage": BY_CONFIG, "reason": cells.pop("reason")}, {}, "")
        for cells in (dict(cells) for cells in excluded or ())
    ]
    return pd.DataFrame(rows)


def _row(
    cells: Mapping[Any, Any], out: Mapping[str, str], measured: Mapping[str, Any], mask_source: str
) -> dict[str, Any]:
    """One row: cells of the sheet, where the patient or scan left the study, measurements."""
    first = {key: cells[key] for key in ("patient", SCAN) if key in cells}
    own = {str(k): v for k, v in cells.items() if k not in (*first, "label", "ct", "mask")}
    return {
        **first,
        "label": cells["label"],
        "included": not out,
        "stage": out.get("stage", ""),
        "reason": out.get("reason", ""),
        **own,
        **{key: measured.get(key) for key in (*MEASUREMENTS, *MEANS)},
        "mask_source": mask_source,
        **({LIVER_REASON: measured[LIVER_REASON]} if measured.get(LIVER_REASON) else {}),
    }


def cohort_of_features(features: pd.DataFrame, sheet: pd.DataFrame | None) -> pd.DataFrame:
    """The cohort table of a study that starts from a features table.

    A patient with lesions of several classes has a label that names them all
    (`study.patient_labels`). Every patient of the table is included; those whom `exclude` left out
    when it was read (`features.attrs["excluded"]`) follow.

    Raises
    ------
    BadInput
        A patient has one label in the sheet and another in the features table, or the ids of the
        two do not fit together.
    """
    if sheet is not None:
        _refuse_other_ids(features, sheet)
        _refuse_other_labels(features, sheet)
    lesions = features.groupby("patient", sort=False).size()
    cohort = features.groupby("patient", sort=False)["label"].agg(patient_label).reset_index()
    cohort = cohort.assign(included=True, stage="", reason="")
    cohort["n_lesions"] = cohort["patient"].map(lesions)
    if excluded := features.attrs.get("excluded"):
        out = pd.DataFrame(excluded).assign(included=False, stage=BY_CONFIG)
        cohort = pd.concat([cohort, out[list(cohort.columns)]], ignore_index=True)
    if sheet is not None:
        further = sheet.drop(columns=["label", "ct", "mask"], errors="ignore")
        cohort = cohort.merge(further, "left", "patient")
    return cohort


def _refuse_other_ids(features: pd.DataFrame, sheet: pd.DataFrame) -> None:
    """Refuse ids that differ in zeros, case or a decimal between the features table and sheet."""
    patients = list(dict.fromkeys(features["patient"].astype(str)))
    ids = set(sheet["patient"])
    plain = {plain_id(patient): patient for patient in sheet["patient"]}
    absent = [patient for patient in patients if patient not in ids]
    for patient in absent:
        if near := plain.get(plain_id(patient)):
            raise BadInput(
                f"patient {patient} of the features table is not in the cohort sheet, which has "
                f"{near}. Write the id in the same way in both (a spreadsheet drops zeros at the "
                "beginning: format the column as text)."
            )
    if patients and len(absent) == len(patients):
        raise BadInput(
            f"no patient of the features table is in the cohort sheet (the table begins with "
            f"{patients[0]}, the sheet with {sheet['patient'].iloc[0]}). Write the ids in the same "
            "way in both, or set `patients: null` to do without the sheet."
        )


def _refuse_other_labels(features: pd.DataFrame, sheet: pd.DataFrame) -> None:
    """Refuse a patient whose label in the sheet is not that of the features table."""
    labels = dict(zip(sheet["patient"], sheet["label"], strict=True))
    for patient, label in zip(features["patient"], features["label"], strict=True):
        if labels.get(patient, label) != label:
            raise BadInput(
                f"patient {patient} has the label {labels[patient]} in the cohort sheet and "
                f"{label} in the features table. Correct the one that is wrong."
            )
