"""From scans to patients: the cohort table of a sheet that lists several scans of a patient.

A patient is in the study with one usable scan or more. Numbers of lesions are summed over these
scans. The liver is one, so its volume, its burden and its density are means over the scans that
tell them; the density of the lesions is the mean over all lesions.
"""

import numpy as np
import pandas as pd

from livermets.cohort.cohort_table import COUNTS, MEANS, MEASUREMENTS
from livermets.core.scan_ids import scan_id
from livermets.study.names import SCAN
from livermets.study.patient_labels import patient_label

# A patient left the study where the last of their scans did. The names are those of the flow.
ORDER = (
    "config",
    "sheet",
    "import",
    "inclusion",
    "segment",
    "review",
    "reader",
    "split",
    "lesions",
)
OF_SCAN = ("stage", "reason", "included", "mask_source", "liver_reason", *MEASUREMENTS, *MEANS)
N_SCANS, N_USED = "n_scans", "n_scans_used"


def patients_of_scans(scans: pd.DataFrame) -> pd.DataFrame:
    """The cohort table, one row per patient, from the table of scans.

    Parameters
    ----------
    scans : data frame
        As `livermets.cohort.cohort_table.list_cohort` returns it, with a column scan.

    Returns
    -------
    data frame
        The columns of the cohort table in their order, and `N_SCANS` and `N_USED`: the scans of
        the sheet, and those with a lesion in the study. The reason of a patient who is out names
        each scan, if the reasons differ; mask_source is "several" where the scans' differ. Where
        scans have labels of their own (`label_of: lesion`), the label names all classes of the
        scans that are in the study (`study.patient_labels`).
    """
    rows = [_patient(of_patient) for _, of_patient in scans.groupby("patient", sort=False)]
    table = pd.DataFrame(rows)
    head = [name for name in scans if name != SCAN]
    return table[[*head, N_SCANS, N_USED]]


def labels_of_scans(table: pd.DataFrame) -> dict[str, str]:
    """Read the class of each scan, by its id, from the table of scans or of patients."""
    return dict(zip(scan_ids(table), table["label"].astype(str), strict=True))


def scan_ids(table: pd.DataFrame) -> list[str]:
    """The id of the scan of each row of a table with a column patient and perhaps scan."""
    names = table[SCAN] if SCAN in table else pd.Series("", index=table.index)
    return [
        scan_id(str(patient), str(name))
        for patient, name in zip(table["patient"], names, strict=True)
    ]


def _patient(scans: pd.DataFrame) -> dict[str, object]:
    """One patient's row, from the rows of their scans."""
    used = scans[scans["included"]]
    of_patient = [name for name in scans if name not in (*OF_SCAN, SCAN)]
    sources = used["mask_source"].unique()
    row = {
        **{str(name): scans[name].iloc[0] for name in of_patient},
        "label": patient_label((used if len(used) else scans)["label"]),
        "included": bool(len(used)),
        "stage": "",
        "reason": "",
        **{name: _total(used[name]) for name in COUNTS},
        **{name: used[name].astype(float).mean() for name in MEASUREMENTS if name not in COUNTS},
        "parenchyma_hu": used["parenchyma_hu"].astype(float).mean(),
        "lesion_hu": _mean_of_lesions(used),
        "mask_source": sources[0] if len(sources) == 1 else "several" if len(sources) else "",
        N_SCANS: len(scans),
        N_USED: len(used),
    }
    if "liver_reason" in scans:
        missing = used["burden"].isna().all()
        row["liver_reason"] = _in_one(used, "liver_reason") if missing else ""
    if not len(used):
        row["stage"] = max(scans["stage"], key=_place)
        row["reason"] = _in_one(scans, "reason")
    return row


def _total(counts: pd.Series) -> int | None:
    return int(counts.sum()) if len(counts) else None


def _mean_of_lesions(used: pd.DataFrame) -> float | None:
    """Mean over all lesions of the scans, each of which counts the same."""
    if not len(used):
        return None
    return float(np.average(used["lesion_hu"].astype(float), weights=used["n_lesions"].astype(int)))


def _place(stage: str) -> int:
    return ORDER.index(stage) if stage in ORDER else len(ORDER)


def _in_one(scans: pd.DataFrame, column: str) -> str:
    """The text of all scans where it is the same, else that of each scan after its name."""
    cells = scans[column].fillna("").astype(str)
    different = set(cells)
    if len(different) <= 1:
        return "".join(different)
    named = zip(scans[SCAN], cells, strict=True)
    return "; ".join(f"scan {name}: {text}" for name, text in named if text)
