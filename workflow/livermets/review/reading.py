"""One reader's decisions about a scan, and the words in which files give them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ACCEPT, CORRECT, EXCLUDE = "accept", "correct", "exclude"
KEEP, DELETE = "keep", "delete"


@dataclass(frozen=True)
class Reading:
    """One reader's decisions about a scan.

    Parameters
    ----------
    file : str
        Name of the file.
    decides : bool
        Whether it settles what others say (`{scan}.json`).
    reader, date, decision, reason, note, mask_sha256 : str
        As in `review.schema.json`; "" where the file does not say.
    lesions : tuple of mapping
        lesion, decision, reason, centroid and volume of every lesion that the reader saw.
    """

    file: str
    decides: bool
    reader: str
    date: str
    decision: str
    reason: str
    note: str
    mask_sha256: str
    lesions: tuple[Mapping[str, Any], ...]
