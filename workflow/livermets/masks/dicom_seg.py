"""Masks as DICOM Segmentation objects, by highdicom (10.1007/s10278-022-00683-y)."""

import hashlib
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import SimpleITK as sitk
from highdicom.seg import SegmentAlgorithmTypeValues as Algorithm
from pydicom.sr.coding import Code
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from livermets import __version__
from livermets.core.errors import BadPatient
from livermets.imaging.geometry import orthonormal
from livermets.masks.labels import SEGMENTS


def write_dicom_seg(mask: sitk.Image, ct_hash: str, patient: str, source: str, path: Path) -> None:
    """Write a mask (uint8: 1 liver, 2 lesion) as DICOM-SEG on the CT's own slices.

    It carries the study's pseudonym and nothing of the patient's: no name, number or date, and
    its UIDs derive from the voxels of the CT (`ct_hash`), not from those of the hospital.

    Parameters
    ----------
    source : automatic, corrected or given, which DICOM calls automatic, semiautomatic, manual
    """
    kinds = {"automatic": Algorithm.AUTOMATIC, "corrected": Algorithm.SEMIAUTOMATIC}
    kind = kinds.get(source, Algorithm.MANUAL)
    by = None
    if kind is not Algorithm.MANUAL:
        family = Code("123109", "DCM", "Manual Processing")
        if kind is Algorithm.AUTOMATIC:
            family = Code("123110", "DCM", "Artificial Intelligence")
        by = hd.AlgorithmIdentificationSequence("livermets", family, __version__)
    voxels = sitk.GetArrayFromImage(mask)
    present = [segment for segment in SEGMENTS if (voxels == segment.label).any()]
    descriptions = [
        hd.seg.SegmentDescription(
            number, segment.name, _code(segment.category), _code(segment.type), kind, by,
            anatomic_regions=[_code(segment.region)] if segment.region else None,
            display_color=hd.color.CIELabColor.from_rgb(*segment.rgb),
        )
        for number, segment in enumerate(present, start=1)
    ]  # fmt: skip
    segmentation = hd.seg.Segmentation(
        _slices(mask, ct_hash, patient),
        np.stack([voxels == segment.label for segment in present], axis=-1).astype(np.uint8),
        hd.seg.SegmentationTypeValues.BINARY,
        descriptions,
        series_instance_uid=_uid(ct_hash, "segmentation series"),
        series_number=100,
        sop_instance_uid=_uid(ct_hash, "segmentation", hashlib.sha256(voxels).hexdigest()),
        instance_number=1,
        manufacturer="livermets",
        manufacturer_model_name="livermets",
        software_versions=__version__,
        device_serial_number="0",
        content_label="LIVER",
    )
    for equipment in segmentation.ContributingEquipmentSequence:
        equipment.pop("ContributionDateTime", None)
    for element in segmentation.iterall():  # the one UID that highdicom draws at random
        if element.keyword == "DimensionOrganizationUID":
            element.value = _uid(ct_hash, "dimensions")
    segmentation.ContentDate = segmentation.SeriesDate = segmentation.InstanceCreationDate = ""
    segmentation.ContentTime = segmentation.SeriesTime = segmentation.InstanceCreationTime = ""
    segmentation.save_as(path)


def read_dicom_seg(path: Path, patient: str, what: str) -> tuple[sitk.Image, list[dict]]:
    """The segments of a DICOM-SEG as layers of one image, and their names.

    Returns a vector image with one component a segment (0 or 1), on the grid the object states,
    and for each a dictionary Name, LabelValue (1) and Layer, as `.seg.nrrd` has them.
    """
    try:
        segmentation = hd.seg.segread(path)
        numbers = [number for number in segmentation.segment_numbers if number]  # 0: background
        labels = [str(segmentation.get_segment_description(n).segment_label) for n in numbers]
        volume = segmentation.get_volume(
            segment_numbers=numbers, rescale_fractional=False, dtype=np.uint8
        )
    except (OSError, ValueError, AttributeError, KeyError, RuntimeError, TypeError) as error:
        raise BadPatient(
            patient,
            f"the {what} {path.name} cannot be read as a DICOM segmentation ({error})",
            "Export it again, or save it as .seg.nrrd or NIfTI",
        ) from error
    layers = (volume.array > 0).astype(np.uint8)
    steps = volume.affine[:3, :3][:, ::-1]  # slices, rows, columns to x, y, z of SimpleITK
    image = sitk.GetImageFromArray(layers, isVector=True)
    image.SetOrigin(volume.affine[:3, 3].tolist())
    image.SetSpacing(np.linalg.norm(steps, axis=0).tolist())
    image.SetDirection(orthonormal(steps)[0].ravel().tolist())
    return image, [{"Name": n, "LabelValue": 1, "Layer": i} for i, n in enumerate(labels)]


def _code(pair: tuple[str, str]) -> Code:
    return Code(pair[0], "SCT", pair[1])


def _uid(*parts: str) -> str:
    """A UID out of a hash (PS3.5 B.2), so that two runs give the same."""
    number = int.from_bytes(hashlib.sha256("/".join(parts).encode()).digest()[:16])
    return f"2.25.{number}"


def _slices(mask: sitk.Image, ct_hash: str, patient: str) -> list[pydicom.Dataset]:
    """Headers of a CT series without identity, to which the segmentation refers."""
    steps = np.reshape(mask.GetDirection(), (3, 3))
    columns, rows, n = mask.GetSize()
    x, y, z = mask.GetSpacing()
    headers = []
    for k in range(n):
        ds = pydicom.Dataset()
        ds.file_meta = pydicom.dataset.FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, _uid(ct_hash, "slice", str(k))
        ds.StudyInstanceUID, ds.SeriesInstanceUID = (_uid(ct_hash, of) for of in ("study", "ct"))
        ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = _uid(ct_hash, "frame"), ""
        ds.PatientID, ds.PatientName = patient, f"{patient}^"
        ds.PatientBirthDate = ds.PatientSex = ds.AccessionNumber = ds.StudyID = ""
        ds.StudyDate = ds.StudyTime = ds.ReferringPhysicianName = ""
        ds.Modality, ds.InstanceNumber = "CT", k + 1
        ds.Rows, ds.Columns, ds.PixelSpacing = rows, columns, [round(y, 10), round(x, 10)]
        ds.SliceThickness = round(z, 10)
        position = mask.TransformIndexToPhysicalPoint((0, 0, k))
        ds.ImagePositionPatient = [f"{value:.10g}" for value in position]
        ds.ImageOrientationPatient = [f"{v:.10g}" for v in (*steps[:, 0], *steps[:, 1])]
        headers.append(ds)
    return headers
