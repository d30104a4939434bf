"""How far the automatic mask is from the one the study uses: overlap, surfaces, lesion by lesion.

Definitions as in Metrics Reloaded (Maier-Hein et al. 2024, 10.1038/s41592-023-02151-z). Surfaces
are the voxels of a mask with a face towards the outside, distances run between their centres, as
in MedPy and MONAI.
"""

from collections.abc import Sequence

import cc3d
import numpy as np
import SimpleITK as sitk
from scipy import ndimage
from scipy.optimize import linear_sum_assignment

from livermets.masks.final_mask import dice
from livermets.masks.labels import Label
from livermets.review.agreement_table import COLUMNS, TOLERANCE_MM

MATCH_IOU = 0.1  # lesions are small and their edges are matters of opinion


def compare_masks(automatic: sitk.Image, final: sitk.Image) -> dict[str, float | int | None]:
    """Agreement of two masks (0 background, 1 liver, 2 lesion) on one grid; final is the truth.

    Returns the `COLUMNS` after patient and source: Dice, surface Dice at `TOLERANCE_MM`, average
    symmetric surface distance and its 95th percentile in mm, volumes in ml (the liver includes
    its lesions), and lesions (26-neighbours) matched one to one, missed by the automatic mask, and
    added by it. None where both masks are empty, or one has no surface.
    """
    a, b = sitk.GetArrayViewFromImage(automatic), sitk.GetArrayViewFromImage(final)
    spacing = final.GetSpacing()[::-1]
    voxel_ml = np.prod(spacing) / 1000
    found: dict[str, float | int | None] = {}
    for name, x, y in (("liver", a > 0, b > 0), ("lesion", a == Label.LESION, b == Label.LESION)):
        there, back = surface_distances(x, y, spacing)
        both = np.concatenate([there, back])
        near = (both <= TOLERANCE_MM).mean() if both.size else None
        one_sided = bool(x.any()) != bool(y.any())
        found[f"dice_{name}"] = dice(x, y)
        found[f"surface_dice_{name}"] = 0.0 if one_sided else near
        found[f"assd_{name}_mm"] = both.mean() if both.size and not one_sided else None
        found[f"hd95_{name}_mm"] = np.percentile(both, 95) if both.size and not one_sided else None
        found[f"{name}_ml_automatic"], found[f"{name}_ml"] = (
            float(m.sum() * voxel_ml) for m in (x, y)
        )
    found |= match_lesions(a == Label.LESION, b == Label.LESION)
    return {column: found[column] for column in COLUMNS[2:]}


def surface_distances(
    a: np.ndarray, b: np.ndarray, spacing_mm: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """From each surface voxel of `a` to the surface of `b` in mm, and the other way round.

    Infinite where the other has no surface.
    """
    either = a | b
    if not either.any():
        return np.empty(0), np.empty(0)
    box = tuple(
        slice(max(0, side.start - 1), side.stop + 1)
        for side in ndimage.find_objects(either.astype(np.uint8))[0]
    )
    # the border of the array is outside, so what touches it has a surface there
    surfaces = [m & ~ndimage.binary_erosion(m) for m in (np.pad(x[box], 1) for x in (a, b))]
    distances = []
    for own, other in (surfaces, surfaces[::-1]):
        if not other.any():
            distances.append(np.full(int(own.sum()), np.inf))
            continue
        distances.append(ndimage.distance_transform_edt(~other, sampling=spacing_mm)[own])
    return distances[0], distances[1]


def match_lesions(automatic: np.ndarray, final: np.ndarray) -> dict[str, float | int | None]:
    """Lesions of two boolean masks, paired as `pair_lesions` does, counted and overlaid."""
    (a, n_a), (b, n_b) = (
        cc3d.connected_components(mask, connectivity=26, return_N=True)
        for mask in (automatic, final)
    )
    pairs = pair_lesions(a, b)
    dices = [2 * iou / (1 + iou) for *_, iou in pairs]
    return {
        "lesions_automatic": n_a,
        "lesions": n_b,
        "lesions_matched": len(pairs),
        "lesions_missed": n_b - len(pairs),
        "lesions_added": n_a - len(pairs),
        "detection_f1": 2 * len(pairs) / (n_a + n_b) if n_a + n_b else None,
        "dice_matched": float(np.mean(dices)) if dices else None,
    }


def pair_lesions(a: np.ndarray, b: np.ndarray) -> list[tuple[int, int, float]]:
    """Lesions 1…n of two label images paired one to one so that the overlaps add up to the most.

    Returns (number in a, number in b, IoU) of every pair whose IoU is at least `MATCH_IOU`.
    """
    common = np.zeros((int(a.max()) + 1, int(b.max()) + 1), np.int64)
    either = (a > 0) | (b > 0)
    np.add.at(common, (a[either], b[either]), 1)
    size_a, size_b = common.sum(1)[1:], common.sum(0)[1:]
    common = common[1:, 1:]
    iou = common / np.maximum(size_a[:, None] + size_b[None] - common, 1)
    best = zip(*linear_sum_assignment(-iou), strict=True)
    return [(int(i) + 1, int(j) + 1, float(iou[i, j])) for i, j in best if iou[i, j] >= MATCH_IOU]
