"""What the draft of a cohort keeps of the headers that it has read: little for each slice."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from livermets.imaging.draft_persons import PersonFacts


class Plane(NamedTuple):
    """What the slices of a series have in common; slices that do share one object.

    `spacing` are the distances of rows and of columns (mm), `voxels` the `voxel_values`; `lossy` is
    whether the image was compressed with loss.
    """

    orientation: tuple[float, ...] | None
    spacing: tuple[float, ...] | None
    shape: tuple[object, object]
    voxels: tuple[str, ...]
    lossy: bool


class SliceFacts(NamedTuple):
    """One slice: its folder and file, its position (mm), and what it shares with others."""

    folder: str
    name: str
    position: tuple[float, ...] | None
    plane: Plane

    @property
    def path(self) -> Path:
        """The file of the slice."""
        return Path(self.folder, self.name)


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """How a series was made, by the header of its first slice.

    Parameters
    ----------
    modality : str
        As DICOM states it, or `nothing`.
    image_type : tuple of str
        The values of ImageType in upper case.
    acquisition : dict
        See `read_acquisition`.
    phases : tuple of str
        The phases that its description names.
    region : str
        A word for another region of the body than the abdomen, or "".
    sharp_words, no_scan : bool
        Whether the description says that it is for lung or bone, or is a report or a screenshot.
    captured : str
        By what the header says that the image was captured from a screen or a film, or "".
    body_part : str
        BodyPartExamined.
    bits, channels : int
        Bits stored in a voxel (0 if not stated), and its colours.
    localiser : bool
        Whether it is a localiser.
    day, second : int or None
        When it was acquired: day of the calendar, second of the day.
    """

    modality: str
    image_type: tuple[str, ...]
    acquisition: dict[str, object]
    phases: tuple[str, ...]
    region: str
    sharp_words: bool
    no_scan: bool
    captured: str
    body_part: str
    bits: int
    channels: int
    localiser: bool
    day: int | None
    second: int | None


@dataclass(slots=True)
class Series:
    """The slices of one DICOM series, and whose they are.

    `unreadable` names a tag of the geometry whose bytes are no value, "" if there is none; `copies`
    are slices that are there twice, `doubt` is why it may hold, or be, the scan of another person.
    """

    facts: SeriesFacts
    person: PersonFacts
    slices: list[SliceFacts] = field(default_factory=list)
    unreadable: str = ""
    copies: list[SliceFacts] = field(default_factory=list)
    doubt: str = ""


@dataclass
class Tree:
    """The series below a folder, and how many files were read.

    `other` files are no DICOM images; of these `damaged` ones begin as DICOM, or cannot be opened.
    """

    series: list[Series] = field(default_factory=list)
    files: int = 0
    other: int = 0
    damaged: int = 0
