"""Models of nnU-Net v1: labels equal to its own, and clear words for what is not supported."""

import os
import pickle
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from helpers.nnunet_v1 import INTENSITIES, PEER, demo_weights, v1_plans, write_v1_model
from helpers.refusals import refused
from helpers.segmentation import arrays, demo_phantom, dice, segment
from livermets.imaging.ct import import_ct
from livermets.segmentation import inference
from livermets.segmentation.model_archive import hash_model
from livermets.segmentation.model_chain import load_chain
from livermets.segmentation.nnunet_v1_model import load_v1_model
from livermets.segmentation.nnunet_v1_network import GenericUNet, UNetPlan
from livermets.study.config import load_config
from skimage.transform import resize

LABELS = {"liver": 1, "lesion": 2}
BOTH = {"for_which_classes": [[1, 2]], "min_valid_object_sizes": "None"}


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    return demo_weights(tmp_path_factory.mktemp("demo"))


@pytest.fixture
def model(weights, tmp_path):
    return write_v1_model(tmp_path / "model", small_plans(), weights)


def small_plans(**stage) -> dict:
    """The plans of a model whose patch is small, so that the tests are fast."""
    return v1_plans(**{"patch_size": [24, 32, 32], **stage})


def chained(folder, **keys) -> dict:
    """A model with every key that the configuration fills in, as a study passes it."""
    given = {"name": "msd", "path": str(folder), "sha256": hash_model(folder), "labels": LABELS}
    config = load_config({"segmentation": {"models": [{**given, **keys}]}})
    return config["segmentation"]["models"][0]


def masked(ct, folder, mirroring=False, **keys) -> sitk.Image:
    cache = Path(folder).parent / "cache"
    return segment(ct, [chained(folder, **keys)], "cpu", mirroring, cache_dir=cache, threads=1)


def small(image) -> sitk.Image:
    """A part of a phantom that fits into one patch: liver with two lesions."""
    return image[24:56, 32:64, 12:36]


def test_a_model_of_v1_finds_the_liver_and_lesions_of_a_phantom(tmp_path, weights):
    model = write_v1_model(tmp_path / "model", v1_plans(), weights)
    ct, truth = (image[12:84, 20:90, :] for image in demo_phantom())
    found, truth = arrays(masked(ct, model), truth)
    assert dice(found == 1, truth == 1) > 0.95 and dice(found == 2, truth == 2) > 0.6


def test_an_archive_is_the_same_model_as_its_folder(model, tmp_path):
    ct = small(demo_phantom()[0])
    archive = Path(shutil.make_archive(str(tmp_path / "Task003"), "zip", model))
    a, b = arrays(masked(ct, model), masked(ct, archive))
    assert a.any() and (a == b).all()


def reference(ct: sitk.Image, weights, normalise_first: bool) -> np.ndarray:
    """The steps of nnU-Net v1 one by one, for a CT of one patch."""
    hu = sitk.GetArrayFromImage(ct).astype(float)
    grid = zip(hu.shape, ct.GetSpacing()[::-1], (3.0, 2.5, 2.5), strict=True)
    shape = [round(n * old / new) for n, old, new in grid]

    def normalised(data: np.ndarray) -> np.ndarray:
        limits = INTENSITIES["percentile_00_5"], INTENSITIES["percentile_99_5"]
        return (np.clip(data, *limits) - INTENSITIES["mean"]) / INTENSITIES["sd"]

    def resized(data: np.ndarray) -> np.ndarray:
        return resize(data, shape, 3, mode="edge", anti_aliasing=False)

    data = resized(normalised(hu)) if normalise_first else normalised(resized(hu))
    missing = [max(0, want - n) for want, n in zip((24, 32, 32), data.shape, strict=True)]
    padded = np.pad(data, [(n // 2, n - n // 2) for n in missing])
    network = GenericUNet(UNetPlan(3, 8, [[2, 2, 2]] * 3, [[3, 3, 3]] * 4))
    network.load_state_dict(weights)
    probability = 0
    flips = [(), (2,), (3,), (4,), (2, 3), (2, 4), (3, 4), (2, 3, 4)]
    with torch.no_grad():
        for axes in flips:
            patch = torch.flip(torch.from_numpy(padded[None, None]).float(), axes)
            probability = probability + torch.flip(network.eval()(patch), axes) / len(flips)
    inner = tuple(slice(n // 2, n // 2 + size) for n, size in zip(missing, data.shape, strict=True))
    on_ct = [
        resize(p[inner].astype(float), hu.shape, 1, mode="edge", anti_aliasing=False)
        for p in probability[0].numpy()
    ]
    return np.argmax(on_ct, axis=0)


def test_the_steps_are_those_of_v1_normalise_last_and_average_probabilities(model, weights):
    ct = small(demo_phantom()[0])
    ct.SetSpacing((2.4, 2.3, 2.9))
    expected, as_v2 = (reference(ct, weights, first) for first in (False, True))
    found = sitk.GetArrayFromImage(masked(ct, model, mirroring=True))
    for label in (1, 2):
        assert dice(found == label, expected == label) > 0.999
    assert dice(as_v2 > 0, expected > 0) < 0.999


# ---- what the files say


@pytest.mark.parametrize(
    ("trainer", "flips"),
    [("nnUNetTrainerV2", 8), ("nnUNetTrainerV2_noMirroring", 1), ("nnUNetTrainerV2_Loss_CE", 8)],
    ids=["the default trainer", "without mirroring", "another loss"],
)
def test_a_trainer_that_learns_otherwise_has_the_same_network(tmp_path, weights, trainer, flips):
    folder = write_v1_model(tmp_path / "model", small_plans(), weights, trainer)
    loaded = load_v1_model(folder, [0], "model_final_checkpoint", torch.device("cpu"))
    assert 2 ** len(loaded.trained.mirror_axes) == flips


def test_several_folds_are_averaged(tmp_path, weights):
    ct = small(demo_phantom()[0])
    folder = write_v1_model(tmp_path / "m", small_plans(), weights, folds=("fold_0", "all"))
    # another fold: the same network, less sure of everything
    less_sure = {k: w / 3 if k.startswith("seg_outputs") else w for k, w in weights.items()}
    write_v1_model(folder, small_plans(), less_sure, folds=("fold_1",))
    models = [chained(folder, folds=folds) for folds in ([0], [1], [0, 1], ["all"])]
    found = [inference.segment(ct, load_chain([model], "cpu", False)) for model in models]
    first, second, both, everything = arrays(*(each.lesion_probability for each in found))
    lesion = (first > 0) & (second > 0) & (both > 0)
    mean = (first[lesion] + second[lesion].astype(float)) / 2
    assert (abs(first[lesion] - mean) > 2).any()
    assert abs(both[lesion] - mean).max() <= 1  # percent, rounded
    assert np.array_equal(everything, first)


def task(tmp_path, weights, names) -> Path:
    """An archive of several configurations, as the models of the Decathlon come."""
    for name in names:
        cascade = "CascadeFullRes" if "cascade" in name else ""
        trainer = f"nnUNetTrainerV2{cascade}"
        folder = tmp_path / "tree" / name / "Task003_Liver" / f"{trainer}__nnUNetPlansv2.1"
        lowres = {"current_spacing": [4.0, 4.0, 4.0]} if name == "3d_lowres" else {}
        write_v1_model(folder, small_plans(**lowres), weights, trainer)
    return Path(shutil.make_archive(str(tmp_path / "Task003_Liver"), "zip", tmp_path / "tree"))


def test_of_an_archive_with_four_configurations_the_wanted_one_is_loaded(tmp_path, weights):
    names = ("2d", "3d_lowres", "3d_fullres", "3d_cascade_fullres")
    archive = task(tmp_path, weights, names)
    ct = small(demo_phantom()[0])
    default, fullres, lowres = (
        masked(ct, archive, configuration=name) for name in (None, "3d_fullres", "3d_lowres")
    )
    default, fullres, lowres = arrays(default, fullres, lowres)
    assert (default == fullres).all() and (lowres != fullres).any()


def test_an_archive_of_a_cascade_alone_is_refused(tmp_path, weights):
    archive = task(tmp_path, weights, ("3d_cascade_fullres",))
    with refused("3d_cascade_fullres", "cascade", "3d_fullres or 3d_lowres"):
        masked(small(demo_phantom()[0]), archive)


def test_a_configuration_that_is_not_there_is_refused_with_those_that_are(tmp_path, weights):
    archive = task(tmp_path, weights, ("2d", "3d_lowres"))
    with refused("msd", "2d, 3d_lowres", "not one 3d_fullres", "`configuration`"):
        masked(small(demo_phantom()[0]), archive)


def test_the_second_stage_of_a_cascade_is_refused_by_its_trainer(tmp_path, weights):
    folder = write_v1_model(tmp_path / "m", small_plans(), weights, "nnUNetTrainerV2CascadeFullRes")
    with refused("cascade", "nnUNetTrainerV2CascadeFullRes", "3d_fullres"):
        masked(small(demo_phantom()[0]), folder)


@pytest.mark.parametrize(
    ("change", "trainer", "words"),
    [
        ({}, "nnUNetTrainerV2_ReLU", "nnUNetTrainerV2_ReLU"),
        ({"num_modalities": 2}, "nnUNetTrainerV2", "2 images"),
        ({"preprocessor_name": "Preprocessor3DBetterResampling"}, "nnUNetTrainerV2", "Better"),
        ({"use_mask_for_norm": {0: True}}, "nnUNetTrainerV2", "within a mask"),
        ({"normalization_schemes": {0: "CT2"}}, "nnUNetTrainerV2", "CT2"),
        ({"base_num_features": 16}, "nnUNetTrainerV2", "fold_0/model_final_checkpoint.model"),
    ],
    ids=["ReLU", "two images", "another resampling", "a mask", "CT2", "another network"],
)
def test_a_model_that_works_otherwise_is_refused_by_what_it_does(
    tmp_path, weights, change, trainer, words
):
    folder = write_v1_model(tmp_path / "m", {**small_plans(), **change}, weights, trainer)
    with refused("msd", words):
        masked(small(demo_phantom()[0]), folder)


def test_the_preprocessing_of_totalsegmentator_is_refused(model):
    with refused("msd", "preprocessing totalsegmentator is for nnU-Net v2"):
        masked(small(demo_phantom()[0]), model, preprocessing="totalsegmentator")


def test_a_fold_that_is_not_there_is_refused_with_those_that_are(model):
    with refused("fold_3", "fold_0/model_final_checkpoint.model"):
        masked(small(demo_phantom()[0]), model, folds=[3])


def test_no_pickle_is_read_before_the_hash_is_checked(model, tmp_path):
    class Harm:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "harmed"),))

    keys = chained(model)
    for file in model.rglob("*.pkl"):
        file.write_bytes(pickle.dumps(Harm()))
    with refused("sha256"):
        segment(small(demo_phantom()[0]), [keys], "cpu", cache_dir=tmp_path / "cache")
    assert not (tmp_path / "harmed").exists()


def test_a_damaged_pickle_is_refused(model):
    file = model / "fold_0/model_final_checkpoint.model.pkl"
    file.write_bytes(file.read_bytes()[:-200])
    with refused("model_final_checkpoint.model.pkl", "fetch the model again"):
        masked(small(demo_phantom()[0]), model)


# ---- nnU-Net v1 itself


@pytest.fixture(scope="session")
def peer() -> str:
    python = os.environ.get("LIVERMETS_NNUNET_V1")
    if not python:
        pytest.skip(
            "LIVERMETS_NNUNET_V1 names no Python with nnunet 1.7.1: nothing to compare with"
        )
    return python


def by_nnunet_v1(
    peer: str, model: Path, ct: sitk.Image, folder: Path, mirroring: bool
) -> sitk.Image:
    """The mask of a CT by nnU-Net v1, whose own files of the model replace ours."""
    (folder / "in").mkdir(parents=True)
    sitk.WriteImage(ct, str(folder / "in/case_0000.nii.gz"))
    paths = [model, folder / "saved", folder / "in", folder / "out"]
    done = subprocess.run(
        [peer, str(PEER), *map(str, paths), str(int(mirroring))],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return sitk.ReadImage(str(folder / "out/case.nii.gz"))


FLAT = {  # kernels in the first stages
    "pool_op_kernel_sizes": [[1, 2, 2], [2, 2, 2], [2, 2, 2]],
    "conv_kernel_sizes": [[1, 3, 3], [3, 3, 3], [3, 3, 3], [3, 3, 3]],
    "current_spacing": [5.0, 2.0, 2.0],
    "patch_size": [16, 32, 32],
}
SLICES = {  # a network for single slices
    "pool_op_kernel_sizes": [[2, 2]] * 3,
    "conv_kernel_sizes": [[3, 3]] * 4,
    "current_spacing": [3.0, 2.0, 2.0],
    "patch_size": [32, 40],
    "num_pool_per_axis": [3, 3],
}


def random_model(stage: dict) -> tuple[dict, dict]:
    """Plans with this stage, and random weights of its network."""
    torch.manual_seed(3)
    network = GenericUNet(UNetPlan(3, 8, stage["pool_op_kernel_sizes"], stage["conv_kernel_sizes"]))
    weights = network.state_dict()
    for name in weights:
        if name.startswith("seg_outputs"):
            weights[name] *= 20  # so that outputs are not nearly equal everywhere
    return v1_plans(**stage), weights


@pytest.mark.slow
@pytest.mark.parametrize("case", ["own grid", "resampled", "flat kernels", "slices", "real CT"])
def test_the_labels_are_those_of_nnunet_v1(request, peer, weights, tmp_path, case):
    ct, plans, parameters, mirroring = demo_phantom()[0], v1_plans(), weights, case == "resampled"
    cleaning = BOTH
    if case == "resampled":
        ct = demo_phantom(size=[20, 96, 96], spacing_mm=[2.0, 2.0, 6.5])[0]
    if case in ("flat kernels", "slices"):  # in the body: with random weights air is no background
        ct, cleaning = ct[30:78, 36:84, :], None
        plans, parameters = random_model(FLAT if case == "flat kernels" else SLICES)
    if case == "slices":
        plans["preprocessor_name"] = "PreprocessorFor2D"
    if case == "real CT":
        folder = request.getfixturevalue("dicom_folder")("chaos_set3")
        ct = import_ct(folder, "chaos")[0][60:360, 100:400, 20:70]
    model = write_v1_model(tmp_path / "model", plans, parameters, postprocessing=cleaning)
    expected = by_nnunet_v1(peer, model, ct, tmp_path / "peer", mirroring)
    ours = masked(ct, tmp_path / "peer/saved", mirroring=mirroring)
    a, b = arrays(ours, expected)
    assert b.any()
    for label in (1, 2):
        if (b == label).any() or (a == label).any():
            assert dice(a == label, b == label) >= 0.999
