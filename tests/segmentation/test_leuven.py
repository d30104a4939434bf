"""The networks of KU Leuven: sizes, plain arithmetic, weights that are theirs, and whole CTs."""

import io
import zipfile

import h5py
import numpy as np
import pytest
import SimpleITK as sitk
import torch
from helpers.nnunet_models import random_model
from livermets.core.errors import BadInput
from livermets.masks.labels import Label
from livermets.segmentation import leuven_model
from livermets.segmentation.inference import segment
from livermets.segmentation.leuven_model import LeuvenModel, load_leuven_model
from livermets.segmentation.leuven_network import (
    LESIONS,
    LIVER,
    ConvolutionPair,
    LeuvenUNet,
    middle,
    normalise,
)
from livermets.segmentation.leuven_tiles import (
    predict_by_tiles,
    predict_by_windows,
    tile_starts,
    window_starts,
)
from livermets.segmentation.leuven_weights import load_weights
from livermets.segmentation.model_archive import hash_model
from livermets.segmentation.model_chain import load_chain
from scipy import ndimage

CPU = torch.device("cpu")


@pytest.mark.parametrize("architecture", [LIVER, LESIONS], ids=["liver", "lesions"])
def test_a_segment_of_the_stated_size_gives_an_output_of_the_stated_size(architecture):
    with torch.device("meta"):  # sizes alone, nothing is computed
        network = LeuvenUNet(architecture)
        output = network(torch.empty(1, 1, *architecture.input_size))
    assert output.shape == (1, 1, *architecture.output_size)


def test_the_number_of_weights_is_that_of_the_published_files():
    counts = {}
    for name, architecture in (("liver", LIVER), ("lesions", LESIONS)):
        network = LeuvenUNet(architecture)
        convolutions = list(network.convolutions_as_keras_counts())
        counts[name] = len(convolutions), sum(map(torch.numel, network.parameters()))
    assert counts == {"liver": (15, 3_874_961), "lesions": (21, 3_464_221)}


def test_normalisation_is_over_each_channel_of_the_segment():
    x = np.random.default_rng(0).normal(3, 2, (1, 2, 4, 5, 6)).astype(np.float32)
    z = (x - x.mean((2, 3, 4), keepdims=True)) / (x.std((2, 3, 4), keepdims=True) + 1e-7)
    expected = np.where(z > 0, z, 0.01 * z)
    assert normalise(torch.from_numpy(x)).numpy() == pytest.approx(expected, abs=1e-5)


def test_normalisation_of_a_large_segment_is_as_exact_as_in_double_precision():
    x = torch.randn(1, 4, 90, 80, 60, generator=torch.Generator().manual_seed(0)) + 30
    x = x.contiguous(memory_format=torch.channels_last_3d)
    expected = normalise(x.double()).float()
    torch.testing.assert_close(normalise(x), expected, atol=1e-5, rtol=0)


def test_a_pair_of_convolutions_is_plain_correlation_with_a_shortcut():
    torch.manual_seed(0)
    pair = ConvolutionPair((1, 2, 1), ((3, 3, 1), (3, 3, 3)), LESIONS, first=True)
    x = torch.randn(1, 1, 7, 8, 9)
    first, second = pair.convolutions

    def convolved(values: np.ndarray, layer: torch.nn.Conv3d) -> np.ndarray:
        weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
        channels = [
            sum(
                ndimage.correlate(v, w, mode="constant")
                for v, w in zip(values, kernel, strict=True)
            )
            for kernel in weight
        ]
        border = [(n - 1) // 2 for n in weight.shape[2:]]
        inner = tuple(slice(b, n - b) for b, n in zip(border, values.shape[1:], strict=True))
        return np.stack([c[inner] for c in channels]) + bias[:, None, None, None]

    y = torch.from_numpy(convolved(x[0].numpy(), first))[None]
    expected = convolved(normalise(y)[0].numpy(), second) + middle(x, (3, 4, 7))[0].numpy()
    assert pair(x)[0].detach().numpy() == pytest.approx(expected, abs=1e-5)


def keras_file(network: LeuvenUNet) -> bytes:
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for number, layer in enumerate(network.convolutions_as_keras_counts(), start=1):
            group = file.create_group(f"conv3d_{number}/conv3d_{number}")
            group["kernel:0"] = layer.weight.detach().numpy().transpose(2, 3, 4, 1, 0)
            group["bias:0"] = layer.bias.detach().numpy()
    return content.getvalue()


@pytest.fixture(scope="module")
def liver_file() -> bytes:
    torch.manual_seed(1)
    return keras_file(LeuvenUNet(LIVER))


def test_weights_come_back_from_a_keras_file(liver_file):
    torch.manual_seed(1)
    expected = LeuvenUNet(LIVER).state_dict()
    loaded = load_weights(liver_file, LIVER, "model")
    assert not loaded.training
    assert all(torch.equal(value, expected[name]) for name, value in loaded.state_dict().items())


@pytest.mark.parametrize("kept", [0, 100, 1_000_000], ids=["empty", "header cut", "weights cut"])
def test_a_truncated_file_is_refused(liver_file, kept):
    with pytest.raises(BadInput, match="model m does not hold the expected network"):
        load_weights(liver_file[:kept], LIVER, "m")


def test_the_weights_of_another_network_are_refused(liver_file):
    with pytest.raises(BadInput, match="15 convolutions, not 21.*config/recipes/leuven.yaml"):
        load_weights(liver_file, LESIONS, "m")


def test_a_network_with_as_many_convolutions_of_other_sizes_is_refused(liver_file):
    content = io.BytesIO(liver_file)
    with h5py.File(content, "a") as file:
        group = file["conv3d_7/conv3d_7"]
        kernel = group["kernel:0"][()]
        del group["kernel:0"]
        group["kernel:0"] = kernel[..., :-1]
    with pytest.raises(BadInput, match="conv3d_7 has the shape"):
        load_weights(content.getvalue(), LIVER, "m")


def test_a_file_that_is_no_wheel_and_a_wheel_of_something_else_are_refused(tmp_path):
    (tmp_path / "broken.whl").write_bytes(b"no zip")
    with zipfile.ZipFile(tmp_path / "other.whl", "w") as wheel:
        wheel.writestr("other/model.hdf5", b"")
    for name in ("broken", "other"):
        with pytest.raises(BadInput, match="no wheel of pyliverlesionseg"):
            load_leuven_model(tmp_path / f"{name}.whl", ["liver"], CPU, name="m")


def test_a_wheel_with_another_hash_is_refused_before_it_is_opened(tmp_path):
    wheel = tmp_path / "model.whl"
    wheel.write_bytes(b"not even a zip")
    model = {"name": "m", "kind": "leuven", "path": wheel, "sha256": "0" * 64}
    with pytest.raises(BadInput, match="model.whl has the sha256 .* where the configuration names"):
        load_chain([{**model, "labels": {"liver": 1}}], "cpu")


class Bright(LeuvenUNet):
    """A stand-in of a network that marks what is brighter than a limit, without its weights."""

    def __init__(self, architecture, limit: float) -> None:
        torch.nn.Module.__init__(self)
        self.architecture, self.limit = architecture, limit

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (middle(x, self.architecture.output_size) > self.limit).float()


def liver_ct(direction: str = "LPS", size=(60, 50, 40)) -> tuple[sitk.Image, np.ndarray]:
    """A CT of 3 mm with a bright block (100 HU) that holds a dark lesion (30 HU), and its mask."""
    hu = np.full(size[::-1], -100, dtype=np.int16)
    truth = np.zeros(size[::-1], dtype=np.uint8)
    truth[10:30, 10:40, 15:45] = Label.LIVER
    truth[18:24, 20:28, 25:33] = Label.LESION
    hu[truth == Label.LIVER], hu[truth == Label.LESION] = 100, 30
    image = sitk.GetImageFromArray(hu)
    image.SetSpacing((3.0, 3.0, 3.0))
    mask = sitk.GetImageFromArray(truth)
    mask.CopyInformation(image)
    image, mask = sitk.DICOMOrient(image, direction), sitk.DICOMOrient(mask, direction)
    return image, sitk.GetArrayFromImage(mask)


class Dark(Bright):
    """A stand-in that marks what is darker than the liver and brighter than its surroundings."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = middle(x, self.architecture.output_size)
        return ((x < self.limit) & (x > 0)).float()


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * (a & b).sum() / (a.sum() + b.sum())


@pytest.mark.parametrize("direction", ["LPS", "RAS", "PIR"])
def test_the_mask_lies_where_the_liver_lies_however_the_ct_is_stored(direction):
    ct, truth = liver_ct(direction)
    networks = {"liver": Bright(LIVER, 0.0), "lesion": Dark(LESIONS, 0.15)}
    mask = LeuvenModel(networks, CPU).predict(ct, np.zeros_like(truth)).labels
    assert mask.shape == truth.shape
    assert overlap(mask > 0, truth > 0) > 0.9
    assert overlap(mask == Label.LESION, truth == Label.LESION) > 0.7


def test_lesions_are_looked_for_in_the_liver_of_an_earlier_model():
    ct, truth = liver_ct()
    model = LeuvenModel({"lesion": Dark(LESIONS, 0.15)}, CPU)
    mask = model.predict(ct, (truth > 0).astype(np.uint8)).labels
    assert set(np.unique(mask)) == {0, Label.LESION}
    assert overlap(mask == Label.LESION, truth == Label.LESION) > 0.7


def test_without_a_liver_the_mask_is_empty_and_no_lesion_is_looked_for(caplog):
    ct, truth = liver_ct()
    networks = {"liver": Bright(LIVER, 9.0), "lesion": Bright(LESIONS, -9.0)}
    assert not LeuvenModel(networks, CPU).predict(ct, np.zeros_like(truth)).labels.any()
    assert "no liver was found" in caplog.text


def test_a_higher_probability_leaves_fewer_lesions():
    ct, truth = liver_ct()

    class Half(Bright):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 0.6 * super().forward(x)

    networks = {"liver": Bright(LIVER, 0.0), "lesion": Half(LESIONS, -0.4)}
    labels, probability = LeuvenModel(networks, CPU).predict(ct, np.zeros_like(truth))
    assert probability[labels == Label.LESION].max() == pytest.approx(0.6)
    assert probability[labels == Label.LESION].min() >= 0.5
    lesions = [
        (
            LeuvenModel(networks, CPU, p).predict(ct, np.zeros_like(truth)).labels == Label.LESION
        ).sum()
        for p in (0.5, 0.7)
    ]
    assert lesions[0] > 0
    assert lesions[1] == 0


def test_a_ct_larger_than_a_segment_is_segmented_without_a_seam():
    size = (LIVER.output_size[0] + 60, LIVER.output_size[1] + 5, 40)
    volume = np.random.default_rng(0).normal(size=size).astype(np.float32)
    found = predict_by_windows(Bright(LIVER, 0.3), LIVER, volume, CPU)
    assert np.array_equal(found, volume > 0.3)


def test_only_tiles_with_liver_are_computed_and_they_are_those_of_the_whole_volume():
    class Counting(Bright):
        runs = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.runs += 1
            return super().forward(x)

    size = tuple(2 * n + 5 for n in LESIONS.output_size)
    volume = np.random.default_rng(0).normal(size=size).astype(np.float32)
    network = Counting(LESIONS, 0.3)
    whole = predict_by_tiles(network, LESIONS, volume, np.ones(size, bool), CPU)
    assert network.runs == 27 and np.array_equal(whole, volume > 0.3)
    liver = np.zeros(size, bool)
    liver[70:96, 20:60, 10:30] = True  # in two tiles
    network.runs = 0
    part = predict_by_tiles(network, LESIONS, volume, liver, CPU)
    assert network.runs == 2 and np.array_equal(part[liver], whole[liver])


def test_a_chain_mixes_the_liver_of_an_nnunet_with_the_lesions_of_leuven(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "m.whl", "w") as wheel:
        wheel.writestr("m/lesion_seg.hdf5", keras_file(LeuvenUNet(LESIONS)))
    monkeypatch.setattr(leuven_model, "fast_network", lambda *_: Bright(LESIONS, -9.0))
    organs = random_model(tmp_path / "organs", {"background": 0, "liver": 1})
    liver = {
        "name": "liver", "path": organs, "sha256": hash_model(organs), "labels": {"liver": 1},
    }  # fmt: skip
    leuven = {
        "name": "leuven", "kind": "leuven", "path": tmp_path / "m.whl",
        "sha256": hash_model(tmp_path / "m.whl"), "labels": {"lesion": 2},
    }  # fmt: skip
    hu = np.random.default_rng(3).normal(60, 60, (12, 30, 26)).clip(-200, 300).astype(np.int16)
    ct = sitk.GetImageFromArray(ndimage.gaussian_filter(hu, 2))
    ct.SetSpacing((2.0, 2.0, 4.0))
    chain = load_chain([liver, leuven], "cpu", mirroring=False, cache_dir=tmp_path)
    alone, both = (
        sitk.GetArrayFromImage(segment(ct, models).mask) for models in (chain[:1], chain)
    )
    assert (alone == Label.LIVER).any() and not (alone == Label.LESION).any()
    # this stand-in calls everything lesion that it is shown: the liver, and 6 mm around it
    assert (both[alone == Label.LIVER] == Label.LESION).all()
    assert (both == 0).any()


@pytest.mark.parametrize("voxels", [1, 41, 42, 43, 84, 200])
def test_tiles_cover_the_volume_side_by_side(voxels):
    starts = tile_starts(voxels, 42)
    covered = np.zeros(max(voxels, 42), dtype=int)
    for start in starts:
        covered[start : start + 42] += 1
    assert covered[:voxels].min() == 1
    assert len(starts) == -(-voxels // 42)


@pytest.mark.parametrize("voxels", [100, 136, 137, 250, 500])
def test_windows_overlap_by_half_where_one_is_too_small(voxels):
    starts = window_starts(voxels, 136)
    if voxels <= 136:
        assert len(starts) == 1
    else:
        assert starts[0] == 0
        assert starts[-1] + 136 == voxels
        assert np.diff(starts).max() <= 68
