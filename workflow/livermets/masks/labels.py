"""What is segmented, in the words of other programs: names, colours, SNOMED CT codes."""

from dataclasses import dataclass

Code = tuple[str, str]  # SNOMED CT code and meaning


@dataclass(frozen=True)
class Segment:
    """One label of a mask. The category, type and region are those of DICOM's CID 7150 and 7159."""

    value: int
    name: str
    rgb: tuple[int, int, int]
    category: Code
    type: Code
    region: Code | None = None


LIVER_CODE = ("10200004", "Liver")
SEGMENTS = (
    Segment(1, "liver", (221, 130, 101), ("123037004", "Anatomical Structure"), LIVER_CODE),
    Segment(
        2, "lesion", (255, 176, 0), ("49755003", "Morphologically Altered Structure"),
        ("14799000", "Neoplasm, Secondary"), LIVER_CODE,
    ),
)  # fmt: skip
