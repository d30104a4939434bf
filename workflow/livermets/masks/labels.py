"""The label map of every mask, with names, colours and SNOMED CT codes of its labels.

Standard library only, so that any room can import it at no cost.
"""

from dataclasses import dataclass
from enum import IntEnum

Code = tuple[str, str]  # SNOMED CT code and its meaning
MIN_PROBABILITY = 0.5  # from which a voxel of a probability map belongs to the mask


class Label(IntEnum):
    """Voxel value of a mask. The liver without its lesions is LIVER; with them it is `> 0`."""

    BACKGROUND = 0
    LIVER = 1
    LESION = 2


@dataclass(frozen=True)
class Segment:
    """How other programs show one label: its name, colour and SNOMED CT codes.

    Parameters
    ----------
    label : Label
        Voxel value.
    name : str
        Name in the configuration, in 3D Slicer and in DICOM.
    rgb : tuple of int
        Colour, 0 to 255.
    category, type, region : tuple of str
        SNOMED CT code and meaning, of DICOM's context groups CID 7150 and CID 7159.
    """

    label: Label
    name: str
    rgb: tuple[int, int, int]
    category: Code
    type: Code
    region: Code | None = None


LIVER_CODE = ("10200004", "Liver")
SEGMENTS = (
    Segment(
        Label.LIVER,
        "liver",
        (221, 130, 101),
        category=("123037004", "Anatomical Structure"),
        type=LIVER_CODE,
    ),
    Segment(
        Label.LESION,
        "lesion",
        (255, 176, 0),
        category=("49755003", "Morphologically Altered Structure"),
        type=("14799000", "Neoplasm, Secondary"),
        region=LIVER_CODE,
    ),
)
# The names of the configuration and their voxel values: {"liver": 1, "lesion": 2}
LABEL_VALUES: dict[str, int] = {segment.name: segment.label.value for segment in SEGMENTS}
