"""Networks by OpenVINO: PyTorch's numbers on a CPU, and PyTorch itself where OpenVINO cannot."""

import copy
import subprocess
import sys

import numpy as np
import pytest
import torch
from helpers.nnunet_models import CPU, random_model
from livermets.segmentation.leuven_network import LESIONS, LeuvenUNet
from livermets.segmentation.nnunet_model import load_model
from livermets.segmentation.openvino_network import OpenVinoNetwork, fast_network


@pytest.fixture
def network(tmp_path) -> OpenVinoNetwork:
    """The network of an nnU-Net model with random weights."""
    random_model(tmp_path, {"background": 0, "liver": 1, "lesion": 2})
    return load_model(tmp_path, [0], "checkpoint_final.pth", CPU).networks[0]


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def test_an_nnunet_gives_pytorchs_numbers_for_every_shape_of_input(network):
    plain = copy.deepcopy(network.network)
    for shape in ((1, 1, 8, 16, 16), (2, 1, 8, 16, 16), (1, 1, 16, 16, 32)):
        with torch.inference_mode():
            torch.testing.assert_close(
                network(noise(*shape)), plain(noise(*shape)), atol=1e-4, rtol=0
            )
    assert len(network.compiled) == 3 and all(network.compiled.values())


def test_outputs_are_the_same_bytes_in_every_run_and_of_their_own(network):
    x = noise(1, 1, 8, 16, 16)
    first = network(x).clone()
    network(-x)
    assert torch.equal(network(x), first)
    assert torch.equal(fast_network(network.network, CPU)(x), first)


def test_a_network_of_leuven_gives_pytorchs_probabilities():
    torch.manual_seed(0)
    plain = LeuvenUNet(LESIONS)
    x = noise(1, 1, *LESIONS.input_size)[..., :92, :92, :62]
    with torch.inference_mode():
        ours, theirs = fast_network(plain, CPU)(x), plain(x)
    assert ours.shape == theirs.shape
    assert np.abs(ours.numpy() - theirs.numpy()).max() < 0.005


def test_an_operation_that_openvino_does_not_know_is_left_to_pytorch_with_a_warning(caplog):
    class Unknown(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.special.bessel_j0(x)

    x = noise(1, 1, 4, 4, 4)
    assert torch.equal(fast_network(Unknown(), CPU)(x), torch.special.bessel_j0(x))
    assert "OpenVINO cannot compute this network" in caplog.text


def test_nothing_is_reported_to_the_makers_of_openvino(tmp_path):
    """A package of that name would be imported, were it not shut out."""
    (tmp_path / "openvino_telemetry").mkdir()
    (tmp_path / "openvino_telemetry/__init__.py").write_text("raise SystemExit('it was imported')")
    code = (
        "import torch; from livermets.segmentation.openvino_network import fast_network;"
        "print(fast_network(torch.nn.ReLU(), torch.device('cpu'))(torch.ones(1, 1)).item())"
    )
    path = f"{tmp_path}:{':'.join(entry for entry in sys.path if entry)}"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": path}, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "1.0\n"), done.stderr
