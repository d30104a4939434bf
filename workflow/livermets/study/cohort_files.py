"""The patients of a study, their scans and files, as the cohort sheet names them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from livermets.core.scan_ids import patient_of
from livermets.study.cohort_sheet import listed_paths
from livermets.study.names import SCAN
from livermets.study.patient_labels import patient_label

VOLUMES = (".nii", ".nii.gz", ".nrrd", ".nhdr")  # endings of a CT that is no DICOM


@dataclass(frozen=True)
class CohortFiles:
    """The configuration and the cohort sheet of a study, and what they say of each scan.

    A scan goes by its id (`core.scan_ids`): that of its patient, where the sheet has no column
    `scan`.

    Parameters
    ----------
    config : mapping
        The whole configuration, checked, with its defaults (`load_config`).
    sheet : mapping of str to dict
        Id of the scan -> column -> cell of the cohort sheet, without what `exclude` leaves out;
        empty where there is no sheet.
    table_columns : tuple of str
        Columns of the feature table that the study starts from; empty where it has images.
    excluded : tuple of dict
        Scans that `exclude` leaves out: the cells of the sheet, and reason.
    """

    config: Mapping[str, Any]
    sheet: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    table_columns: tuple[str, ...] = ()
    excluded: tuple[Mapping[str, Any], ...] = ()

    @property
    def has_images(self) -> bool:
        """Whether the study starts from images; otherwise it starts from a feature table."""
        return self.config["features"] is None

    @property
    def has_scans(self) -> bool:
        """Whether the sheet has a column `scan`, so that a patient may have several scans."""
        return any(SCAN in cells for cells in (*self.sheet.values(), *self.excluded))

    @property
    def scans(self) -> list[str]:
        """Ids of the scans, in the order of the sheet; none in a study without images."""
        return list(self.sheet) if self.has_images else []

    @property
    def patients(self) -> list[str]:
        """Patients with images, in the order of the sheet, each once however many scans."""
        return list(self.cells_of_patients) if self.has_images else []

    @property
    def scans_table(self) -> list[str]:
        """The table of scans as a file of a rule; empty where each patient has one scan."""
        return ["results/scans.tsv"] if self.has_images and self.has_scans else []

    @property
    def labels_table(self) -> str:
        """The table with the class of each scan, which is that of patients where each has one."""
        return self.scans_table[0] if self.scans_table else "results/cohort.tsv"

    @cached_property
    def cells_of_patients(self) -> dict[str, dict[str, Any]]:
        """Patient -> column -> cell, of the columns that describe the patient and not the scan.

        The label names every class of the patient's scans (`study.patient_labels`).
        """
        own_to_scan = (SCAN, "ct", "mask", "n_slices")
        cells_of: dict[str, dict[str, Any]] = {}
        labels: dict[str, list[str]] = defaultdict(list)
        for scan, cells in self.sheet.items():
            of_patient = {key: cells[key] for key in cells if key not in own_to_scan}
            cells_of.setdefault(patient_of(scan), of_patient)
            labels[patient_of(scan)].append(cells["label"])
        for patient, cells in cells_of.items():
            cells["label"] = patient_label(labels[patient])
        return cells_of

    def cell(self, scan: str, column: str) -> str:
        """One cell of the cohort sheet."""
        text: str = self.sheet[scan][column]
        return text

    @property
    def sheet_columns(self) -> dict[str, list[str]]:
        """The cohort sheet by columns, as a rule's parameter; empty where there is no sheet."""
        return _by_column(
            {"patient": patient_of(scan), **{key: cells[key] for key in cells if key != "n_slices"}}
            for scan, cells in self.sheet.items()
        )

    @property
    def patient_columns(self) -> dict[str, list[str]]:
        """The patients of the sheet and what describes them, by columns, as a rule's parameter."""
        return _by_column(
            {"patient": patient, **cells} for patient, cells in self.cells_of_patients.items()
        )

    def source(self, scan: str, column: str) -> list[str]:
        """The files or folders that the sheet names in `column`, as an input of a rule.

        A path that is not there is left out, so that the rule's script can name the patient and
        say what to do; phantoms are not there until their rule has made them.
        """
        return [
            path
            for path in self.listed(scan, column)
            if path.startswith("phantoms/") or Path(path).exists()
        ]

    def listed(self, scan: str, column: str) -> list[str]:
        """List the paths that the sheet names in `column`, whether they are there or not.

        A CT may be several folders; a mask is one file.
        """
        cell = self.cell(scan, column)
        return listed_paths(cell) if column == "ct" else [cell] if cell else []

    def came_as_dicom(self, scan: str) -> bool:
        """Whether the CT is a DICOM series, so that a mask can be laid over it as DICOM-SEG."""
        return not self.cell(scan, "ct").lower().endswith(VOLUMES)


def _by_column(rows: Iterable[Mapping[str, str]]) -> dict[str, list[str]]:
    listed = list(rows)
    return {column: [row[column] for row in listed] for column in listed[0]} if listed else {}
