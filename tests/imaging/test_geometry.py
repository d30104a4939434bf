"""Voxel grids: bounding boxes, the comparison of two grids, the axis from head to foot."""

import numpy as np
import pytest
import SimpleITK as sitk
from livermets.imaging.geometry import axial_axis, bounding_box, same_grid


def grid(**geometry):
    image = sitk.Image((40, 30, 20), sitk.sitkUInt8)
    for name, value in geometry.items():
        getattr(image, f"Set{name}")(value)
    return image


def test_a_bounding_box_holds_every_voxel_and_no_empty_plane_at_its_sides():
    mask = np.zeros((5, 6, 7), np.int16)
    mask[1, 2, 3], mask[3, 2, 6] = -4, 1
    assert bounding_box(mask) == (slice(1, 4), slice(2, 3), slice(3, 7))
    assert bounding_box(mask[1]) == (slice(2, 3), slice(3, 4))


def test_a_margin_ends_at_the_edge_of_the_array():
    mask = np.zeros((5, 6, 7), bool)
    mask[1, 2, 6] = True
    assert bounding_box(mask, 2) == (slice(0, 4), slice(0, 5), slice(4, 7))
    assert bounding_box(mask, (0, 1, 9)) == (slice(1, 2), slice(1, 4), slice(0, 7))


def test_an_empty_mask_has_no_bounding_box():
    assert bounding_box(np.zeros((3, 3, 3))) is None


@pytest.mark.parametrize(
    ("geometry", "equal"),
    [
        ({}, True),
        ({"Origin": (0, 0, 9e-4)}, True),
        ({"Origin": (0, 0, 1.1e-3)}, False),
        # 20 slices: an error of 1e-4 mm a slice is 1.9e-3 mm at the far corner
        ({"Spacing": (1, 1, 1 + 1e-4)}, False),
        ({"Spacing": (1, 1, 1 + 1e-5)}, True),
        # a turn by 1e-5 moves the far corner by less than 1e-3 mm, a turn by 1e-4 by more
        ({"Direction": (1, -1e-5, 0, 1e-5, 1, 0, 0, 0, 1)}, True),
        ({"Direction": (1, -1e-4, 0, 1e-4, 1, 0, 0, 0, 1)}, False),
        ({"Direction": (-1, 0, 0, 0, -1, 0, 0, 0, 1)}, False),
    ],
    ids=[
        "the same",
        "a shift just below",
        "a shift just above",
        "a spacing that adds up",
        "a spacing almost the same",
        "a turn just below",
        "a turn just above",
        "opposite axes",
    ],
)
def test_grids_are_the_same_if_no_corner_is_a_micrometre_apart(geometry, equal):
    assert same_grid(grid(), grid(**geometry)) is equal


def test_grids_of_other_sizes_are_not_the_same():
    assert not same_grid(grid(), grid()[:, :, :-1])


@pytest.mark.parametrize(("orientation", "axis"), [("LPS", 2), ("SLP", 0), ("RIA", 1)])
def test_the_axial_axis_runs_from_head_to_foot(orientation, axis):
    assert axial_axis(sitk.DICOMOrient(grid(), orientation)) == axis
