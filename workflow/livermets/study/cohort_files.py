"""The patients of a study and their files, as the cohort sheet names them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from livermets.study.cohort_sheet import listed_paths

VOLUMES = (".nii", ".nii.gz", ".nrrd", ".nhdr")  # endings of a CT that is no DICOM


@dataclass(frozen=True)
class CohortFiles:
    """The configuration and the cohort sheet of a study, and what they say of each patient.

    Parameters
    ----------
    config : mapping
        The whole configuration, checked, with its defaults (`load_config`).
    sheet : mapping of str to dict
        Patient -> column -> cell of the cohort sheet, without the patients whom `exclude` leaves
        out; empty where there is no sheet.
    table_columns : tuple of str
        Columns of the feature table that the study starts from; empty where it has images.
    excluded : tuple of dict
        Patients with images whom `exclude` leaves out: the cells of the sheet, and reason.
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
    def patients(self) -> list[str]:
        """Patients with images, in the order of the sheet."""
        return list(self.sheet) if self.has_images else []

    def cell(self, patient: str, column: str) -> str:
        """One cell of the cohort sheet."""
        text: str = self.sheet[patient][column]
        return text

    @property
    def sheet_columns(self) -> dict[str, list[str]]:
        """The cohort sheet by columns, as a rule's parameter; empty where there is no sheet."""
        rows = [
            {"patient": patient, **{key: cells[key] for key in cells if key != "n_slices"}}
            for patient, cells in self.sheet.items()
        ]
        return {column: [row[column] for row in rows] for column in rows[0]} if rows else {}

    def source(self, patient: str, column: str) -> list[str]:
        """The files or folders that the sheet names in `column`, as an input of a rule.

        A path that is not there is left out, so that the rule's script can name the patient and
        say what to do; phantoms are not there until their rule has made them.
        """
        return [
            path
            for path in self.listed(patient, column)
            if path.startswith("phantoms/") or Path(path).exists()
        ]

    def listed(self, patient: str, column: str) -> list[str]:
        """List the paths that the sheet names in `column`, whether they are there or not.

        A CT may be several folders; a mask is one file.
        """
        cell = self.cell(patient, column)
        return listed_paths(cell) if column == "ct" else [cell] if cell else []

    def came_as_dicom(self, patient: str) -> bool:
        """Whether the CT is a DICOM series, so that a mask can be laid over it as DICOM-SEG."""
        return not self.cell(patient, "ct").lower().endswith(VOLUMES)
