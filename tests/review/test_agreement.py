"""Agreement of two masks, against SimpleITK, MONAI and a search over all pairs of voxels."""

import numpy as np
import pytest
import SimpleITK as sitk
from livermets.review.agreement import compare_masks, lesion_detection, surface_distances
from livermets.review.agreement_table import COLUMNS, TOLERANCE_MM, agreement_table
from scipy import ndimage
from scipy.spatial.distance import cdist

SPACING = (2.5, 0.8, 0.9)  # z, y, x


def blob(seed, shape=(14, 30, 32)):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), (1, 3, 3))
    return noise > np.quantile(noise, 0.8)


def image(array):
    made = sitk.GetImageFromArray(array.astype(np.uint8))
    made.SetSpacing(SPACING[::-1])
    return made


def masks(seed):
    """A liver with lesions, and another."""
    made = []
    for k in (seed, seed + 1):
        liver = blob(k) | blob(k + 10)
        made.append(np.where(liver & blob(k + 20), 2, liver).astype(np.uint8))
    return made


@pytest.mark.parametrize("seed", [1, 5])
def test_overlap_and_volumes_equal_simpleitks(seed):
    a, b = masks(seed)
    found = compare_masks(image(a), image(b))
    overlap = sitk.LabelOverlapMeasuresImageFilter()
    for name, x, y in (("liver", a > 0, b > 0), ("lesion", a == 2, b == 2)):
        overlap.Execute(image(x), image(y))
        assert found[f"dice_{name}"] == pytest.approx(overlap.GetDiceCoefficient(), abs=1e-6)
        assert found[f"{name}_ml"] == pytest.approx(y.sum() * np.prod(SPACING) / 1000)
        assert found[f"{name}_ml_automatic"] == pytest.approx(x.sum() * np.prod(SPACING) / 1000)


@pytest.mark.parametrize("seed", [1, 5, 9])
def test_surface_distances_equal_a_search_over_all_pairs_as_medpy_defines_them(seed):
    a, b = (mask > 0 for mask in masks(seed))

    def surface(mask):  # a voxel with a face towards the outside
        padded = np.pad(mask, 1)
        faces = [np.roll(padded, s, axis) for axis in range(3) for s in (1, -1)]
        return np.argwhere((padded & ~np.all(faces, axis=0))[1:-1, 1:-1, 1:-1]) * SPACING

    pairs = cdist(surface(a), surface(b))
    there, back = surface_distances(a, b, SPACING)
    np.testing.assert_allclose(np.sort(there), np.sort(pairs.min(1)), atol=1e-9)
    np.testing.assert_allclose(np.sort(back), np.sort(pairs.min(0)), atol=1e-9)
    found = compare_masks(image(a), image(b))
    both = np.concatenate([pairs.min(1), pairs.min(0)])
    assert found["assd_liver_mm"] == pytest.approx(both.mean())
    larger = max(np.percentile(pairs.min(1), 95), np.percentile(pairs.min(0), 95))
    assert found["hd95_liver_mm"] == pytest.approx(larger)


def test_hd95_is_the_larger_directed_percentile_also_where_the_small_mask_agrees():
    """A cube and the same cube with a rod of a tenth of its surface voxels that leaves it.

    All of the cube's surface lies on the other's or beside it; more than 5 % of the other's
    surface lies on the rod, far away.
    """
    cube, rod = np.zeros((2, 20, 60, 20), bool)
    cube[5:10, 5:10, 5:10] = True
    rod[5:10, 5:10, 5:10] = rod[7, 10:30, 7] = True
    found = compare_masks(image(cube), image(rod))
    from_cube, from_rod = surface_distances(cube, rod, SPACING)
    steps = np.concatenate([np.zeros(len(from_rod) - 20), np.arange(1, 21) * SPACING[1]])
    np.testing.assert_allclose(np.sort(from_rod), steps, atol=1e-9)
    assert np.percentile(from_cube, 95) == 0
    assert found["hd95_liver_mm"] == pytest.approx(np.percentile(steps, 95))
    pooled = np.percentile(np.concatenate([from_cube, from_rod]), 95)
    assert found["hd95_liver_mm"] > 1.2 * pooled
    assert compare_masks(image(rod), image(cube))["hd95_liver_mm"] == found["hd95_liver_mm"]


@pytest.mark.parametrize("shift", [1, 3], ids=["1 voxel", "3 voxels"])
def test_hd95_of_two_planes_is_their_distance(shift):
    a, b = np.zeros((2, 10, 40, 40), bool)
    a[2], b[2 + shift] = True, True
    found = compare_masks(image(a), image(b))
    assert found["hd95_liver_mm"] == pytest.approx(shift * SPACING[0])
    assert found["assd_liver_mm"] == pytest.approx(shift * SPACING[0])


def test_surface_dice_equals_monais():
    import torch
    from monai.metrics import compute_surface_dice

    a, b = (np.pad(mask > 0, 1) for mask in masks(3))  # MONAI's surfaces end at the border
    one_hot = [torch.from_numpy(np.stack([~m, m])[None].astype(np.float32)) for m in (a, b)]
    theirs = compute_surface_dice(*one_hot, [TOLERANCE_MM], spacing=SPACING).item()
    assert compare_masks(image(a), image(b))["surface_dice_liver"] == pytest.approx(
        theirs, abs=1e-6
    )
    assert 0.05 < theirs < 0.95


def test_equal_masks_agree_wholly_and_empty_ones_are_no_figures():
    liver = masks(1)[0]
    same = compare_masks(image(liver), image(liver))
    assert same["dice_liver"] == same["surface_dice_lesion"] == same["detection_f1"] == 1
    assert same["assd_liver_mm"] == same["lesions_missed"] == same["lesions_added"] == 0
    healthy = np.minimum(liver, 1)
    none = compare_masks(image(healthy), image(healthy))
    assert none["dice_lesion"] is None
    assert none["surface_dice_lesion"] is None
    assert none["detection_f1"] is None
    assert none["lesions"] == 0
    missed = compare_masks(image(healthy), image(liver))
    assert missed["dice_lesion"] == missed["surface_dice_lesion"] == 0
    assert missed["lesions_missed"] == missed["lesions"] > 0


def test_lesions_are_matched_one_to_one_by_the_best_overlaps():
    automatic, final = (np.zeros((6, 40, 40), bool) for _ in range(2))
    final[1:4, 2:8, 2:8] = True  # A
    final[1:4, 12:18, 2:8] = True  # B
    final[1:4, 22:28, 2:8] = True  # C, missed
    automatic[1:4, 2:8, 3:9] = True  # A, a voxel off
    automatic[1:4, 11:18, 2:8] = True  # B
    automatic[5, 2, 30] = True  # added
    automatic[1:4, 28, 8] = True  # at C's corner, without overlap: added
    found = lesion_detection(automatic, final)
    assert {k: v for k, v in found.items() if k.startswith("lesions")} == {
        "lesions_automatic": 4, "lesions": 3, "lesions_matched": 2, "lesions_missed": 1,
        "lesions_added": 2,
    }  # fmt: skip
    assert found["detection_f1"] == pytest.approx(2 * 2 / 7)
    expected = [2 * 90 / (108 + 108), 2 * 108 / (126 + 108)]
    assert found["dice_matched"] == pytest.approx(np.mean(expected))


def test_one_automatic_lesion_over_two_matches_one_of_them():
    automatic, final = (np.zeros((4, 20, 20), bool) for _ in range(2))
    final[1:3, 2:8, 2:8] = final[1:3, 10:14, 2:8] = True
    automatic[1:3, 2:14, 2:8] = True
    found = lesion_detection(automatic, final)
    assert (found["lesions_matched"], found["lesions_missed"], found["lesions_added"]) == (1, 1, 0)


def test_the_table_has_its_columns_without_a_row_and_one_row_for_each_patient():
    assert list(agreement_table([]).columns) == list(COLUMNS)
    rows = []
    for seed in (1, 5, 9):
        a, b = masks(seed)
        agreement = compare_masks(image(a), image(b))
        rows.append({"patient": f"P{seed}", "source": "corrected", **agreement})
    table = agreement_table(rows)
    assert list(table["patient"]) == ["P1", "P5", "P9"]
    assert table["dice_liver"].to_list() == [round(row["dice_liver"], 4) for row in rows]
