"""Matching of lesions: which lesion of one mask is which lesion of another mask."""

import numpy as np
from scipy.optimize import linear_sum_assignment

MIN_IOU = 0.1  # low, since readers disagree on the edges of small lesions
PAIR = ("lesion_uncorrected", "lesion", "iou")  # columns of a table of matched lesions, after
# those of the patient and, where there are several, of the scan


def match_lesions(first: np.ndarray, second: np.ndarray) -> list[tuple[int, int, float]]:
    """Match the lesions of two label images one to one, with the largest sum of overlaps.

    Parameters
    ----------
    first, second : ndarray of int
        Lesions as 1…n on one grid, 0 elsewhere.

    Returns
    -------
    list of (int, int, float)
        Number in `first`, number in `second` and intersection over union (IoU) of every pair
        whose IoU is at least `MIN_IOU`.
    """
    common = np.zeros((int(first.max()) + 1, int(second.max()) + 1), np.int64)
    either = (first > 0) | (second > 0)
    np.add.at(common, (first[either], second[either]), 1)
    size_first, size_second = common.sum(1)[1:], common.sum(0)[1:]
    common = common[1:, 1:]
    iou = common / np.maximum(size_first[:, None] + size_second[None] - common, 1)
    assigned = zip(*linear_sum_assignment(-iou), strict=True)
    return [(int(i) + 1, int(j) + 1, float(iou[i, j])) for i, j in assigned if iou[i, j] >= MIN_IOU]
