"""Lesion slices against analytic shapes, SimpleITK's own interpolation and a real CT."""

import tarfile

import numpy as np
import pytest
import SimpleITK as sitk
from livermets.core.errors import BadInput
from livermets.deep_learning.lesion_slices import (
    choose_slices,
    lesion_slices,
    save_slices,
)
from livermets.deep_learning.mapped_slices import load_slices
from livermets.imaging.ct import import_ct


def image(array, spacing=(1.0, 1.0, 1.0)) -> sitk.Image:
    picture = sitk.GetImageFromArray(np.asarray(array))
    picture.SetSpacing(spacing)
    return picture


def ball(shape=(12, 60, 70), centre=(6, 30, 32), radius=(4, 14, 14)) -> np.ndarray:
    z, y, x = np.ogrid[tuple(slice(n) for n in shape)]
    offsets = ((z, y, x)[i] - centre[i] for i in range(3))
    return (sum((offset / r) ** 2 for offset, r in zip(offsets, radius, strict=True)) <= 1).astype(
        np.uint16
    )


def test_each_slice_of_each_lesion_is_drawn_in_order():
    labels = ball() + 2 * ball(centre=(5, 8, 60), radius=(2, 4, 4))
    out = lesion_slices(image(np.zeros(labels.shape, np.int16)), image(labels), size=32)
    assert out["lesion"].tolist() == [1] * 9 + [2] * 5
    assert out["z"].tolist() == [*range(2, 11), *range(3, 8)]
    assert {name: part.dtype.name for name, part in out.items()} == {
        "images": "uint8",
        "lesion": "int64",
        "z": "int64",
        "pixel_mm": "float32",
    }
    assert out["images"].shape == (14, 32, 32)


@pytest.mark.parametrize(
    ("hu", "value"), [(-155, 1), (10, 128), (175, 255), (-1024, 1), (3000, 255), (-154, 2)]
)
def test_the_window_maps_to_1_to_255_and_black_is_the_outside_alone(hu, value):
    labels = ball()
    out = lesion_slices(image(np.full(labels.shape, hu, np.int16)), image(labels), size=48)
    assert set(np.unique(out["images"])) == {0, value}


def test_what_surrounds_a_lesion_never_shows_in_it():
    labels = ball()
    labels[:, :, 33:][labels[:, :, 33:] == 1] = 2  # a neighbour that touches
    hu = np.full(labels.shape, 1000, np.int16)
    hu[labels == 1] = 10
    out = lesion_slices(image(hu), image(labels), size=50)
    assert set(np.unique(out["images"][out["lesion"] == 1])) == {0, 128}


def test_a_lesion_keeps_one_scale_along_its_slices_and_its_whole_border_in_view():
    labels = ball()
    out = lesion_slices(image(np.zeros(labels.shape, np.int16)), image(labels), size=100)
    assert np.ptp(out["pixel_mm"]) == 0
    drawn = (out["images"] > 0).sum((1, 2)) * out["pixel_mm"] ** 2
    np.testing.assert_allclose(drawn, labels.sum((1, 2))[2:11], rtol=0.01, atol=3)
    seen = np.argwhere(out["images"].any(0))
    assert seen.min() == 10
    assert seen.max() == 89


def test_an_ellipse_of_voxels_that_is_a_circle_in_mm_is_drawn_as_a_circle():
    labels = ball(radius=(4, 12, 24), centre=(6, 30, 35))
    out = lesion_slices(
        image(np.zeros(labels.shape, np.int16)), image(labels, (0.5, 1.0, 3.0)), size=120
    )
    middle = out["images"][4] > 0
    assert middle.any(0).sum() == pytest.approx(middle.any(1).sum(), abs=2)
    voxels_mm2 = labels[6].sum() * 0.5
    assert middle.sum() * out["pixel_mm"][0] ** 2 == pytest.approx(voxels_mm2, rel=0.01)


def test_inside_a_lesion_values_are_those_of_linear_interpolation():
    labels = ball()
    hu = np.random.default_rng(1).integers(-100, 120, labels.shape).astype(np.int16)
    out = lesion_slices(image(hu), image(labels), size=96)
    pixel = float(out["pixel_mm"][4])
    grid = sitk.Image(96, 96, 1, sitk.sitkFloat64)
    grid.SetSpacing((pixel, pixel, 1))
    grid.SetOrigin((32 - 47.5 * pixel, 30 - 47.5 * pixel, 6))
    truth = sitk.GetArrayFromImage(
        sitk.Resample(image(hu), grid, sitk.Transform(), sitk.sitkLinear, 0, sitk.sitkFloat64)
    )[0]
    deep = slice(35, 61)
    shown = out["images"][4][deep, deep]
    expected = 1 + 254 * np.clip((truth[deep, deep] + 155) / 330, 0, 1)
    np.testing.assert_allclose(shown, expected, atol=0.5001)


def test_pixels_coarser_than_voxels_average_them():
    labels = np.zeros((1, 300, 300), np.uint16)
    labels[0, 10:290, 10:290] = 1
    checkers = np.where(np.indices(labels.shape).sum(0) % 2, 110, -90).astype(np.int16)
    shown = lesion_slices(image(checkers), image(labels), size=32)["images"][0]
    assert np.abs(shown[8:24, 8:24].astype(int) - 128).max() <= 12  # ±77 without averaging


def test_a_voxel_too_small_to_reach_half_a_pixel_is_still_one_pixel():
    labels = np.zeros((2, 300, 300), np.uint16)
    labels[0, 10:290, 10:290] = 1
    labels[1, 150, 150] = 1
    out = lesion_slices(image(np.full(labels.shape, 10, np.int16)), image(labels), size=32)
    assert out["z"].tolist() == [0, 1]
    assert (out["images"][1] == 128).sum() == 1


def test_a_patient_without_lesions_has_arrays_of_length_0():
    nothing = np.zeros((3, 40, 40), np.uint16)
    out = lesion_slices(image(nothing.astype(np.int16)), image(nothing), size=64)
    assert out["images"].shape == (0, 64, 64)
    assert out["images"].dtype == np.uint8
    assert [len(part) for part in out.values()] == [0, 0, 0, 0]


def test_numbers_missing_between_lesions_are_passed_over():
    labels = 3 * ball()
    out = lesion_slices(image(np.zeros(labels.shape, np.int16)), image(labels), size=32)
    assert set(out["lesion"]) == {3}


def test_a_lesion_of_one_voxel_is_drawn():
    labels = np.zeros((3, 40, 40), np.uint16)
    labels[1, 20, 20] = 1
    out = lesion_slices(image(np.full(labels.shape, 10, np.int16)), image(labels), size=50)
    side = (out["images"][0] == 128).any(0).sum()
    assert side == pytest.approx(40, abs=1)  # its own width, and a tenth free on each side


@pytest.mark.parametrize(
    ("areas", "most", "chosen"),
    [
        ([0, 1, 5, 9, 7, 2, 0], None, [1, 2, 3, 4, 5]),
        ([0, 1, 5, 9, 7, 2, 0], 9, [1, 2, 3, 4, 5]),
        ([0, 1, 5, 9, 7, 2, 0], 1, [3]),
        ([0, 1, 5, 9, 7, 2, 0], 2, [2, 4]),  # 2, 3 and 4 reach half of 9: first and last
        ([0, 1, 5, 9, 7, 2, 0], 4, [2, 3, 4, 5]),  # too few do: the four largest
        ([4, 4, 4, 4, 4, 4, 4], 3, [0, 3, 6]),
    ],
    ids=[
        "all",
        "fewer than allowed",
        "one",
        "the ends of the large ones",
        "too few large ones",
        "all alike",
    ],
)
def test_few_slices_of_a_lesion_are_large_ones_spread_evenly(areas, most, chosen):
    assert choose_slices(np.array(areas), most).tolist() == chosen


def test_saving_twice_gives_the_same_bytes_and_loading_gives_the_arrays(tmp_path):
    labels = ball()
    hu = np.random.default_rng(2).integers(-100, 120, labels.shape).astype(np.int16)
    for name in ("a.npz", "b.npz"):
        save_slices(lesion_slices(image(hu), image(labels), size=32), tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    back = load_slices(tmp_path / "a.npz")
    for name, part in lesion_slices(image(hu), image(labels), size=32).items():
        np.testing.assert_array_equal(back[name], part)
        assert back[name].dtype == part.dtype


@pytest.mark.parametrize(
    ("settings", "key"),
    [({"size": 31}, "slices.size"), ({"width": 0}, "slices.width")]
    + [({"max_per_lesion": 0}, "slices.max_per_lesion")],
    ids=["size", "width", "max_per_lesion"],
)
def test_a_setting_that_cannot_be_is_refused_by_its_key(settings, key):
    labels = image(ball())
    with pytest.raises(BadInput, match=key):
        lesion_slices(sitk.Cast(labels, sitk.sitkInt16), labels, **settings)


def test_lesions_on_another_grid_than_the_ct_are_refused():
    labels = ball()
    with pytest.raises(BadInput, match="on the grid of this CT"):
        lesion_slices(image(labels[:, :, 1:].astype(np.int16)), image(labels))


def test_real_lesions_keep_their_mean_and_area(real_data, tmp_path):
    case = real_data / "crlm_1006"
    with tarfile.open(case / "dicom.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    folder = next(path.parent for path in tmp_path.rglob("*") if path.is_file())
    ct, _ = import_ct(folder, "CRLM-CT-1006")
    mask = sitk.ReadImage(str(case / "labels.nii.gz")) == 2
    labelled = sitk.Cast(
        sitk.RelabelComponent(sitk.ConnectedComponent(mask, True)), sitk.sitkUInt16
    )
    hu, labels = sitk.GetArrayFromImage(ct), sitk.GetArrayFromImage(labelled)
    out = lesion_slices(ct, labelled)
    assert len(out["z"]) == sum((labels == k).any((1, 2)).sum() for k in range(1, 5))
    assert not out["images"][:, [0, -1]].any()
    assert not out["images"][:, :, [0, -1]].any()
    voxel_mm2 = np.prod(ct.GetSpacing()[:2])
    for picture, lesion, z, pixel in zip(*out.values(), strict=True):
        inside = labels[z] == lesion
        if inside.sum() < 20:
            continue
        assert (picture > 0).sum() * pixel**2 == pytest.approx(inside.sum() * voxel_mm2, rel=0.1)
        shown = (picture[picture > 0].mean() - 1) / 254 * 330 - 155
        assert shown == pytest.approx(np.clip(hu[z][inside], -155, 175).mean(), abs=4)
