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

from livermets import __version__
from livermets.core.errors import BadPatient
from livermets.core.io import atomic_path
from livermets.imaging.geometry import orthonormal
from livermets.masks.dicom_seg_source import SegSource
from livermets.masks.labels import MIN_PROBABILITY, SEGMENTS, Label, Segment

logger = logging.getLogger(__name__)
MODEL_NAME = "livermets"
NOT_STATED = "not stated"
ALGORITHM_TYPES = {algorithm.value.lower(): algorithm for algorithm in Algorithm}
ALGORITHM_FAMILIES = {
    Algorithm.AUTOMATIC: Code("123110", "DCM", "Artificial Intelligence"),
    Algorithm.SEMIAUTOMATIC: Code("123109", "DCM", "Manual Processing"),
}


def write_dicom_seg(
    mask: sitk.Image, source: SegSource, drawn: str | None, path: Path, name: str = MODEL_NAME
) -> None:
    """Write a mask as DICOM-SEG on the slices of its CT.

    The segment `liver` is the whole organ with its lesions, as its code means it; the lesions lie
    in it as a segment of their own.

    Parameters
    ----------
    mask : SimpleITK.Image
        uint8 with the values of `Label`; labels without a voxel are left out.
    source : SegSource
        The CT as the object refers to it.
    drawn : {"manual", "semiautomatic", "automatic"}, optional
        How the mask was drawn. DICOM has no word for a mask of unknown origin: it counts as
        semiautomatic, by an algorithm called "not stated".
    path : Path
        The file to write.
    name : str
        The program that drew a mask which is not manual.
    """
    voxels = sitk.GetArrayFromImage(mask)
    present = [segment for segment in SEGMENTS if (voxels == segment.label).any()]
    layers = [voxels > 0 if s.label == Label.LIVER else voxels == s.label for s in present]
    segmentation = hd.seg.Segmentation(
        source.headers,
        np.stack(layers, axis=-1).astype(np.uint8)[source.order],
        hd.seg.SegmentationTypeValues.BINARY,
        _describe_segments(present, drawn, name),
        series_instance_uid=source.uid("segmentation series"),
        series_number=100,
        sop_instance_uid=source.uid(
            *("segmentation", hashlib.sha256(voxels.data).hexdigest(), f"{source.created}")
        ),
        instance_number=1,
        manufacturer="livermets",
        manufacturer_model_name="livermets",
        software_versions=__version__,
        device_serial_number="0",
        content_label="LIVER",
        series_description="Liver and lesions",
    )
    _make_reproducible(segmentation, source)
    if not source.referenced:
        _remove_references(segmentation)
    with atomic_path(path) as unfinished:
        segmentation.save_as(unfinished)


def algorithm_type(path: Path) -> str | None:
    """Read how the segments of a DICOM-SEG were drawn; None if it is not said, or they differ."""
    header = pydicom.dcmread(path, specific_tags=["SegmentSequence"])
    types = {str(s.get("SegmentAlgorithmType", "")) for s in header.get("SegmentSequence") or []}
    word = types.pop().lower() if len(types) == 1 else ""
    return word if word in ALGORITHM_TYPES else None


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
    segments: Sequence[Segment], drawn: str | None, name: str
) -> list[hd.seg.SegmentDescription]:
    """Names, codes and colours of the segments, and how they were drawn."""
    algorithm = ALGORITHM_TYPES[drawn] if drawn else Algorithm.SEMIAUTOMATIC
    identification = None
    if algorithm in ALGORITHM_FAMILIES:
        version = __version__ if name == MODEL_NAME and drawn else NOT_STATED
        identification = hd.AlgorithmIdentificationSequence(
            name if drawn else NOT_STATED, ALGORITHM_FAMILIES[algorithm], version
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


def _make_reproducible(segmentation: hd.seg.Segmentation, source: SegSource) -> None:
    """Date the object by its mask, and derive the UID that highdicom draws at random."""
    for equipment in segmentation.ContributingEquipmentSequence:
        equipment.pop("ContributionDateTime", None)
    for element in segmentation.iterall():
        if element.keyword == "DimensionOrganizationUID":
            element.value = source.uid("dimensions")
    for kind in ("Content", "Series", "InstanceCreation"):
        setattr(segmentation, f"{kind}Date", source.created.strftime("%Y%m%d"))
        setattr(segmentation, f"{kind}Time", source.created.strftime("%H%M%S"))


def _remove_references(segmentation: hd.seg.Segmentation) -> None:
    """Take out the references to slices that no file has; positions and frame of reference stay."""
    segmentation.pop("ReferencedSeriesSequence", None)
    segmentation.pop("SourceImageSequence", None)
    shared = segmentation.SharedFunctionalGroupsSequence
    for groups in (*shared, *segmentation.PerFrameFunctionalGroupsSequence):
        groups.pop("DerivationImageSequence", None)


def _code(pair: tuple[str, str]) -> Code:
    return Code(pair[0], "SCT", pair[1])
