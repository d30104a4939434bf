"""Regions of a lesion slice: the rim by its share, the lesion by black or by the file's mask."""

import numpy as np
import pytest
from helpers.planted_networks import RADIUS, disc
from livermets.deep_learning.mapped_slices import StackedImages
from livermets.explanation.lesion_regions import middle, read_slices, rim_of


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8], ids=["thin", "half", "broad"])
def test_the_rim_of_a_disc_is_a_ring_with_its_share_of_the_pixels(share):
    mask = disc()
    rim = rim_of(mask, share)
    assert rim.sum() / mask.sum() == pytest.approx(share, abs=0.05)
    y, x = np.indices(mask.shape) - (len(mask) - 1) / 2
    away = np.hypot(y, x)
    edge = RADIUS * np.sqrt(1 - share)  # of the inner disc, which has the rest of the area
    assert not rim[away < edge - 1.5].any()
    assert rim[mask & (away > edge + 1.5)].all()


def test_a_lesion_that_touches_the_border_of_the_image_has_its_rim_there_too():
    rim = rim_of(np.ones((20, 20), bool), 0.3)
    assert rim[[0, -1]].all() and rim[:, [0, -1]].all()
    assert not rim[10, 10]


@pytest.mark.parametrize(
    ("mask", "pixels"),
    [
        pytest.param(np.eye(4, dtype=bool)[:1], 1, id="one pixel"),
        pytest.param(np.ones((2, 6), bool), 12, id="two lines, all at the edge"),
        pytest.param(np.zeros((5, 5), bool), 0, id="no lesion"),
    ],
)
def test_a_lesion_without_an_inside_is_all_rim(mask, pixels):
    assert rim_of(mask, 0.5).sum() == pixels


def test_without_a_mask_in_the_file_the_lesion_of_each_channel_is_what_is_not_black():
    images = np.zeros((3, 2, 4, 4), np.uint8)
    images[2, 0, 1, 1] = images[2, 1, 2, 2] = 9
    arrays = {"images": StackedImages([images[:1], images[1:]])}
    found, masks = read_slices(arrays, np.array([2]))
    assert found.shape == (1, 2, 4, 4)
    assert np.argwhere(masks).tolist() == [[0, 0, 1, 1], [0, 1, 2, 2]]
    assert np.argwhere(middle(masks)).tolist() == [[0, 2, 2]]


def test_a_mask_in_the_file_says_where_the_lesion_is_among_its_surroundings():
    masks = np.zeros((2, 4, 4), np.uint8)
    masks[1, 0, 3] = 1
    packed = np.packbits(masks, axis=-1)
    arrays = {"images": np.full((2, 4, 4), 77, np.uint8), "masks": packed}
    images, found = read_slices(arrays, np.array([1]))
    assert images.shape == (1, 4, 4)
    assert np.argwhere(found).tolist() == [[0, 0, 0, 3]]
