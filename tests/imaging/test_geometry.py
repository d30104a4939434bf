"""Voxel grids: bounding boxes, the comparison of two grids, the axis from head to foot."""

import numpy as np
import pytest
import SimpleITK as sitk
from helpers.ct_images import ct_of
from helpers.dicom_series import volume
from livermets.core.errors import BadPatient
from livermets.imaging.geometry import axial_axis, bounding_box, onto_grid, same_grid


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


def test_grids_within_a_micrometre_are_one_and_a_shifted_mask_is_resampled():
    ct = ct_of(volume((10, 20, 20)))
    near = sitk.Image(ct)
    near.SetOrigin((-50.0005, -40, -300))
    assert same_grid(ct, near)
    mask = sitk.Cast(ct * 0, sitk.sitkUInt8)
    mask[5:8, 5:8, 3:5] = 1
    mask.CopyInformation(near)
    result, how = onto_grid(mask, ct, "P1")
    assert how == "equal"
    assert result.GetOrigin() == ct.GetOrigin()
    mask.SetOrigin((-50 + 0.7, -40, -300))
    result, how = onto_grid(mask, ct, "P1")
    assert how == "resampled"
    assert sitk.GetArrayFromImage(result).sum() == 18
    assert result[6, 5, 3] == 1
    assert result[5, 5, 3] == 0


def test_a_mask_outside_the_ct_is_refused():
    ct = ct_of(volume((10, 20, 20)))
    mask = sitk.Cast(ct * 0 + 1, sitk.sitkUInt8)
    for origin in [(200.0, -40, -300), (-50, -40, -290)]:
        mask.SetOrigin(origin)
        with pytest.raises(BadPatient, match="outside the CT.*Give the mask drawn on this CT"):
            onto_grid(mask, ct, "P1", "given mask")
