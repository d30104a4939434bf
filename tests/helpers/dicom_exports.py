"""Small DICOM exports for the tests of `make cohort`, and criteria that include all of them."""

from pathlib import Path

import numpy as np
from helpers.dicom_series import volume, write_series
from livermets.study.config import load_config

INCLUDE_ALL = load_config({})["imaging"]["inclusion"]
PV = {"SeriesDescription": "Abdomen PV", "ContrastBolusAgent": "Ultravist"}
STUDY = {"PatientID": "A1", "StudyInstanceUID": "1.2.3.1", "StudyDate": "20200101"}
LATER = {**STUDY, "StudyInstanceUID": "1.2.3.2", "StudyDate": "20200325"}


def slices(n: int = 20) -> np.ndarray:
    """HU of n small slices."""
    return volume((n, 8, 10))


def export(tree: Path) -> None:
    """Patient A: a localiser, an arterial, two portal venous series and a reformation in two
    folders; patient B: a series with a gap; patient C: three slices."""
    a = {"PatientID": "MRN-A", "StudyInstanceUID": "1.2.3.1"}
    said = {"SeriesDescription": "Abdomen PV", "ContrastBolusAgent": "Ultravist"}
    write_series(tree / "a/loc", slices(2), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"], **a,
                 AcquisitionTime="101500")  # fmt: skip
    write_series(tree / "a/all", slices(), prefix="art", SeriesDescription="Abdomen arteriell", **a)
    write_series(tree / "a/all", slices(), prefix="thick", SliceThickness=5, **said, **a)
    thin = {**said, "SliceThickness": 1.5, "ConvolutionKernel": "B30s"}
    write_series(tree / "a/all", slices(), prefix="thin", AcquisitionTime="101630.25", **thin, **a)
    write_series(tree / "a/mpr", slices(), ImageType=["DERIVED", "SECONDARY", "MPR"], **said, **a,
                 orientation=(1, 0, 0, 0, 0, -1))  # fmt: skip
    gap = np.delete(np.arange(21) * 2.5, 7)
    write_series(tree / "b", slices(), heights=gap, PatientID="MRN-B", StudyInstanceUID="1.2.3.2")
    write_series(tree / "c", slices(3), PatientID="MRN-C", StudyInstanceUID="1.2.3.3")
    (tree / "a/notes.txt").write_text("not DICOM")
