"""Pretrained weights: torchvision's, MONAI's and our own names, and files that are refused."""

import re
from pathlib import Path

import pytest
import torch
from helpers.lesion_textures import as_bytes, cohort
from livermets.core.errors import BadInput
from livermets.core.io import hash_file
from livermets.deep_learning.densenet import Run, train_split
from livermets.deep_learning.network import LesionNet, save_model
from livermets.deep_learning.pretrained_weights import load_pretrained
from livermets.predictions.task import Task
from monai.networks.nets import densenet as monai_densenet
from safetensors.torch import save_file

AB = Task(["a", "b"], "b")


def network(seed, channels=1, outputs=1):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = monai_densenet.DenseNet121(2, channels, outputs)
        for part in made.modules():
            if isinstance(part, torch.nn.BatchNorm2d):  # as after a training
                part.running_mean.normal_()
                part.running_var.uniform_(0.5, 2)
    return made.eval()


@pytest.fixture(scope="module")
def imagenet():
    """A network for colours with 1000 classes, in the place of torchvision's."""
    return network(seed=1, channels=3, outputs=1000)


def torchvision_names(state, old):
    """Names in torchvision's files: before 2019 `norm.1`, today `norm1`; no `layers` anywhere."""
    names = {}
    for name, tensor in state.items():
        name = name.replace(".layers.", ".").replace("class_layers.out", "classifier")
        if old:
            if "num_batches_tracked" in name:
                continue
            name = re.sub(r"(denselayer\d+\.(?:norm|conv))([12])", r"\1.\2", name)
        names[name] = tensor
    return names


def write(state, path: Path) -> Path:
    if path.suffix == ".safetensors":
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, path)
    else:
        torch.save(state, path)
    return path


def load(path, into, sha256=None):
    load_pretrained(into, path, sha256 or hash_file(path))
    return into


@pytest.mark.parametrize(
    ("ending", "rename"),
    [
        (".pth", lambda state: torchvision_names(state, old=True)),
        (".pth", lambda state: torchvision_names(state, old=False)),
        (".safetensors", lambda state: torchvision_names(state, old=False)),
        (".pt", dict),
        (".pt", lambda state: {"state_dict": {f"module.{key}": v for key, v in state.items()}}),
    ],
    ids=["torchvision, old", "torchvision", "torchvision, safetensors", "MONAI", "wrapped"],
)
def test_a_grey_image_gives_the_features_of_three_equal_colours(tmp_path, imagenet, ending, rename):
    path = write(rename(imagenet.state_dict()), tmp_path / f"weights{ending}")
    ours = load(path, network(seed=2)).eval()
    grey = torch.randn(2, 1, 64, 64, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        expected = imagenet.features(grey.expand(-1, 3, -1, -1))
        torch.testing.assert_close(ours.features(grey), expected, rtol=1e-4, atol=1e-4)


def test_three_channels_get_what_monais_own_loader_gives_them(tmp_path, imagenet, monkeypatch):
    state = torchvision_names(imagenet.state_dict(), old=True)
    ours = load(write(state, tmp_path / "densenet121.pth"), network(seed=2, channels=3))
    monkeypatch.setattr(monai_densenet, "load_state_dict_from_url", lambda *_, **__: dict(state))
    theirs = network(seed=2, channels=3)
    monai_densenet._load_state_dict(theirs, "densenet121", progress=False)
    assert as_bytes(ours.state_dict()) == as_bytes(theirs.state_dict())


def test_a_model_of_another_study_gives_all_but_its_last_layer(tmp_path):
    other = LesionNet(99.0, 9.0)
    save_model(other.state_dict(), {"arm": "densenet121"}, tmp_path / "model.pt")
    ours = network(seed=2)
    last = ours.class_layers.out.weight.clone()
    load(tmp_path / "model.pt", ours)
    assert as_bytes(ours.features.state_dict()) == as_bytes(other.densenet.features.state_dict())
    assert torch.equal(ours.class_layers.out.weight, last)


def test_a_training_starts_from_the_file_and_keeps_its_own_standardisation(tmp_path, imagenet):
    path = write(imagenet.state_dict(), tmp_path / "weights.pt")
    slices, labels = cohort(patients=4)
    roles = dict.fromkeys(labels, "train")
    settings = {"epochs": 1, "batch_size": 8, "learning_rate": 1e-12, "weight_decay": 0}
    weights = {"path": str(path), "sha256": hash_file(path)}
    state, _ = train_split(slices, labels, roles, AB, settings | {"weights": weights}, Run())
    scratch, _ = train_split(slices, labels, roles, AB, settings, Run())
    expected = imagenet.features.conv0.weight.sum(1, keepdim=True)
    name = "densenet.features.conv0.weight"
    torch.testing.assert_close(state[name], expected, rtol=1e-5, atol=1e-7)
    assert not torch.allclose(scratch[name], expected)
    for own in ("mean", "deviation"):
        assert state[own] == scratch[own] > 1


def with_one_changed(change):
    def states(state):
        name = "features.denseblock4.denselayer16.layers.conv2.weight"
        return state | {name: change(state[name])}

    return states


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: {k: v for k, v in state.items() if "denseblock4" not in k}, "are missing"),
        (lambda _: {"other.weight": torch.ones(3)}, r"not a DenseNet-121: 604 of 604 weights"),
        (with_one_changed(lambda part: part[..., None]), r"shape \(32, 128, 3, 3, 1\)"),
        (with_one_changed(lambda part: part / 0), "is not finite"),
    ],
    ids=["a smaller network", "another network", "in three dimensions", "diverged"],
)
def test_a_file_of_another_network_is_refused_by_what_differs(tmp_path, imagenet, change, message):
    path = write(change(imagenet.state_dict()), tmp_path / "weights.pt")
    with pytest.raises(BadInput, match=message):
        load(path, network(seed=2))


class Code:
    """Something whose unpickling would run code."""

    def __reduce__(self):
        return Path.touch, (Path("ran"),)


def test_a_file_with_code_is_refused_and_its_code_is_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": Code()}, "weights.pt")
    with pytest.raises(BadInput, match=r"holds more than weights .*Save the network's state_dict"):
        load(Path("weights.pt"), network(seed=2))
    assert not Path("ran").exists()


@pytest.mark.parametrize("ending", [".pt", ".safetensors"])
def test_a_damaged_file_is_refused_by_its_path(tmp_path, ending):
    path = tmp_path / f"weights{ending}"
    path.write_bytes(b"not weights")
    with pytest.raises(BadInput, match=rf"weights{ending} cannot be read"):
        load(path, network(seed=2))


def test_a_file_with_another_hash_and_a_missing_file_are_refused(tmp_path):
    path = tmp_path / "weights.pt"
    with pytest.raises(BadInput, match="does not exist. Correct `path`"):
        load(path, network(seed=2), "0" * 64)
    path.write_bytes(b"changed")
    with pytest.raises(BadInput, match=f"has the sha256 {hash_file(path)}.*names {'0' * 64}"):
        load(path, network(seed=2), "0" * 64)
