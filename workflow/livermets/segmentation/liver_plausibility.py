"""Whether a piece that a network calls liver can be the liver, and not spleen, fat or muscle.

A CT may not hold the liver at all: it may begin below it, or be of another part of the body. A
network then marks what is nearest to a liver.
"""

import numpy as np

from livermets.segmentation.body_mask import body_mask

SMALL_ML = 600  # few livers of adults are smaller; most spleens are
WHOLE_ML = 200  # no liver that lies whole in the CT is as small, even after an operation
MIDDLE_MM = 10  # a piece nearer to the middle of the body lies on neither side
LIVER_HU = (-50, 300)  # of the median, from a fatty liver without contrast to a bright one


def why_not_liver(piece: np.ndarray, hu: np.ndarray, spacing_mm: float) -> str:
    """Say why a piece cannot be the liver.

    Parameters
    ----------
    piece : ndarray of bool, shape (x, y, z)
        The piece; x to the patient's right.
    hu : ndarray, shape (x, y, z)
        The CT in HU.
    spacing_mm : float
        Edge of a voxel.

    Returns
    -------
    str
        The end of a sentence about the piece; "" where it can be the liver, or is empty.
    """
    if not piece.any():
        return ""
    median = float(np.median(hu[piece]))
    if not LIVER_HU[0] <= median <= LIVER_HU[1]:
        return f"has {median:.0f} HU, which is no liver"
    volume_ml = piece.sum() * spacing_mm**3 / 1000
    if volume_ml < WHOLE_ML and not _touches_border(piece):
        return f"has {volume_ml:.0f} ml and ends within the CT: a whole liver is larger"
    right_mm = (_mean_x(piece) - _mean_x(body_mask(hu))) * spacing_mm
    if volume_ml < SMALL_ML and right_mm < -MIDDLE_MM:
        return f"has {volume_ml:.0f} ml on the patient's left, as the spleen has"
    return ""


def _touches_border(piece: np.ndarray) -> bool:
    """Tell whether a piece reaches the border of the volume, so that more of it may lie outside."""
    return bool(piece[1:-1, 1:-1, 1:-1].sum() < piece.sum())


def _mean_x(mask: np.ndarray) -> float:
    """Average the first index of the voxels of a mask."""
    counts = mask.sum(axis=(1, 2))
    return float(counts @ np.arange(len(counts)) / counts.sum())
