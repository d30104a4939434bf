"""Grad-CAM: it finds a planted cue, has enough cells, and its shares add up."""

import numpy as np
import pytest
import torch
from helpers.planted_networks import bright_spot_state, disc, spotted
from livermets.core.errors import BadInput
from livermets.deep_learning.densenet import Run
from livermets.deep_learning.network import LesionNet
from livermets.explanation.examples import draw_examples
from livermets.explanation.grad_cam import grad_cam, map_layer, region_shares
from livermets.explanation.network_study import look_at_lesions
from livermets.predictions.task import Task

AB = Task(["a", "b"], "b")
SETTINGS = {"rim_share": 0.5, "examples": 2}


def look(where, **changes):
    slices, labels = spotted(where, **changes)
    return look_at_lesions(
        bright_spot_state(), slices, labels, AB, Run("cv1-fold1", seed=3), SETTINGS
    )


@pytest.mark.parametrize("where", ["rim", "inside"])
def test_the_map_lies_where_the_cue_was_planted(bright_spots, where):
    maps = look(where).maps
    of_b = maps[maps["label"] == "b"]
    assert (of_b["called"] == "b").all()
    assert (of_b[f"map_{where}"] > 0.7).all()
    assert (of_b[f"map_{where}"] > 1.5 * of_b[f"area_{where}"]).all()
    np.testing.assert_allclose(of_b[["map_inside", "map_rim", "map_outside"]].sum(axis=1), 1)
    np.testing.assert_allclose(maps[["area_inside", "area_rim", "area_outside"]].sum(axis=1), 1)


def test_a_bright_corner_of_the_border_is_where_the_map_is_highest(bright_spots):
    found = look("rim")
    row = found.maps[(found.maps["label"] == "b") & (found.maps["example"] >= 0)].iloc[0]
    y, x = np.unravel_index(found.examples["maps"][row["example"]].argmax(), (64, 64))
    assert y < 32 and x < 32
    assert 19 < np.hypot(y - 31.5, x - 31.5) < 28


def test_the_map_of_a_class_is_what_speaks_for_it(bright_spots):
    network = LesionNet(120, 20, 2)
    network.load_state_dict(bright_spot_state())
    images = spotted("inside")[0]["P1"]["images"][:2]
    prepared = network.eval().prepare(torch.from_numpy(images))
    for_a, for_b = grad_cam(network, prepared, np.array([0, 1]))
    assert for_b.max() > 0
    assert for_a.max() == 0  # a bright spot speaks for b alone


def test_grad_cam_is_the_mean_gradient_times_the_activation():
    network = LesionNet(120, 20, 3).eval()
    prepared = network.prepare(torch.from_numpy(spotted("rim")[0]["P1"]["images"][:1]))
    layer = network.get_submodule(map_layer(network, 64))
    kept = []
    handle = layer.register_forward_hook(lambda module, given, out: kept.append(out))
    logits = network(prepared)
    handle.remove()
    (gradient,) = torch.autograd.grad(logits[0, 2], kept[0])
    by_hand = torch.relu((gradient.mean((2, 3), keepdim=True) * kept[0]).sum(1, keepdim=True))
    by_hand = torch.nn.functional.interpolate(by_hand, (64, 64), mode="bilinear")
    found = grad_cam(network, prepared, np.array([2]))
    np.testing.assert_allclose(found[0], by_hand[0, 0].detach(), rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize(
    ("size", "block", "cells"),
    [(224, 4, 7), (128, 3, 8), (64, 2, 8), (32, 1, 8)],
    ids=["as in the paper", "128 pixels", "64 pixels", "smallest"],
)
def test_the_map_has_seven_cells_along_a_side_or_more(size, block, cells):
    network = LesionNet().eval()
    name = map_layer(network, size)
    assert name == f"densenet.features.denseblock{block}"
    shapes = []
    network.get_submodule(name).register_forward_hook(lambda m, i, out: shapes.append(out.shape))
    with torch.inference_mode():
        network(torch.zeros(1, 1, size, size))
    assert shapes[0][-2:] == (cells, cells)


def test_a_map_without_a_positive_value_has_no_shares():
    shares = region_shares(np.zeros((64, 64)), disc(), 0.5)
    assert np.isnan([shares["map_inside"], shares["map_rim"], shares["map_outside"]]).all()
    assert shares["area_outside"] == pytest.approx(1 - disc().mean())


def test_an_even_map_is_shared_as_the_area_is():
    shares = region_shares(np.ones((64, 64)), disc(), 0.5)
    for name in ("inside", "rim", "outside"):
        assert shares[f"map_{name}"] == pytest.approx(shares[f"area_{name}"])


def test_a_split_without_a_lesion_is_refused_by_its_name(bright_spots):
    slices, labels = spotted("rim", patients=2)
    empty = {patient: {name: part[:0] for name, part in arrays.items()}
             for patient, arrays in slices.items()}  # fmt: skip
    with pytest.raises(BadInput, match="cv1-fold1: none of its test patients has a lesion slice"):
        look_at_lesions(bright_spot_state(), empty, labels, AB, Run("cv1-fold1"), SETTINGS)


def test_examples_are_of_each_class_right_and_wrong_and_one_of_each_patient(bright_spots):
    slices, labels = spotted("rim", patients=12)
    labels |= {"P0": "b", "P1": "a", "P3": "a"}  # a network that errs on these
    found = look_at_lesions(
        bright_spot_state(), slices, labels, AB, Run("cv1-fold1", seed=3), SETTINGS
    )
    drawn = draw_examples(found.maps, ["a", "b"], 2, seed=1)
    calls = drawn[["label", "called"]].agg("".join, axis=1).tolist()
    assert calls == ["aa", "aa", "ab", "ab", "bb", "bb", "ba"]
    assert not drawn.duplicated("patient").any()
    assert len(found.examples["maps"]) == (found.maps["example"] >= 0).sum()
    number = drawn["example"].iloc[0]
    lesion = slices[drawn["patient"].iloc[0]]["images"][drawn["slice"].iloc[0]]
    np.testing.assert_array_equal(found.examples["images"][number], lesion)
