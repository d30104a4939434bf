"""Masks as DICOM Segmentation objects, by highdicom (10.1007/s10278-022-00683-y)."""

import hashlib
import logging
from collections.abc import Sequence
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
from livermets.core.io import atomic_path
from livermets.imaging.geometry import orthonormal
from livermets.masks.labels import MIN_PROBABILITY, SEGMENTS, Segment

logger = logging.getLogger(__name__)
# How DICOM calls the sources of a mask; a given mask counts as drawn by hand
ALGORITHM_TYPES = {
    "automatic": Algorithm.AUTOMATIC,
    "corrected": Algorithm.SEMIAUTOMATIC,
    "given": Algorithm.MANUAL,
}
ALGORITHM_FAMILIES = {
    Algorithm.AUTOMATIC: Code("123110", "DCM", "Artificial Intelligence"),
    Algorithm.SEMIAUTOMATIC: Code("123109", "DCM", "Manual Processing"),
}


def write_dicom_seg(mask: sitk.Image, ct_hash: str, patient: str, source: str, path: Path) -> None:
    """Write a mask as DICOM-SEG on the slices of its CT.

    The object carries the study's pseudonym and nothing that identifies the patient: no name,
    number or date. Its UIDs derive from the voxels of the CT, not from the UIDs of the hospital.

    Parameters
    ----------
    mask : SimpleITK.Image
        uint8 with the values of `Label`; labels without a voxel are left out.
    ct_hash : str
        sha256 of the voxels of the CT.
    patient : str
        The patient's id in the study.
    source : {"automatic", "corrected", "given"}
        Where the mask comes from.
    path : Path
        The file to write.
    """
    voxels = sitk.GetArrayFromImage(mask)
    present = [segment for segment in SEGMENTS if (voxels == segment.label).any()]
    segmentation = hd.seg.Segmentation(
        _ct_headers(mask, ct_hash, patient),
        np.stack([voxels == segment.label for segment in present], axis=-1).astype(np.uint8),
        hd.seg.SegmentationTypeValues.BINARY,
        _describe_segments(present, ALGORITHM_TYPES[source]),
        series_instance_uid=_uid(ct_hash, "segmentation series"),
        series_number=100,
        sop_instance_uid=_uid(ct_hash, "segmentation", hashlib.sha256(voxels.data).hexdigest()),
        instance_number=1,
        manufacturer="livermets",
        manufacturer_model_name="livermets",
        software_versions=__version__,
        device_serial_number="0",
        content_label="LIVER",
    )
    _remove_dates_and_random_uids(segmentation, ct_hash)
    with atomic_path(path) as unfinished:
        segmentation.save_as(unfinished)


def read_dicom_seg(path: Path, patient: str, name: str) -> tuple[sitk.Image, list[str]]:
    """Read the segments of a DICOM-SEG, which may overlap.

    A FRACTIONAL object holds a probability or an occupancy for each voxel: a voxel belongs to the
    segment from `MIN_PROBABILITY` on.

    Parameters
    ----------
    path : Path
        The DICOM-SEG file.
    patient, name : str
        The patient and the file as messages call them.

    Returns
    -------
    image : SimpleITK.Image
        Vector image with one component (0 or 1) for each segment, on the grid that the file states.
    names : list of str
        The name of each segment.

    Raises
    ------
    BadPatient
        The file is no DICOM-SEG, or is damaged.
    """
    try:
        segmentation = hd.seg.segread(path)
        numbers = [number for number in segmentation.segment_numbers if number]  # 0: background
        names = [str(segmentation.get_segment_description(n).segment_label) for n in numbers]
        volume = segmentation.get_volume(
            segment_numbers=numbers, rescale_fractional=False, dtype=np.uint8
        )
        fractional = segmentation.segmentation_type == hd.seg.SegmentationTypeValues.FRACTIONAL
        whole = int(segmentation.MaximumFractionalValue) if fractional else 1
    except (OSError, ValueError, AttributeError, KeyError, RuntimeError, TypeError) as error:
        raise BadPatient(
            patient,
            f"the {name} {path.name} cannot be read as a DICOM segmentation ({error})",
            "Export it again, or save it as .seg.nrrd or NIfTI",
        ) from error
    if fractional:
        logger.warning(
            "patient %s: the %s %s is FRACTIONAL; voxels from %g on are mask",
            *(patient, name, path.name, MIN_PROBABILITY),
        )
    steps = volume.affine[:3, :3][:, ::-1]  # slices, rows, columns to x, y, z of SimpleITK
    inside = volume.array >= MIN_PROBABILITY * whole
    image = sitk.GetImageFromArray(inside.astype(np.uint8), isVector=True)
    image.SetOrigin(volume.affine[:3, 3].tolist())
    image.SetSpacing(np.linalg.norm(steps, axis=0).tolist())
    image.SetDirection(orthonormal(steps)[0].ravel().tolist())
    return image, names


def _describe_segments(
    segments: Sequence[Segment], algorithm: Algorithm
) -> list[hd.seg.SegmentDescription]:
    """Names, codes and colours of the segments, and how they were drawn."""
    identification = None
    if algorithm in ALGORITHM_FAMILIES:
        identification = hd.AlgorithmIdentificationSequence(
            "livermets", ALGORITHM_FAMILIES[algorithm], __version__
        )
    return [
        hd.seg.SegmentDescription(
            number,
            segment.name,
            _code(segment.category),
            _code(segment.type),
            algorithm,
            identification,
            anatomic_regions=[_code(segment.region)] if segment.region else None,
            display_color=hd.color.CIELabColor.from_rgb(*segment.rgb),
        )
        for number, segment in enumerate(segments, start=1)
    ]


def _remove_dates_and_random_uids(segmentation: hd.seg.Segmentation, ct_hash: str) -> None:
    """Make the object the same in every run: no time of writing, no UID drawn at random."""
    for equipment in segmentation.ContributingEquipmentSequence:
        equipment.pop("ContributionDateTime", None)
    for element in segmentation.iterall():
        if element.keyword == "DimensionOrganizationUID":  # the one that highdicom draws
            element.value = _uid(ct_hash, "dimensions")
    for keyword in ("ContentDate", "SeriesDate", "InstanceCreationDate"):
        setattr(segmentation, keyword, "")
    for keyword in ("ContentTime", "SeriesTime", "InstanceCreationTime"):
        setattr(segmentation, keyword, "")


def _code(pair: tuple[str, str]) -> Code:
    return Code(pair[0], "SCT", pair[1])


def _uid(*parts: str) -> str:
    """A UID from a hash (DICOM PS3.5 B.2), which is the same in every run."""
    number = int.from_bytes(hashlib.sha256("/".join(parts).encode()).digest()[:16])
    return f"2.25.{number}"


def _ct_headers(mask: sitk.Image, ct_hash: str, patient: str) -> list[pydicom.Dataset]:
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
        ds.StudyInstanceUID, ds.SeriesInstanceUID = _uid(ct_hash, "study"), _uid(ct_hash, "ct")
        ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = _uid(ct_hash, "frame"), ""
        ds.PatientID, ds.PatientName = patient, f"{patient}^"
        ds.PatientBirthDate = ds.PatientSex = ds.AccessionNumber = ds.StudyID = ""
        ds.StudyDate = ds.StudyTime = ds.ReferringPhysicianName = ""
        ds.Modality, ds.InstanceNumber = "CT", k + 1
        ds.Rows, ds.Columns, ds.PixelSpacing = rows, columns, [round(y, 10), round(x, 10)]
        ds.SliceThickness = round(z, 10)
        position = mask.TransformIndexToPhysicalPoint((0, 0, k))
        ds.ImagePositionPatient = [f"{value:.10g}" for value in position]
        ds.ImageOrientationPatient = [f"{value:.10g}" for value in (*steps[:, 0], *steps[:, 1])]
        headers.append(ds)
    return headers
