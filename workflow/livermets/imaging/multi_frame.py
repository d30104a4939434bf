"""Enhanced (multi-frame) CT: one file holds many slices, each with a header of its own.

The functional groups of such a file (DICOM PS3.3, C.7.6.16) state what a classic slice states in
its header. They are put into one header a frame, so that the frames pass the same checks as the
slices of a classic series.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk

from livermets.imaging.dicom_headers import FrameHeader, numbers_of, value_of

DATE_DIGITS = 8  # of a DICOM date and time, YYYYMMDDHHMMSS.FFFFFF
# Tags of the whole file that no frame has use for
WHOLE_FILE = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "PixelData")


def frame_headers(header: pydicom.Dataset) -> list[pydicom.Dataset]:
    """The header of each frame, with the tags that a classic slice has.

    Parameters
    ----------
    header : pydicom.Dataset
        Header of a file.

    Returns
    -------
    list of pydicom.Dataset
        One `FrameHeader` a frame in the order in which the file stores them. The header itself
        for a file of one slice, one that is not CT, and one whose frames have no functional groups.
    """
    try:
        groups = header.get("PerFrameFunctionalGroupsSequence") or []
        shared = header.get("SharedFunctionalGroupsSequence") or []
        count = numbers_of(value_of(header, "NumberOfFrames"), 1)
        if header.get("Modality") != "CT" or count is None or len(groups) != int(count[0]):
            return [header]
        common = pydicom.Dataset(_tags(header) | _merged(shared))
        for key in WHOLE_FILE:
            common.pop(key, None)
        common.file_meta = getattr(header, "file_meta", pydicom.dataset.FileMetaDataset())
        return [_frame(common, group, number) for number, group in enumerate(groups, start=1)]
    except Exception:  # pydicom decodes a sequence when it is read, and raises errors of any kind
        return [header]


def read_frames(files: Sequence[Path], numbers: Sequence[int]) -> sitk.Image:
    """Slices of multi-frame files as one image of float32, without their geometry.

    Parameters
    ----------
    files : sequence of Path
        The file of each slice, from the first slice of the image to the last.
    numbers : sequence of int
        The frame of each slice in its file, from 1.

    Raises
    ------
    RuntimeError
        GDCM cannot decode a file.
    """
    volumes = {}
    for file in dict.fromkeys(files):
        # GDCM rescales all frames as the first: frames that differ in it were refused before.
        volumes[file] = sitk.GetArrayFromImage(sitk.ReadImage(str(file), sitk.sitkFloat32))
    slices = [volumes[file][number - 1] for file, number in zip(files, numbers, strict=True)]
    return sitk.GetImageFromArray(np.stack(slices))


def _frame(common: pydicom.Dataset, group: pydicom.Dataset, number: int) -> FrameHeader:
    """The header of one frame: what all frames share, and the frame's own functional groups."""
    frame = FrameHeader(_tags(common) | _merged([group]))
    frame.number = number
    frame.file_meta = common.file_meta
    frame.NumberOfFrames = 1
    if kind := value_of(frame, "FrameType"):
        frame.ImageType = kind
    acquired = value_of(frame, "FrameAcquisitionDateTime") or value_of(frame, "AcquisitionDateTime")
    if acquired and not value_of(frame, "AcquisitionTime"):
        clock = str(acquired)[DATE_DIGITS:]
        frame.AcquisitionTime = clock.partition("+")[0].partition("-")[0]  # without the time zone
    for agent in value_of(frame, "ContrastBolusAgentSequence") or []:
        frame.ContrastBolusAgent = agent.get("CodeMeaning") or "contrast agent"
        for profile in agent.get("ContrastAdministrationProfileSequence") or []:
            if start := profile.get("ContrastBolusStartTime"):
                frame.ContrastBolusStartTime = start
    return frame


def _merged(groups: Sequence[pydicom.Dataset]) -> dict:
    """The tags in functional groups: of every sequence with one item, the tags of that item."""
    tags: dict = {}
    for group in groups:
        for sequence in group:
            if sequence.VR == "SQ" and len(sequence.value) == 1:
                tags |= _tags(sequence.value[0])
    return tags


def _tags(header: pydicom.Dataset) -> dict:
    """The tags of a header, not decoded, so that bytes that are no value harm their tag alone."""
    return {tag: header.get_item(tag) for tag in header.keys()}  # noqa: SIM118 - values decode
