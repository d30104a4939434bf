"""Options of the lesion slices: margin, physical scale, surroundings, neighbours, size."""

import logging

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from helpers.lesion_textures import QUICK, as_bytes
from livermets.core.errors import BadInput
from livermets.deep_learning.densenet import Run, predict_split, train_split
from livermets.deep_learning.lesion_slices import lesion_slices, save_slices
from livermets.deep_learning.mapped_slices import load_slices
from livermets.deep_learning.network import LesionNet, network_of, trained_network
from livermets.explanation.lesion_regions import read_slices
from livermets.pooling.slice_scores import score_slices
from livermets.predictions.task import Task
from livermets.study.config import load_config

SHAPE = (9, 60, 70)
SPACING = (0.7, 0.8, 2.5)  # x, y, z
AB = Task(["a", "b"], "b")


def image(array) -> sitk.Image:
    picture = sitk.GetImageFromArray(np.asarray(array))
    picture.SetSpacing(SPACING)
    return picture


def box(*parts: tuple[int, int]) -> np.ndarray:
    """A lesion that fills a box of voxels (z, y, x)."""
    labels = np.zeros(SHAPE, np.uint16)
    labels[tuple(slice(*part) for part in parts)] = 1
    return labels


def noise(seed=1) -> np.ndarray:
    return np.random.default_rng(seed).integers(-100, 120, SHAPE).astype(np.int16)


MIDDLE = box((3, 6), (20, 36), (30, 46))  # 16 x 0.8 = 12.8 mm high, 11.2 mm wide


def draw(labels=MIDDLE, hu=None, size=128, **options):
    return lesion_slices(image(noise() if hu is None else hu), image(labels), size=size, **options)


def test_the_defaults_are_the_papers_to_the_byte():
    config = load_config({})["slices"]
    plain = lesion_slices(image(noise()), image(MIDDLE))
    given = lesion_slices(image(noise()), image(MIDDLE), **config)
    assert plain["images"].shape == (3, 224, 224)
    for name, array in plain.items():
        assert array.tobytes() == given[name].tobytes()


@pytest.mark.parametrize("margin", [0, 2.5, 10], ids=["none", "2.5 mm", "10 mm"])
def test_a_margin_in_mm_is_free_on_each_side_of_the_longer_axis(margin):
    out = draw(margin_mm=margin)
    assert out["pixel_mm"][0] * 128 == pytest.approx(12.8 + 2 * margin)
    rows = np.flatnonzero(out["images"][0].any(axis=1))
    pixel = float(out["pixel_mm"][0])
    assert rows[0] * pixel == pytest.approx(margin, abs=pixel)
    assert (127 - rows[-1]) * pixel == pytest.approx(margin, abs=pixel)


def test_with_a_side_in_mm_every_lesion_keeps_its_size():
    labels = MIDDLE + 2 * box((2, 5), (5, 10), (5, 10))
    out = draw(labels, side_mm=20)
    assert out["pixel_mm"] == pytest.approx([20 / 128] * 6)
    for lesion, (height, breadth) in {1: (12.8, 11.2), 2: (4.0, 3.5)}.items():
        lit = out["images"][out["lesion"] == lesion][0] > 0
        assert lit.any(1).sum() * 20 / 128 == pytest.approx(height, abs=0.2)
        assert lit.any(0).sum() * 20 / 128 == pytest.approx(breadth, abs=0.2)


def test_a_lesion_larger_than_the_side_is_cut_off_with_a_warning(caplog):
    with caplog.at_level(logging.WARNING):
        out = draw(side_mm=8)
    assert (out["images"] > 0).all()
    assert "1 lesions are larger than slices.side_mm (8) and cut off" in caplog.text
    caplog.clear()
    draw(side_mm=13)
    assert not caplog.text


def test_a_slice_whose_part_of_the_lesion_is_out_of_view_is_black():
    labels = MIDDLE | box((6, 7), (35, 36), (45, 46))  # a corner that the middle does not show
    out = draw(labels, side_mm=6)
    assert out["z"].tolist() == [3, 4, 5, 6]
    assert [bool(picture.any()) for picture in out["images"]] == [True, True, True, False]


def test_kept_surroundings_are_those_of_linear_interpolation_and_black_outside_the_ct():
    """Near a corner of the CT, against SimpleITK; the window maps HU to 1..255."""
    labels, hu = box((3, 6), (2, 14), (2, 16)), noise()
    out = draw(labels, hu, surroundings="kept", margin_mm=5)
    pixel = float(out["pixel_mm"][1])
    grid = sitk.Image(128, 128, 1, sitk.sitkFloat64)
    grid.SetSpacing((pixel, pixel, SPACING[2]))
    centre = (8.5 * SPACING[0], 7.5 * SPACING[1])
    grid.SetOrigin((*(middle - 63.5 * pixel for middle in centre), 4 * SPACING[2]))
    resampled = sitk.Resample(
        image(hu), grid, sitk.Transform(), sitk.sitkLinear, -9999, sitk.sitkFloat64
    )
    truth = sitk.GetArrayFromImage(resampled)[0]
    y, x = (
        (middle + (np.arange(128) - 63.5) * pixel) / mm
        for middle, mm in zip(centre[::-1], (SPACING[1], SPACING[0]), strict=True)
    )
    deep = np.ix_(y > 0, x > 0)  # between the middles of voxels
    shown = out["images"][1]
    np.testing.assert_allclose(
        shown[deep], (1 + 254 * np.clip((truth + 155) / 330, 0, 1))[deep], atol=0.5001
    )
    assert not shown[y < -0.5].any()
    assert not shown[:, x < -0.5].any()
    assert (shown[np.ix_(y > -0.49, x > 0)] > 0).all()
    assert (shown[np.ix_(y > 0, x > -0.49)] > 0).all()


def test_with_kept_surroundings_the_lesion_itself_looks_the_same():
    black, kept = (draw(surroundings=word)["images"] for word in ("black", "kept"))
    inside = slice(30, 98)  # more than a voxel within the border
    np.testing.assert_array_equal(black[:, inside, inside], kept[:, inside, inside])
    assert (black == 0).any()
    assert (kept > 0).all()


def test_kept_surroundings_come_with_the_lesion_as_packed_bits():
    kept, black = draw(surroundings="kept"), draw()
    lesion = np.unpackbits(kept["masks"], axis=-1, count=128)
    assert kept["masks"].shape == (3, 128, 16)
    np.testing.assert_array_equal(lesion, black["images"] > 0)
    assert "masks" not in black
    nothing = draw(np.zeros(SHAPE, np.uint16), surroundings="kept")
    assert nothing["masks"].shape == (0, 128, 16)


@pytest.mark.parametrize("size", [32, 50], ids=["whole bytes", "a part of a byte"])
def test_where_the_surroundings_are_kept_a_mask_says_where_the_lesion_is(size):
    labels = MIDDLE + 2 * box((2, 5), (5, 10), (5, 10))
    black = draw(labels, size=size)
    kept = draw(labels, size=size, surroundings="kept", neighbours=1)
    assert "masks" not in black
    _, masks = read_slices(kept, np.arange(6))
    np.testing.assert_array_equal(masks[:, 1], black["images"] > 0)
    nothing = draw(np.zeros(SHAPE, np.uint16), size=size, surroundings="kept")
    assert nothing["masks"].shape == (0, size, -(-size // 8))


@pytest.mark.parametrize("surroundings", ["black", "kept"])
def test_neighbours_are_the_slices_below_and_above_as_channels(surroundings):
    alone = draw(surroundings=surroundings)
    out = draw(surroundings=surroundings, neighbours=2)
    assert out["images"].shape == (3, 5, 128, 128)
    assert out["z"].tolist() == alone["z"].tolist() == [3, 4, 5]
    for place, z in enumerate([3, 4, 5]):
        for channel, step in enumerate([-2, -1, 0, 1, 2]):
            picture = out["images"][place, channel]
            if z + step in (3, 4, 5):
                np.testing.assert_array_equal(picture, alone["images"][z + step - 3])
            else:
                assert picture.any() == (surroundings == "kept")


def test_beyond_the_ends_of_the_ct_neighbours_are_black():
    out = draw(box((0, 1), (20, 36), (30, 46)), surroundings="kept", neighbours=1)
    assert [bool(picture.any()) for picture in out["images"][0]] == [False, True, True]


def test_a_lesion_of_one_slice_has_one_image_whatever_the_options(tmp_path):
    labels = box((4, 5), (20, 36), (30, 46))
    for options in ({}, {"neighbours": 2}, {"surroundings": "kept", "side_mm": 30}):
        out = draw(labels, max_per_lesion=3, size=32, **options)
        assert len(out["images"]) == 1
        save_slices(out, tmp_path / "P1.npz")
        np.testing.assert_array_equal(load_slices(tmp_path / "P1.npz")["images"], out["images"])


@pytest.mark.parametrize("size", [32, 512], ids=["the smallest", "the largest"])
def test_every_size_from_32_to_512_is_drawn(size):
    assert draw(size=size)["images"].shape == (3, size, size)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"margin_mm": 2, "side_mm": 30}, "exclude each other"),
        ({"margin_mm": -1}, "slices.margin_mm is -1"),
        ({"side_mm": 0}, "slices.side_mm is 0"),
        ({"surroundings": "grey"}, "slices.surroundings is 'grey'. Use black or kept"),
        ({"neighbours": -1}, "slices.neighbours is -1"),
        ({"size": 513}, "slices.size is 513. Use 32 .* to 512 pixels"),
    ],
    ids=["margin and side", "margin", "side", "surroundings", "neighbours", "size"],
)
def test_options_that_cannot_be_are_refused_by_their_key(options, message):
    with pytest.raises(BadInput, match=message):
        draw(**options)


def test_margin_and_side_are_refused_before_anything_runs():
    with pytest.raises(BadInput, match=r"`slices.margin_mm` and `slices.side_mm` exclude"):
        load_config({"slices": {"margin_mm": 2, "side_mm": 30}})


def stacks():
    """Eight patients with images of three slices; only the upper neighbour tells the class."""
    slices, labels = {}, {}
    for k in range(8):
        images = np.random.default_rng(k).integers(100, 140, (6, 3, 32, 32))
        images[:, 2] += 80 * (k % 2)
        lesion = np.repeat([1, 2, 3], 2)
        slices[f"P{k}"] = {"images": images.astype(np.uint8), "lesion": lesion}
        labels[f"P{k}"] = "ab"[k % 2]
    return slices, labels


def test_a_network_learns_from_neighbours_and_is_rebuilt_from_its_weights(tiny):
    slices, labels = stacks()
    roles = dict.fromkeys(labels, "train") | dict.fromkeys(["P6", "P7"], "test")
    settings = QUICK | {"epochs": 8, "learning_rate": 0.2}
    state, _ = train_split(slices, labels, roles, AB, settings, Run())
    table = predict_split(state, slices, labels, ["P6", "P7"], AB, Run())
    scores = table.groupby("label")["score"]
    assert scores.max()["a"] < 0.3
    assert scores.min()["b"] > 0.7
    rebuilt = network_of(state, 2)
    assert as_bytes(rebuilt.state_dict()) == as_bytes(state)
    assert trained_network(state, 2, Run().device).densenet[0].in_channels == 3
    of_slices = score_slices(state, {"P6": slices["P6"]}, labels, AB, Run())
    means = of_slices.groupby("lesion")["score"].mean()
    np.testing.assert_allclose(means, table.loc[table["patient"] == "P6", "score"], rtol=1e-6)


def test_densenet_121_takes_a_channel_for_each_slice():
    network = LesionNet(channels=5)
    images = torch.zeros(2, 5, 32, 32, dtype=torch.uint8)
    assert network.densenet.features.conv0.weight.shape == (64, 5, 7, 7)
    assert network.eval()(network.prepare(images)).shape == (2,)
