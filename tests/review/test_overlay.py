"""The picture by which a reader judges a mask: orientation, outlines, the same bytes."""

import numpy as np
import pytest
import SimpleITK as sitk
from helpers.ct_images import liver_labels
from helpers.images import image_of
from livermets.review.overlay import draw_overlay
from matplotlib.image import imread


def mask_of(array: np.ndarray, origin=(0.0, 0.0, 0.0)) -> sitk.Image:
    return image_of(array, (1.0, 2.0, 4.0), origin)


@pytest.fixture
def ct() -> sitk.Image:
    hu = np.where(liver_labels() > 0, 100, -900).astype(np.int16)
    return mask_of(hu)


@pytest.mark.parametrize("axes", ["LPS", "RAI", "SRA"])
def test_the_picture_shows_right_on_the_left_and_anterior_on_top_on_any_grid(tmp_path, axes):
    hu = np.full((10, 40, 40), 0, np.int16)
    array = np.zeros(hu.shape, np.uint8)
    array[:, 5:15, 25:35] = 1  # in LPS: anterior, left
    hu[array == 1] = 400
    volumes = [sitk.DICOMOrient(mask_of(v), axes) for v in (hu, array)]
    draw_overlay(*volumes, None, tmp_path / "review.png", "P07")
    picture = imread(tmp_path / "review.png")[..., :3]
    columns = picture.shape[1] // 5
    side = columns  # the tiles of this CT are square but for the spacing of its rows
    tile = picture[-side * 2 + 20 :, :columns].mean(axis=-1) > 0.9
    y, x = np.argwhere(tile).mean(axis=0)
    assert x > columns / 2
    assert y < tile.shape[0] / 2


def test_the_picture_outlines_dropped_lesions_in_a_colour_of_their_own(tmp_path, ct):
    mask = mask_of(liver_labels())
    kept = sitk.Cast(mask == 2, sitk.sitkUInt16)
    seen = []
    for name, numbers in [("kept", kept), ("dropped", kept * 0), ("none", None)]:
        draw_overlay(ct, mask, numbers, tmp_path / name, "P07")
        picture = imread(tmp_path / name, format="png")[..., :3]
        pink = np.abs(picture - np.array([255, 79, 163]) / 255).max(axis=-1) < 0.1
        orange = np.abs(picture - np.array([255, 176, 0]) / 255).max(axis=-1) < 0.1
        seen.append((bool(orange.any()), bool(pink.any())))
    assert seen == [(True, False), (False, True), (True, False)]


def test_the_picture_is_the_same_file_each_time(tmp_path, ct):
    for name in ("a", "b"):
        draw_overlay(ct, mask_of(liver_labels()), None, tmp_path / name, "P07")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
