"""Affine augmentation against exact moves and SciPy's affine transform."""

import numpy as np
import torch
from livermets.deep_learning.augmentation import (
    AffineRanges,
    affine_maps,
    apply_affine,
    random_maps,
)
from scipy import ndimage


def moved(images, zoom=1.0, shear_deg=0.0, rotate_deg=0.0, shift=0.0):
    n = len(images)
    one = torch.ones(n, dtype=torch.float64)
    maps = affine_maps(
        zoom * one, (shear_deg * one).deg2rad(), (rotate_deg * one).deg2rad(), shift * one
    )
    return apply_affine(images, maps)


def smooth(n=2, size=40) -> torch.Tensor:
    noise = np.random.default_rng(3).normal(size=(n, 1, size, size))
    blobs = ndimage.gaussian_filter(noise, (0, 0, 3, 3))
    blobs[:, :, :8], blobs[:, :, -8:] = 0, 0
    blobs[..., :8], blobs[..., -8:] = 0, 0
    return torch.from_numpy(blobs / blobs.std()).float()


def test_a_right_angle_turns_clockwise_exactly():
    images = smooth()
    np.testing.assert_allclose(
        moved(images, rotate_deg=90), torch.rot90(images, -1, (2, 3)), atol=1e-4
    )


def test_a_width_shift_of_a_quarter_moves_right_by_a_quarter():
    images = smooth()
    expected = torch.zeros_like(images)
    expected[..., 10:] = images[..., :-10]
    np.testing.assert_allclose(moved(images, shift=0.25), expected, atol=1e-4)


def test_zoom_scales_the_area_by_its_square():
    disc = (
        torch.hypot(*torch.meshgrid(*2 * [torch.arange(80) - 39.5], indexing="ij")) < 15
    ).float()
    area = moved(disc[None, None], zoom=1.5).sum() / disc.sum()
    np.testing.assert_allclose(area, 2.25, rtol=0.02)


def test_any_map_agrees_with_scipy():
    images = smooth()
    zoom, shear, rotate, shift = 1.2, np.deg2rad(12), np.deg2rad(-25), 0.1
    turn = np.array([[np.cos(rotate), -np.sin(rotate)], [np.sin(rotate), np.cos(rotate)]])
    forward = zoom * turn @ np.array([[1, np.tan(shear)], [0, 1]])  # of (x, y)
    back = np.linalg.inv(forward)[::-1, ::-1]  # of (y, x)
    middle = np.array([19.5, 19.5])
    offset = middle - back @ (middle + np.array([0, shift * 40]))
    got = moved(images, zoom, 12, -25, shift)
    for image, mine in zip(images, got, strict=True):
        truth = ndimage.affine_transform(image[0].numpy(), back, offset, order=1)
        np.testing.assert_allclose(mine[0].numpy(), truth, atol=1e-3)


def test_the_same_seed_gives_the_same_bytes_and_another_does_not():
    def draw(seed):
        return random_maps(16, AffineRanges(), torch.Generator().manual_seed(seed))

    assert torch.equal(draw(5), draw(5))
    assert not torch.equal(draw(5), draw(6))


def test_each_image_moves_by_itself_and_the_given_share_stays():
    maps = random_maps(4000, AffineRanges(probability=0.8), torch.Generator().manual_seed(1))
    still = (maps == torch.eye(2, 3)).all((1, 2))
    assert abs(still.double().mean() - 0.2) < 0.02
    assert len(torch.unique(maps[~still], dim=0)) == (~still).sum()


def test_probability_zero_leaves_images_as_they_are():
    images = smooth()
    maps = random_maps(2, AffineRanges(probability=0), torch.Generator().manual_seed(1))
    np.testing.assert_allclose(apply_affine(images, maps), images, atol=1e-5)


def test_draws_stay_within_their_limits():
    generator = torch.Generator().manual_seed(4)
    zooms = random_maps(2000, AffineRanges(0.1, 0, 0, 0, 1), generator)
    factors = 1 / torch.linalg.det(zooms[:, :, :2]).sqrt()
    assert 0.9 <= factors.min() < 0.91
    assert 1.09 < factors.max() <= 1.1001
    turns = random_maps(2000, AffineRanges(0, 0, 20, 0, 1), generator)
    angles = torch.rad2deg(torch.atan2(turns[:, 0, 1], turns[:, 0, 0])).abs()
    assert 19.5 < angles.max() <= 20.001
    shifts = random_maps(2000, AffineRanges(0, 0, 0, 0.1, 1), generator)[:, :, 2]
    assert 0.195 < shifts[:, 0].abs().max() <= 0.2
    assert not shifts[:, 1].any()
