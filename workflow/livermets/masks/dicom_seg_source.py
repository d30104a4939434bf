"""The CT that a DICOM-SEG refers to: the hospital's own slices, or a pseudonym without any."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from livermets.core.errors import BadPatient
from livermets.core.scan_ids import patient_of
from livermets.imaging.dicom_headers import FrameHeader
from livermets.imaging.dicom_series import read_stack

# The earliest date that viewers show; stands where a date would help to identify a patient
NO_DATE = datetime(1900, 1, 1)
IDENTITY = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID"),
    *("StudyDate", "StudyTime", "ReferringPhysicianName", "StudyInstanceUID"),
    *("FrameOfReferenceUID", "PositionReferenceIndicator"),
)

UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "SOPInstanceUID")


@dataclass(frozen=True)
class SegSource:
    """What a DICOM-SEG says of the CT that its mask lies on.

    Parameters
    ----------
    headers : sequence of pydicom.Dataset
        Headers of the slices, or the header of one multi-frame file.
    order : ndarray of int
        Index of the mask's slice that each slice or frame of the headers has.
    referenced : bool
        Whether the headers are those of files that exist, so that the object may refer to them.
    uid_seed : str
        What the UIDs of the object derive from.
    created : datetime
        When the mask was made.
    """

    headers: Sequence[pydicom.Dataset]
    order: np.ndarray
    referenced: bool
    uid_seed: str
    created: datetime

    def uid(self, *parts: str) -> str:
        """Derive a UID of the object, which is the same in every run."""
        return hashed_uid(self.uid_seed, *parts)


def hashed_uid(*parts: str) -> str:
    """Derive a UID from a hash of texts (DICOM PS3.5 B.2)."""
    number = int.from_bytes(hashlib.sha256("/".join(parts).encode()).digest()[:16])
    return f"2.25.{number}"


def export_source(mask: sitk.Image, ct_hash: str, patient: str) -> SegSource:
    """Describe the CT by the study's pseudonym: no name, number, date or UID of the hospital.

    Parameters
    ----------
    mask : SimpleITK.Image
        An image on the grid of the CT.
    ct_hash : str
        sha256 of the voxels of the CT, from which the UIDs derive.
    patient : str
        The id of the patient, or of the scan, in the study.
    """
    identity = pydicom.Dataset()
    person = patient_of(patient)
    identity.PatientID, identity.PatientName = person, f"{person}^"
    identity.StudyInstanceUID = hashed_uid(ct_hash, "study")
    identity.FrameOfReferenceUID = hashed_uid(ct_hash, "frame")
    headers = _headers_on_grid(mask, identity, ct_hash)
    return SegSource(headers, np.arange(len(headers)), False, ct_hash, NO_DATE)


def hospital_source(
    mask: sitk.Image, ct_files: Sequence[Path], ct_hash: str, patient: str, created: datetime
) -> SegSource:
    """Describe the CT by its own headers, so that a PACS lays the mask over it.

    Patient, study, frame of reference and slices are those of the CT, with whatever identity its
    files carry. Where the mask does not lie on the slices of the files (a tilted gantry was
    straightened, or frames of several files are one CT), or the slices have no UID, the object has
    the patient, the study and the frame of reference of the CT and refers to no slice.

    Parameters
    ----------
    mask : SimpleITK.Image
        An image on the grid of the CT.
    ct_files : sequence of Path
        The folders or files that the CT was imported from.
    ct_hash : str
        sha256 of the voxels of the CT.
    patient : str
        The patient's id in the study, for messages.
    created : datetime
        When the mask was made.

    Raises
    ------
    BadPatient
        The files are not those that the CT was imported from.
    """
    stack, _ = read_stack(ct_files, patient, resample_tilt=True)
    first = stack.slices[0][1]
    seed = "/".join([str(first.get("SeriesInstanceUID", "")), ct_hash])
    n_slices = mask.GetSize()[2]
    if len(stack.slices) != n_slices and stack.shift_mm is None:
        raise BadPatient(
            patient,
            f"the folder of the CT now holds {len(stack.slices)} slices, and {n_slices} were"
            " imported",
            "Bring the files back, or delete the patient's results/ct and run again",
        )
    files = {file for file, _ in stack.slices}
    order = np.arange(n_slices)
    complete = all(header.get(key) for _, header in stack.slices for key in UIDS)
    for _, header in stack.slices:
        _fill_missing(header)
    if stack.shift_mm is None and complete and not isinstance(first, FrameHeader):
        return SegSource([header for _, header in stack.slices], order, True, seed, created)
    if stack.shift_mm is None and complete and len(files) == 1:
        whole = pydicom.dcmread(files.pop(), stop_before_pixels=True)
        _fill_missing(whole)
        frames = [getattr(header, "number", 1) for _, header in stack.slices]
        if len(frames) == whole.NumberOfFrames:
            return SegSource([whole], np.argsort(frames), True, seed, created)
    return SegSource(_headers_on_grid(mask, first, seed), order, False, seed, created)


def _fill_missing(header: pydicom.Dataset) -> None:
    """Add the tags that DICOM allows to be empty and that highdicom reads from every slice."""
    for key in IDENTITY:
        if key not in header:
            setattr(header, key, "")


def _headers_on_grid(mask: sitk.Image, identity: pydicom.Dataset, seed: str) -> list:
    """Headers of slices that no file has, on the grid of the mask, with the identity of a CT."""
    steps = np.reshape(mask.GetDirection(), (3, 3))
    columns, rows, n = mask.GetSize()
    x, y, z = mask.GetSpacing()
    headers = []
    for k in range(n):
        ds = pydicom.Dataset()
        ds.file_meta = pydicom.dataset.FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, hashed_uid(seed, "slice", str(k))
        ds.SeriesInstanceUID = hashed_uid(seed, "ct")
        for key in IDENTITY:
            setattr(ds, key, identity.get(key) or (hashed_uid(seed, key) if key in UIDS else ""))
        ds.Modality, ds.InstanceNumber = "CT", k + 1
        ds.Rows, ds.Columns, ds.PixelSpacing = rows, columns, [round(y, 10), round(x, 10)]
        ds.SliceThickness = round(z, 10)
        position = mask.TransformIndexToPhysicalPoint((0, 0, k))
        ds.ImagePositionPatient = [f"{value:.10g}" for value in position]
        ds.ImageOrientationPatient = [f"{value:.10g}" for value in (*steps[:, 0], *steps[:, 1])]
        headers.append(ds)
    return headers
