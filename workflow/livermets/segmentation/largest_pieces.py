"""Post-processing of nnU-Net v1: pieces of a label beside its largest one are removed.

Which labels, and from which volume on a piece stays, was found in the model's own
cross-validation; its folder holds both as postprocessing.json.
"""

import ast
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import ndimage

Labels = tuple[int, ...]


class KeepLargest(NamedTuple):
    """The labels of which small pieces are removed.

    Parameters
    ----------
    labels : tuple of tuples of int
        Labels that count as one object, in the order in which they are treated.
    min_volume_mm3 : mapping of tuple of int to float
        Volume from which on a piece beside the largest stays; without one, none stays.
    """

    labels: tuple[Labels, ...]
    min_volume_mm3: Mapping[Labels, float]

    def apply(self, mask: np.ndarray, voxel_mm3: float) -> np.ndarray:
        """Remove the pieces from a copy of a mask of labels.

        Parameters
        ----------
        mask : ndarray of int, shape (z, y, x)
            Labels.
        voxel_mm3 : float
            Volume of a voxel.
        """
        cleaned = mask.copy()
        for labels in self.labels:
            pieces, count = ndimage.label(np.isin(cleaned, labels))
            volumes = np.bincount(pieces.ravel(), minlength=count + 1) * voxel_mm3
            volumes[0] = np.inf  # what is none of the labels stays
            stays = volumes >= volumes[1:].max(initial=0)
            if labels in self.min_volume_mm3:
                stays |= volumes >= self.min_volume_mm3[labels]
            cleaned[~stays[pieces]] = 0
        return cleaned


def read_postprocessing(file: Path, all_labels: Sequence[int]) -> KeepLargest:
    """Read the post-processing that a model of nnU-Net v1 asks for; none where there is no file.

    Parameters
    ----------
    file : Path
        postprocessing.json.
    all_labels : sequence of int
        The labels that a file which names none means.
    """
    if not file.is_file():
        return KeepLargest((), {})
    content = json.loads(file.read_text(encoding="utf-8"))
    named = content.get("for_which_classes")
    labels = tuple(map(_labels, all_labels if named is None else named))
    volumes = ast.literal_eval(content.get("min_valid_object_sizes") or "None") or {}
    return KeepLargest(labels, {_labels(key): float(value) for key, value in volumes.items()})


def _labels(entry: int | Sequence[int]) -> Labels:
    """One label or several, as a tuple."""
    return tuple(map(int, entry)) if isinstance(entry, Sequence) else (int(entry),)
