"""Our run of an nnU-Net model against nnU-Net's own predictor and resampling."""

import json
import subprocess
import sys

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from helpers.nnunet_models import CPU, ORDINARY, peer, random_model
from helpers.segmentation import DEMO_MODEL, ROOT, demo_phantom, dice
from livermets.core.errors import BadInput
from livermets.segmentation.body_mask import body_mask
from livermets.segmentation.model_archive import hash_model, model_folder
from livermets.segmentation.nnunet_environment import nnunet_environment
from livermets.segmentation.nnunet_model import load_model
from livermets.segmentation.nnunet_prediction import predict, predict_array
from livermets.segmentation.sliding_window import SlidingWindowInferer
from livermets.segmentation.volume_resampling import resample, resampling_function

# --- resampling --------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [0, 1, 3])
@pytest.mark.parametrize(
    ("spacing", "new"),
    [((1.5, 1.2, 1.4), (3.0, 2.0, 2.0)), ((5.0, 0.8, 0.8), (2.0, 1.5, 1.5)),
     ((1.0, 1.0, 1.0), (1.0, 6.0, 1.5)), ((5.0, 0.8, 0.8), (5.0, 1.5, 1.5)),
     ((5.0, 5.0, 0.8), (5.0, 5.0, 1.5))],
    ids=["alike", "thick slices", "thick columns", "thick slices kept", "two coarse axes"],
)  # fmt: skip
def test_resampling_equals_nnunets_own_and_a_window_is_its_part(order, spacing, new):
    from nnunetv2.preprocessing.resampling.default_resampling import (
        compute_new_shape,
        resample_data_or_seg_to_shape,
    )

    volume = np.random.default_rng(1).normal(size=(11, 26, 23)).astype(np.float32)
    shape = compute_new_shape(volume.shape, spacing, new)
    settings = {**ORDINARY, "order": order}
    theirs = resample_data_or_seg_to_shape(volume[None], shape, spacing, new, **settings)[0]
    ours = resampling_function("resample_data_or_seg_to_shape", settings)(
        volume, shape, spacing, new
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-5)
    window = tuple(slice(n // 4, n - 1) for n in shape)
    del settings["is_seg"]
    part = resample(volume, shape, spacing, new, window, **settings)
    np.testing.assert_allclose(part, theirs[window], atol=1e-5)


def test_another_resampling_of_nnunets_is_called_as_the_plan_says():
    volume = np.random.default_rng(1).normal(size=(8, 12, 12)).astype(np.float32)
    theirs = resampling_function("no_resampling_hack", {})
    window = (slice(1, 5), slice(None), slice(2, 7))
    assert np.array_equal(theirs(volume, (9, 9, 9), [1] * 3, [2] * 3, window), volume[window])


# --- small models with random weights ----------------------------------------------------------

LABELS = {"background": 0, "liver": 1, "lesion": 2}
REGIONS = {"background": 0, "liver": [1, 2], "lesion": [2]}


@pytest.mark.parametrize(
    "model",
    [{"labels": LABELS}, {"labels": LABELS, "dims": 2}, {"labels": REGIONS},
     {"labels": LABELS, "transpose": (1, 0, 2)}, {"labels": LABELS, "folds": (0, 1)},
     {"labels": LABELS, "mirror": None}, {"labels": {**LABELS, "ignore": 3}, "folds": ()}],
    ids=["plain", "two-dimensional", "regions", "transposed", "two folds", "unmirrored", "ignore"],
)  # fmt: skip
def test_labels_are_those_of_nnunets_predictor(model, tmp_path):
    folds = model.get("folds", (0,))
    if not folds:  # an ignored label has no output of its own
        random_model(tmp_path, LABELS)
        dataset = json.loads((tmp_path / "dataset.json").read_text())
        (tmp_path / "dataset.json").write_text(json.dumps({**dataset, "labels": model["labels"]}))
        folds = (0,)
    else:
        random_model(tmp_path, **model)
    # tissue everywhere: nothing to crop, nothing to skip
    hu = np.random.default_rng(3).normal(60, 60, (12, 30, 26)).clip(-200, 300).astype(np.int16)
    spacing = (5.0, 1.5, 1.6)
    image = sitk.GetImageFromArray(hu)
    image.SetSpacing(spacing[::-1])
    theirs = peer(tmp_path, hu, spacing, folds=folds)
    with nnunet_environment():
        ours = predict(load_model(tmp_path, folds, "checkpoint_final.pth", CPU), image).labels
    assert len(np.unique(theirs)) > 1
    # float16 sums are rounded once more in nnU-Net's; only ties may differ
    assert (ours != theirs).mean() < 2e-3


@pytest.mark.parametrize(
    ("labels", "channel"), [(LABELS, 2), (REGIONS, 1)], ids=["labels", "regions"]
)
def test_the_probability_of_lesions_is_nnunets_own(labels, channel, tmp_path):
    folds = [3]  # this seed gives many voxels of lesion
    random_model(tmp_path, labels, folds=folds)
    hu = np.random.default_rng(3).normal(60, 60, (12, 30, 26)).clip(-200, 300).astype(np.int16)
    spacing = (5.0, 1.5, 1.6)
    _, theirs = peer(tmp_path, hu, spacing, folds=folds, probabilities=True)
    with nnunet_environment():
        model = load_model(tmp_path, folds, "checkpoint_final.pth", CPU)
    found, probability = predict_array(model, hu, spacing, [2])
    assert (found == 2).sum() > 100
    assert np.abs(probability - theirs[channel])[found == 2].max() < 0.01  # logits of float16
    assert predict_array(model, hu, spacing).lesion_probability is None


@pytest.mark.parametrize(
    ("change", "problem"),
    [({"previous_stage": "3d_lowres"}, "cascade"), ({"use_mask_for_norm": [True]}, "within a mask"),
     ({"preprocessor_name": "Own"}, "preprocessing of its own")],
    ids=["cascade", "mask for the normalisation", "own preprocessing"],
)  # fmt: skip
def test_a_model_that_needs_more_than_a_ct_is_refused(tmp_path, change, problem):
    random_model(tmp_path, LABELS, **change)
    with pytest.raises(BadInput, match=f"model net .*{problem}.*works on a CT alone"):
        load_model(tmp_path, [0], "checkpoint_final.pth", CPU, name="net")


# --- less work ---------------------------------------------------------------------------------


class Counting(torch.nn.Module):
    """Finds `foreground` where the input is above 1; counts its looks."""

    def __init__(self, foreground=20.0):
        super().__init__()
        self.looks, self.foreground = 0, foreground

    def forward(self, x):
        self.looks += 1
        return torch.cat([torch.zeros_like(x), self.foreground * (x > 1) - 10.0], 1)


def test_patches_of_air_are_not_looked_at_and_plain_ones_not_flipped():
    data = np.zeros((8, 64, 16), np.float32)
    data[:, 40:44, 4:8] = 2
    inside = np.zeros(data.shape, bool)
    inside[:, 32:] = True
    network = Counting()
    inferer = SlidingWindowInferer((8, 16, 16), 2, step_size=1, mirror_axes=(1, 2))
    logits = inferer.predict_logits([network], data, inside)
    assert logits.shape == (2, *data.shape)
    assert np.array_equal(logits[1] > logits[0], data > 1)
    assert network.looks == 2 + 3  # of four patches two lie inside; one of them has anything in it


def test_a_patch_in_which_a_network_of_v1_sees_nothing_is_not_flipped_either():
    class Probable(Counting):
        def forward(self, x):
            return torch.softmax(super().forward(x), 1)

    data = np.zeros((8, 32, 16), np.float32)
    data[:, 20:24, 4:8] = 2
    network = Probable()
    settings = {"step_size": 1, "mirror_axes": (1, 2), "probabilities": True}
    inferer = SlidingWindowInferer((8, 16, 16), 2, **settings)
    found = inferer.predict_logits([network], data, np.ones(data.shape, bool))
    assert np.array_equal(found[1] > found[0], data > 1)
    assert network.looks == 2 + 3  # of two patches one has anything in it


def test_a_volume_smaller_than_the_patch_keeps_its_size():
    data = np.full((5, 9, 20), 2, np.float32)
    logits = SlidingWindowInferer((8, 16, 16), 2).predict_logits([Counting()], data, data > 0)
    assert logits.shape == (2, 5, 9, 20)
    assert (logits[1] > 9).all()


def test_outputs_beyond_half_precision_are_an_error_and_no_mask():
    data = np.full((8, 16, 16), 2, np.float32)
    with pytest.raises(FloatingPointError):
        SlidingWindowInferer((8, 16, 16), 2).predict_logits([Counting(1e6)], data, data > 0)


def test_the_body_is_the_patient_without_the_table():
    hu = np.full((20, 100, 120), -1000, np.int16)
    hu[:, 20:60, 30:80] = 40
    hu[:, 30:50, 40:50] = -800  # lung
    hu[:, 90:92, 10:110] = 100  # table
    assert np.array_equal(body_mask(hu), np.isin(hu, [40]))
    assert body_mask(np.full((4, 4, 4), -1000)).all()
    large = np.repeat(np.repeat(hu, 4, 1), 4, 2)  # found on every third voxel
    assert (body_mask(large) != (large == 40)).mean() < 0.01


def test_the_edges_of_zeros_that_nnunet_cuts_off_are_cut_off(tmp_path):
    random_model(tmp_path, LABELS)
    hu = np.random.default_rng(3).integers(-200, 300, (12, 30, 26)).astype(np.int16)
    padded = np.pad(hu, [(0, 3), (7, 0), (5, 6)])
    spacing = (5.0, 1.5, 1.6)
    with nnunet_environment():
        model = load_model(tmp_path, [0], "checkpoint_final.pth", CPU)
    ours = predict_array(model, padded, spacing).labels
    assert (ours != peer(tmp_path, padded, spacing)).mean() < 2e-3
    assert ours[:-3, 7:, 5:-6].any()
    assert not ours[:, :7].any()
    assert not predict_array(model, np.zeros_like(hu), spacing).labels.any()


@pytest.mark.training
def test_labels_of_a_patient_in_air_on_a_table_are_nnunets_own(tmp_path):
    """Patches of air are passed over, with the shipped model, and that changes nothing."""
    ct, truth = demo_phantom()
    hu = np.pad(sitk.GetArrayFromImage(ct), [(0, 0), (64, 0), (0, 40)], constant_values=-1000)
    hu[:, 4:6] = 60
    folder = model_folder(DEMO_MODEL, hash_model(DEMO_MODEL), tmp_path)
    model = load_model(folder, [0], "checkpoint_final.pth", CPU)
    looks = []
    model.networks[0].register_forward_hook(lambda *_: looks.append(1))
    ours = predict_array(model, hu, ct.GetSpacing()[::-1]).labels
    theirs = peer(folder, hu, ct.GetSpacing()[::-1])
    assert len(looks) < 20  # of 5 times 4 patches
    tissue = body_mask(hu)  # this model takes air for liver
    for label in (1, 2):
        assert (theirs == label).sum() > 1000
        assert dice((ours == label) & tissue, (theirs == label) & tissue) > 0.999


def test_a_model_is_loaded_without_the_packages_that_only_nnunets_predictor_needs(tmp_path):
    random_model(tmp_path, LABELS)
    heavy = ("pandas", "nibabel", "blosc2", "sympy", "skimage")
    script = f"""
import sys, pathlib, torch
from livermets.segmentation.nnunet_model import load_model
load_model(pathlib.Path({str(tmp_path)!r}), [0], "checkpoint_final.pth", torch.device("cpu"))
print([name for name in {heavy} if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT / "workflow", capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]", done.stderr
