"""Perturbations change mask and image as their names say, and by little."""

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from livermets.radiomics.extraction import LesionExtractor
from livermets.radiomics.perturbations import (
    PERTURBATIONS,
    noise_level,
    perturbations,
    perturbed_rows,
)
from scipy import ndimage

DEFAULT = {"binWidth": 25}


@pytest.fixture(scope="module")
def lesion():
    """A smooth ball of 12 mm radius in noise of 15 HU."""
    z, y, x = np.ogrid[:24, :48, :48]
    distance = np.sqrt(((z - 12) * 2.0) ** 2 + (y - 24) ** 2 + (x - 24) ** 2)
    rng = np.random.default_rng(4)
    hu = 90 - 45 / (1 + np.exp(distance - 12)) + rng.normal(0, 15, distance.shape)
    images = [
        sitk.GetImageFromArray(a)
        for a in (hu.round().astype(np.int16), (distance <= 12).astype(np.uint8))
    ]
    for image in images:
        image.SetSpacing((1, 1, 2))
    return images


def test_perturbations_move_the_mask_or_the_grey_values_a_little(lesion):
    image, mask = lesion
    before = sitk.GetArrayFromImage(mask).astype(bool)
    seen = {}
    for name, grey, changed, _ in perturbations(image, mask, np.random.default_rng(0)):
        seen[name] = sitk.GetArrayFromImage(grey), sitk.GetArrayFromImage(changed).astype(bool)
        assert grey.GetPixelID() == image.GetPixelID()
    assert tuple(seen) == PERTURBATIONS
    assert (seen["shrunk"][1] <= before).all()
    assert (before <= seen["grown"][1]).all()
    cross = np.abs(np.argwhere(seen["grown"][1])[:, None] - np.argwhere(before)).sum(2).min(1)
    assert cross.max() == 1
    assert (seen["grown"][1].any((1, 2)) == before.any((1, 2))).all()  # no slice more
    for name in ("moved", "turned", "contour"):
        both = 2 * (seen[name][1] & before).sum() / (seen[name][1].sum() + before.sum())
        assert 0.85 < both < 1, name
        assert seen[name][1].sum() == pytest.approx(before.sum(), rel=0.08)
    added = seen["noise"][0].astype(float) - sitk.GetArrayFromImage(image)
    assert added.std() == pytest.approx(15, rel=0.1)


def test_moving_and_turning_are_those_of_scipy(lesion):
    image, mask = lesion
    organs = sitk.Cast(mask * 2, sitk.sitkUInt8)
    seen = {
        name: rest for name, *rest in perturbations(image, mask, np.random.default_rng(0), organs)
    }
    hu, inside = (sitk.GetArrayFromImage(part).astype(float) for part in lesion)
    middle = (slice(4, -4), slice(8, -8), slice(8, -8))

    def arrays(name):
        return [sitk.GetArrayFromImage(part).astype(float)[middle] for part in seen[name]]

    grey, moved, around = arrays("moved")  # half a voxel along each axis
    np.testing.assert_allclose(grey, np.round(ndimage.shift(hu, -0.5, order=1))[middle], atol=1)
    expected = ndimage.shift(inside, -0.5, order=1)[middle]
    assert ((moved == 1) == (expected >= 0.5 - 1e-9)).all()
    assert np.corrcoef(around.ravel(), moved.ravel())[0, 1] > 0.9  # the liver goes along
    grey, turned, _ = arrays("turned")  # 4 degrees about the lesion's centre, within the slices
    at = np.array(ndimage.center_of_mass(inside))
    c, s = np.cos(np.radians(4)), np.sin(np.radians(4))
    turn = np.array([[1, 0, 0], [0, c, s], [0, -s, c]])  # the slices' voxels are square
    there = ndimage.affine_transform(hu, turn, at - turn @ at, order=1)
    np.testing.assert_allclose(grey, np.round(there)[middle], atol=1)
    there = ndimage.affine_transform(inside, turn, at - turn @ at, order=1)
    assert ((turned == 1) == (there >= 0.5)[middle]).mean() > 0.9999


def test_the_contour_moves_by_fractions_of_a_millimetre_to_either_side(lesion):
    image, mask = lesion
    before = sitk.GetArrayFromImage(mask).astype(bool)
    step = (2.0, 1.0, 1.0)
    outside = ndimage.distance_transform_edt(~before, step)
    inside = ndimage.distance_transform_edt(before, step)
    moved = []
    for seed in range(8):
        seen = {name: part for name, _, part, _ in perturbations(
            image, mask, np.random.default_rng(seed))}  # fmt: skip
        after = sitk.GetArrayFromImage(seen["contour"]).astype(bool)
        assert outside[after].max() < 4.5
        assert inside[~after].max() < 4.5
        moved.append(after.sum() / before.sum() - 1)
        assert (after & ~before).sum() > 50 < (before & ~after).sum()
    assert abs(np.mean(moved)) < 0.03  # not systematically larger or smaller


def test_rings_lie_around_the_perturbed_lesion_and_features_may_feel_what_is_around(lesion):
    image, mask = lesion
    organs = sitk.Cast(mask, sitk.sitkUInt8) + 1  # liver everywhere, lesion 2
    sets = {"original": {}, "ring": {"region": "ring", "width_mm": 4}, "liver": {"region": "liver"}}
    rows = perturbed_rows(LesionExtractor(DEFAULT, ["firstorder"], sets), image, mask, organs, 3)
    table = pd.DataFrame(rows).set_index("perturbation")
    assert not any(name.startswith("liver") for name in table)
    rings = table["ring_firstorder_Energy"]
    assert rings.notna().all()
    assert rings.nunique() >= 6
    # around the ball of 45 HU lies liver of 90
    assert table["ring_firstorder_Mean"].between(75, 95).all()
    assert table["original_firstorder_Mean"].between(45, 65).all()
    smooth = {"log": {"filter": "log", "sigma_mm": [2.0]}}
    extractor = LesionExtractor(DEFAULT, ["firstorder"], smooth)
    (whole, *_) = perturbed_rows(extractor, image, mask)
    (plain,) = extractor.extract(image, mask)
    name = "log-sigma-2-0-mm-3D_firstorder_Variance"
    assert whole[name] == pytest.approx(plain[name], rel=1e-3)


def test_the_noise_level_is_measured_beside_anatomy(lesion):
    assert noise_level(sitk.GetArrayFromImage(lesion[0])) == pytest.approx(15, rel=0.1)


def test_every_lesion_is_extracted_under_every_perturbation_and_mean_is_steadier_than_texture(
    lesion,
):
    image, mask = lesion
    extractor = LesionExtractor(DEFAULT, ["firstorder", "glcm"])
    rows = perturbed_rows(extractor, image, mask, seed=3)
    assert [row["perturbation"] for row in rows] == list(PERTURBATIONS)
    assert {row["lesion"] for row in rows} == {1}
    table = pd.DataFrame(rows)
    spread = table.std(numeric_only=True) / table.mean(numeric_only=True).abs()
    assert spread["original_firstorder_Median"] < 0.1 < spread["original_glcm_ClusterProminence"]
    again = perturbed_rows(extractor, image, mask, seed=3)
    assert again == rows


def test_a_lesion_that_shrinks_to_nothing_leaves_its_other_rows(lesion):
    image, mask = lesion
    tiny = sitk.GetArrayFromImage(mask) * 0
    tiny[10, 20:22, 20:22] = 1
    tiny = sitk.GetImageFromArray(tiny)
    tiny.CopyInformation(mask)
    rows = perturbed_rows(LesionExtractor(DEFAULT, ["firstorder"]), image, tiny)
    assert "shrunk" not in [row["perturbation"] for row in rows]
    assert [row["perturbation"] for row in rows][:2] == ["as it is", "grown"]
