"""Places for the numbers of lesions in one picture, beside the lesions and not upon each other."""

from collections.abc import Sequence

import numpy as np

DIRECTIONS = 16  # tried around each lesion
RINGS = 12  # distances tried, a third of the text's height apart
Box = tuple[float, float, float, float]  # left, top, right, bottom


def place_numbers(
    lesions: Sequence[np.ndarray],
    sizes: Sequence[tuple[float, float]],
    picture: tuple[int, int],
    taken: Sequence[Box] = (),
) -> list[tuple[float, float]]:
    """Find a place for the number of each lesion.

    Each stands as near to its lesion as it can without covering a lesion, another number or the
    border of the picture. Where there is no such place it covers lesions, but no number.

    Parameters
    ----------
    lesions : sequence of ndarray of bool, shape (rows, columns)
        The pixels of each lesion.
    sizes : sequence of tuple of float
        Width and height of each number in pixels.
    picture : tuple of int
        Rows and columns.
    taken : sequence of tuple of float
        Boxes (left, top, right, bottom) of other texts.

    Returns
    -------
    list of tuple of float
        Column and row of the centre of each number.
    """
    occupied = list(taken)
    any_lesion = np.any(np.stack(lesions), axis=0) if lesions else np.zeros(picture, bool)
    centres = []
    for lesion, size in zip(lesions, sizes, strict=True):
        boxes = [box for box in _candidates(lesion, size) if _inside(box, picture)]
        free = [box for box in boxes if not any(_overlap(box, other) for other in occupied)]
        clear = [box for box in free if not _covers(box, any_lesion)]
        left, top, right, bottom = (clear or free or boxes or [_around(lesion, size)])[0]
        occupied.append((left, top, right, bottom))
        centres.append(((left + right) / 2, (top + bottom) / 2))
    return centres


def _candidates(lesion: np.ndarray, size: tuple[float, float]) -> list[Box]:
    """Boxes around a lesion, the nearest first; upper right comes before the others."""
    rows, columns = np.nonzero(lesion)
    centre = columns.mean(), rows.mean()
    width, height = size
    angles = -np.pi / 4 + np.arange(DIRECTIONS) * 2 * np.pi / DIRECTIONS
    boxes = []
    for ring in range(RINGS):
        away = ring * height / 3
        for angle in angles:
            along, down = np.cos(angle), np.sin(angle)
            reach = ((columns - centre[0]) * along + (rows - centre[1]) * down).max()
            distance = reach + abs(along) * width / 2 + abs(down) * height / 2 + away
            x, y = centre[0] + along * distance, centre[1] + down * distance
            boxes.append((x - width / 2, y - height / 2, x + width / 2, y + height / 2))
    return boxes


def _around(lesion: np.ndarray, size: tuple[float, float]) -> Box:
    row, column = np.argwhere(lesion).mean(axis=0)
    width, height = size
    return column - width / 2, row - height / 2, column + width / 2, row + height / 2


def _inside(box: Box, picture: tuple[int, int]) -> bool:
    return box[0] >= 0 and box[1] >= 0 and box[2] <= picture[1] and box[3] <= picture[0]


def _overlap(box: Box, other: Box) -> bool:
    apart = box[2] <= other[0] or other[2] <= box[0] or box[3] <= other[1] or other[3] <= box[1]
    return not apart


def _covers(box: Box, lesions: np.ndarray) -> bool:
    left, top, right, bottom = (round(value) for value in box)
    return bool(lesions[max(0, top) : bottom, max(0, left) : right].any())
