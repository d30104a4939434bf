"""The picture by which a reader judges a mask: orientation, outlines, the same bytes."""

import numpy as np
import pytest
import SimpleITK as sitk
from helpers.ct_images import liver_labels
from helpers.images import image_of
from livermets.review.overlay import (
    DPI,
    DROPPED_COLOUR,
    KEPT_COLOUR,
    TITLE_INCHES,
    draw_overlay,
)
from matplotlib.image import imread
from scipy.ndimage import label


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
    rows = (picture.shape[0] - round(TITLE_INCHES * DPI)) // 2  # six slices in two rows
    tile = picture[-rows + 30 : -30, 30:columns].mean(axis=-1) > 0.9  # but for its texts
    y, x = np.argwhere(tile).mean(axis=0)
    assert x > columns / 2
    assert y < tile.shape[0] / 2


def colour(picture: np.ndarray, code: str) -> np.ndarray:
    """Where a picture has about this colour."""
    wanted = [int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return np.abs(picture[..., :3] - np.array(wanted)).max(axis=-1) < 0.1


def test_every_lesion_is_drawn_also_where_there_are_many_small_ones(tmp_path):
    """Each in a slice of its own; pink ones are dropped."""
    array = np.zeros((60, 40, 60), np.uint8)
    array[5:55, 5:35, 5:55] = 1
    lesions = np.zeros(array.shape, np.uint16)
    for number, z in enumerate(range(8, 52, 2), start=1):
        box = np.s_[z, 8:14, 8:14]
        array[box] = 2
        lesions[box] = number if number % 2 else 0
    images = [image_of(a, (1, 1, 3)) for a in (array.astype(np.int16) * 50, array, lesions)]
    draw_overlay(*images, tmp_path / "a.png", "P07")
    picture = imread(tmp_path / "a.png")
    # an outline of 6 x 6 pixels of the CT takes a bounded number of pixels of the picture
    kept, dropped = (
        label(colour(picture, code), np.ones((3, 3)))[1] for code in (KEPT_COLOUR, DROPPED_COLOUR)
    )
    assert dropped == 11
    assert kept >= 2 * 11  # outlines and the strokes of numbers


def test_a_scale_bar_of_five_centimetres_is_drawn(tmp_path):
    hu = np.full((4, 60, 100), -500, np.int16)
    array = np.zeros(hu.shape, np.uint8)
    array[1:3, 10:50, 10:90] = 1
    draw_overlay(image_of(hu), image_of(array), None, tmp_path / "a.png", "P07")
    picture = imread(tmp_path / "a.png")[..., :3].min(axis=-1) > 0.95
    runs = [len(run) for row in picture for run in "".join(map(str, row.astype(int))).split("0")]
    tile_mm = 80 + 2 * 5  # the liver and its margin
    assert max(runs) == pytest.approx(picture.shape[1] / 5 * 50 / tile_mm, abs=4)


def test_no_side_is_marked_where_the_file_does_not_state_the_orientation(tmp_path, ct):
    mask = mask_of(liver_labels())
    for name, oriented in (("known", True), ("unknown", False)):
        draw_overlay(ct, mask, None, tmp_path / name, "P07", oriented=oriented)
    known, unknown = (imread(tmp_path / name, format="png") for name in ("known", "unknown"))
    title = round(TITLE_INCHES * DPI)
    differs = np.abs(known - unknown).max(axis=-1) > 0
    assert differs[:title].any()  # the sentence
    assert differs[title:].any()  # the letter R


def test_the_picture_outlines_dropped_lesions_in_a_colour_of_their_own(tmp_path, ct):
    mask = mask_of(liver_labels())
    kept = sitk.Cast(mask == 2, sitk.sitkUInt16)
    seen = []
    for name, numbers in [("kept", kept), ("dropped", kept * 0), ("none", None)]:
        draw_overlay(ct, mask, numbers, tmp_path / name, "P07")
        picture = imread(tmp_path / name, format="png")
        orange, pink = (colour(picture, code) for code in (KEPT_COLOUR, DROPPED_COLOUR))
        seen.append((bool(orange.any()), bool(pink.any())))
    assert seen == [(True, False), (False, True), (True, False)]


def test_the_picture_is_the_same_file_each_time(tmp_path, ct):
    for name in ("a", "b"):
        draw_overlay(ct, mask_of(liver_labels()), None, tmp_path / name, "P07")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
