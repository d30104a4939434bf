"""Enhanced (multi-frame) CT files for the tests, made of the slices of a classic series."""

import copy
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
from highdicom.legacy import LegacyConvertedEnhancedCTImage
from pydicom.uid import EnhancedCTImageStorage, ExplicitVRLittleEndian, generate_uid

# Tags of type 2 that the converter of highdicom wants in every slice
REQUIRED = {
    **dict.fromkeys(("PatientBirthDate", "PatientSex", "StudyID", "AccessionNumber"), ""),
    **dict.fromkeys(("StudyTime", "ReferringPhysicianName", "PositionReferenceIndicator"), ""),
    **{"Manufacturer": "SIEMENS", "AcquisitionNumber": 1},
    **{"StudyInstanceUID": "1.2.3.4", "FrameOfReferenceUID": "1.2.3.5"},
}


def legacy_enhanced(classic: Path, target: Path) -> Path:
    """The slices of a folder as one Legacy Converted Enhanced CT file, by highdicom."""
    slices = [pydicom.dcmread(file) for file in sorted(classic.iterdir())]
    for number, header in enumerate(slices, start=1):
        header.InstanceNumber = number
        for key, value in REQUIRED.items():
            setattr(header, key, header.get(key) or value)
    image = LegacyConvertedEnhancedCTImage(slices, generate_uid(), 1, generate_uid(), 1)
    target.parent.mkdir(parents=True, exist_ok=True)
    image.save_as(target)
    return target


def enhanced(classic: Path, target: Path, order: Sequence[int], **tags) -> Path:
    """The slices of a folder as one Enhanced CT file, as a scanner writes it.

    The frames are stored in this order of the sorted files. Geometry and rescaling differ by
    frame; kernel, kV, tilt and the contrast agent are shared.
    """
    slices = [pydicom.dcmread(file) for file in sorted(classic.iterdir())]
    slices = [slices[number] for number in order]
    first = slices[0]
    ds = pydicom.Dataset()
    for key in ("Modality", "PatientID", "Rows", "Columns", "SamplesPerPixel", "HighBit"):
        setattr(ds, key, first.get(key))
    for key in ("PhotometricInterpretation", "BitsAllocated", "BitsStored", "PixelRepresentation"):
        setattr(ds, key, first.get(key))
    ds.ImageType = first.ImageType
    ds.SOPClassUID, ds.SOPInstanceUID = EnhancedCTImageStorage, generate_uid()
    ds.SeriesInstanceUID, ds.NumberOfFrames = generate_uid(), len(slices)
    for key, value in tags.items():
        setattr(ds, key, value)
    shared = pydicom.Dataset()
    _group(shared, "CTReconstructionSequence", ConvolutionKernel="B30f")
    _group(shared, "CTXRayDetailsSequence", KVP=120)
    tilt = first.get("GantryDetectorTilt") or 0
    _group(shared, "CTAcquisitionDetailsSequence", GantryDetectorTilt=tilt)
    ds.SharedFunctionalGroupsSequence = [shared]
    ds.PerFrameFunctionalGroupsSequence = [_frame(header) for header in slices]
    ds.PixelData = b"".join(header.PixelData for header in slices)
    ds["PixelData"].VR = "OW"
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    target.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(target, enforce_file_format=True)
    return target


def split_file(file: Path, at: int) -> None:
    """Split a multi-frame file in two of the same series, after `at` frames."""
    header = pydicom.dcmread(file)
    frames = np.split(np.frombuffer(header.PixelData, np.uint8), header.NumberOfFrames)
    for number, part in enumerate((slice(0, at), slice(at, None))):
        half = copy.deepcopy(header)
        half.PerFrameFunctionalGroupsSequence = header.PerFrameFunctionalGroupsSequence[part]
        half.NumberOfFrames = len(half.PerFrameFunctionalGroupsSequence)
        half.PixelData = b"".join(frame.tobytes() for frame in frames[part])
        half.SOPInstanceUID = half.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        half.save_as(file.with_name(f"part{number}.dcm"))
    file.unlink()


def _frame(header: pydicom.Dataset) -> pydicom.Dataset:
    """The functional groups of one frame."""
    frame = pydicom.Dataset()
    position, orientation = header.ImagePositionPatient, header.ImageOrientationPatient
    _group(frame, "CTImageFrameTypeSequence", FrameType=header.ImageType)
    _group(frame, "PlanePositionSequence", ImagePositionPatient=position)
    _group(frame, "PlaneOrientationSequence", ImageOrientationPatient=orientation)
    spacing, thickness = header.PixelSpacing, header.SliceThickness
    _group(frame, "PixelMeasuresSequence", PixelSpacing=spacing, SliceThickness=thickness)
    slope, intercept = header.RescaleSlope, header.RescaleIntercept
    rescale = {"RescaleSlope": slope, "RescaleIntercept": intercept, "RescaleType": "HU"}
    _group(frame, "PixelValueTransformationSequence", **rescale)
    return frame


def _group(groups: pydicom.Dataset, sequence: str, **tags) -> None:
    """Put one functional group of one item into the groups of a frame, or of all frames."""
    item = pydicom.Dataset()
    for key, value in tags.items():
        setattr(item, key, value)
    setattr(groups, sequence, [item])
