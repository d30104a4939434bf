"""Headers of an archive of any size for `read_tree`, without files."""

from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from livermets.imaging import draft_headers
from pydicom.uid import CTImageStorage

SLICES = 200  # of a series
SERIES = 5  # of a patient


def archive_of(n_files: int, patch: pytest.MonkeyPatch) -> None:
    """Let `read_tree` find `n_files` slices of 512 x 512 in folders of patients and series."""

    def files(folder: Path) -> Iterator[Path]:
        for number in range(n_files):
            series, k = divmod(number, SLICES)
            yield folder / f"patient{series // SERIES:05}" / f"series{series:05}" / f"IM{k:04}.dcm"

    def read(path: Path) -> pydicom.Dataset:
        series, k = int(path.parent.name[-5:]), int(path.stem[-4:])
        header = pydicom.Dataset()
        header.SOPClassUID, header.SOPInstanceUID = CTImageStorage, f"1.2.840.9.{series}.{k}"
        header.Modality, header.PatientID = "CT", f"P{series // SERIES}"
        header.PatientName, header.StudyDate = f"N{series // SERIES}", "20200101"
        header.StudyInstanceUID = f"1.2.840.7.{series // SERIES}"
        header.SeriesInstanceUID = f"1.2.840.8.{series}"
        header.Rows = header.Columns = 512
        header.ImagePositionPatient = [-180.5, -170.25, -300 + k * 1.25]
        header.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        header.PixelSpacing = [0.7, 0.7]
        header.RescaleSlope, header.RescaleIntercept = 1, -1024
        return header

    patch.setattr(draft_headers, "_files", files)
    patch.setattr(draft_headers, "_read_header", read)
