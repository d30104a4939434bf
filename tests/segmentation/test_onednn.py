"""Convolutions by oneDNN: PyTorch's own numbers, without its slow way for small patches."""

import copy

import pytest
import torch
from helpers.nnunet_models import CPU, random_model
from livermets.segmentation.nnunet_model import load_model
from livermets.segmentation.onednn import OneDnnConv3d, use_onednn

needs_onednn = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(), reason="this PyTorch was built without oneDNN"
)


@needs_onednn
def test_no_convolution_of_a_small_patch_takes_pytorchs_slow_way(tmp_path):
    random_model(tmp_path, {"background": 0, "liver": 1, "lesion": 2})
    network = load_model(tmp_path, [0], "checkpoint_final.pth", CPU).networks[0]
    plain = copy.deepcopy(network)
    for module in plain.modules():
        if isinstance(module, OneDnnConv3d):
            module.__class__ = torch.nn.Conv3d
    patch = torch.randn(1, 1, 8, 16, 16, generator=torch.Generator().manual_seed(0))
    called = {}
    for name, each in (("ours", network), ("plain", plain)):
        with torch.inference_mode(), torch.profiler.profile() as profiler:
            output = each(patch)
        called[name] = output, {event.key for event in profiler.key_averages()}
    assert "aten::slow_conv3d_forward" in called["plain"][1]
    assert "aten::slow_conv3d_forward" not in called["ours"][1]
    torch.testing.assert_close(called["ours"][0], called["plain"][0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    "settings",
    [{}, {"stride": (1, 2, 2)}, {"padding": (0, 1, 1)}, {"dilation": 2}, {"groups": 2},
     {"bias": False}, {"padding": "same"}, {"padding": 1, "padding_mode": "replicate"}],
    ids=["plain", "stride", "padding", "dilation", "groups", "no bias", "same", "replicate"],
)  # fmt: skip
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["single", "double"])
def test_every_convolution_gives_pytorchs_own_numbers(settings, dtype):
    torch.manual_seed(0)
    plain = torch.nn.Conv3d(2, 4, 3, **settings).to(dtype)
    x = torch.randn(1, 2, 6, 9, 8, dtype=dtype)
    with torch.inference_mode():
        ours, theirs = use_onednn(copy.deepcopy(plain))(x), plain(x)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_without_onednn_the_layers_stay_pytorchs_own(monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    network = use_onednn(torch.nn.Sequential(torch.nn.Conv3d(1, 1, 3)))
    assert type(network[0]) is torch.nn.Conv3d
