"""Small CT series for the tests, written by pydicom."""

from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

SPACING = (0.8, 0.7, 2.5)  # x, y, z mm


def volume(shape=(6, 16, 20), seed: int = 0) -> np.ndarray:
    """HU (z, y, x), no two slices alike."""
    return np.random.default_rng(seed).integers(-1000, 1500, shape).astype(np.int16)


def write_series(
    folder: Path,
    hu: np.ndarray,
    heights: np.ndarray | None = None,
    orientation=(1, 0, 0, 0, 1, 0),
    lean_mm: float = 0.0,
    prefix: str = "slice",
    syntax: str = ExplicitVRLittleEndian,
    slope: float = 1.0,
    **tags,
) -> Path:
    """One series: slice k at `heights[k]` mm along the normal, shifted by `lean_mm` along columns.

    Named so that the file order is not the order of the positions. Tags given by keyword go into
    every header.
    """
    folder.mkdir(parents=True, exist_ok=True)
    row, column = np.reshape(orientation, (2, 3)).astype(float)
    heights = np.arange(len(hu)) * SPACING[2] if heights is None else heights
    series = generate_uid()
    for k, (plane, height) in enumerate(zip(hu, heights, strict=True)):
        position = np.array([-50.0, -40.0, -300.0])
        position += np.cross(row, column) * height + column * lean_mm * k
        ds = pydicom.Dataset()
        ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, generate_uid()
        ds.Modality, ds.SeriesInstanceUID = "CT", series
        ds.PatientName, ds.PatientID, ds.StudyDate = "Doe^Jane", "MRN4711", "20230913"
        ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        ds.ImagePositionPatient = [f"{value:.6f}" for value in position]
        ds.ImageOrientationPatient = [f"{value:.8f}" for value in (*row, *column)]
        ds.PixelSpacing = [SPACING[1], SPACING[0]]
        ds.SliceThickness = 5
        ds.Rows, ds.Columns, ds.SamplesPerPixel = *plane.shape, 1
        ds.PhotometricInterpretation = "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
        ds.RescaleSlope, ds.RescaleIntercept = slope, -1024
        for key, value in tags.items():
            setattr(ds, key, value)
        stored = np.rint((plane.astype(float) + 1024) / slope).astype(np.int16)
        big = "BigEndian" in pydicom.uid.UID(syntax).name.replace(" ", "")
        ds.PixelData = stored.astype(">i2" if big else "<i2").tobytes()
        ds["PixelData"].VR = "OW"
        ds.file_meta = pydicom.dataset.FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = syntax
        ds.save_as(folder / f"{prefix}{(k * 7) % 100:02d}.dcm", enforce_file_format=True)
    return folder


def raw_tags(folder: Path, tags: dict[str, bytes], files: slice = slice(None)) -> None:
    """Put bytes into the tags of slices that no writer lets pass."""
    for file in sorted(folder.iterdir())[files]:
        header = pydicom.dcmread(file)
        for key, value in tags.items():
            number = pydicom.tag.Tag(key)
            vr = pydicom.datadict.dictionary_VR(number)
            header[number] = RawDataElement(number, vr, len(value), value, 0, False, True)
        header.save_as(file)
