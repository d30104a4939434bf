"""Agreement of the automatic mask with the final one: overlap, surface distances and detection.

Definitions as in Metrics Reloaded (Maier-Hein et al. 2024, 10.1038/s41592-023-02151-z). The surface
of a mask is its voxels with a face towards the outside, and distances run between their centres, as
in MedPy and MONAI.
"""

from collections.abc import Sequence

import cc3d
import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from livermets.imaging.geometry import bounding_box
from livermets.lesions.matching import match_lesions
from livermets.masks.final_mask import dice
from livermets.masks.labels import Label
from livermets.review.agreement_table import COLUMNS, TOLERANCE_MM

Measures = dict[str, float | int | None]


def compare_masks(automatic: sitk.Image, final: sitk.Image) -> Measures:
    """Compare the automatic mask of a patient with the final one, which counts as the truth.

    Parameters
    ----------
    automatic, final : SimpleITK.Image of uint8
        Labels of the liver and its lesions (`masks.labels.Label`) on one grid.

    Returns
    -------
    dict
        The `COLUMNS` of the table after patient and source: Dice; surface Dice at `TOLERANCE_MM`;
        mean of the symmetric surface distance and 95th percentile of the Hausdorff distance in mm;
        volumes in ml (the liver with its lesions); and the lesions that both masks have, that the
        automatic mask misses and that it adds. None where both masks are empty, or one has no
        surface.
    """
    a, b = sitk.GetArrayViewFromImage(automatic), sitk.GetArrayViewFromImage(final)
    spacing = final.GetSpacing()[::-1]
    voxel_ml = np.prod(spacing) / 1000
    lesions = a == Label.LESION, b == Label.LESION
    measures: Measures = {}
    for name, (x, y) in {"liver": (a > 0, b > 0), "lesion": lesions}.items():
        directed = surface_distances(x, y, spacing)
        distances = np.concatenate(directed)
        one_is_empty = bool(x.any()) != bool(y.any())
        within = (distances <= TOLERANCE_MM).mean() if distances.size else None
        measurable = distances.size and not one_is_empty
        measures |= {
            f"dice_{name}": dice(x, y),
            f"surface_dice_{name}": 0.0 if one_is_empty else within,
            f"assd_{name}_mm": distances.mean() if measurable else None,
            f"hd95_{name}_mm": hausdorff95(*directed) if measurable else None,
            f"{name}_ml_automatic": float(x.sum() * voxel_ml),
            f"{name}_ml": float(y.sum() * voxel_ml),
        }
    measures |= lesion_detection(*lesions)
    return {column: measures[column] for column in COLUMNS[2:]}


def surface_distances(
    a: np.ndarray, b: np.ndarray, spacing_mm: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """Measure the distances in mm between the surfaces of two masks.

    Parameters
    ----------
    a, b : ndarray of bool, shape (z, y, x)
        The masks.
    spacing_mm : sequence of float
        Spacing along the axes.

    Returns
    -------
    from_a : ndarray of float
    from_b : ndarray of float
        The distance from each surface voxel of one mask to the surface of the other; infinite
        where the other mask is empty.
    """
    box = bounding_box(a | b, margin=1)
    if box is None:
        return np.empty(0), np.empty(0)
    # The masks end at the border of the array, so a mask that touches it has a surface there.
    surfaces = [m & ~ndimage.binary_erosion(m) for m in (np.pad(x[box], 1) for x in (a, b))]
    distances = []
    for surface, other in (surfaces, surfaces[::-1]):
        if not other.any():
            distances.append(np.full(int(surface.sum()), np.inf))
            continue
        distances.append(ndimage.distance_transform_edt(~other, sampling=spacing_mm)[surface])
    return distances[0], distances[1]


def hausdorff95(from_a: np.ndarray, from_b: np.ndarray) -> float:
    """The larger of the 95th percentiles of both directed surface distances in mm.

    HD95 of Metrics Reloaded (10.1038/s41592-023-02151-z), which MONAI computes too. Pooling both
    directions before the percentile, as MedPy does, gives a smaller value where the surfaces
    differ in size.
    """
    return float(max(np.percentile(from_a, 95), np.percentile(from_b, 95)))


def lesion_detection(automatic: np.ndarray, final: np.ndarray) -> Measures:
    """Count the lesions that two masks share, that the automatic one misses, and that it adds.

    Lesions are components of 26-neighbours, matched by `lesions.matching.match_lesions`.
    """
    (a, n_a), (b, n_b) = (
        cc3d.connected_components(mask, connectivity=26, return_N=True)
        for mask in (automatic, final)
    )
    matches = match_lesions(a, b)
    dices = [2 * iou / (1 + iou) for *_, iou in matches]
    return {
        "lesions_automatic": n_a,
        "lesions": n_b,
        "lesions_matched": len(matches),
        "lesions_missed": n_b - len(matches),
        "lesions_added": n_a - len(matches),
        "detection_f1": 2 * len(matches) / (n_a + n_b) if n_a + n_b else None,
        "dice_matched": float(np.mean(dices)) if dices else None,
    }
