"""Training an nnU-Net: one that was killed and resumed equals one that ran through."""

import logging
import re
import subprocess
import time

import numpy as np
import psutil
import pytest
import SimpleITK as sitk
import torch
from helpers.run_study import command, snakemake, write_phantom_study
from livermets.core.errors import BadInput, BadPatient
from livermets.phantoms.phantom import make_phantom
from livermets.segmentation.inference import load_chain, segment
from livermets.segmentation.model_archive import hash_model, model_folder
from livermets.segmentation.training import train

LABELS = {"liver": 1, "lesion": 2}
TINY = {
    "iterations": 4,
    "iterations_per_epoch": 2,
    "augment": False,
    "seed": 5,
    "threads": 1,
    "device": "cpu",
    "configuration": {
        "patch_size": [16, 24, 24],
        "batch_size": 2,
        "features_per_stage": [4, 6, 8],
        "convolutions_per_stage": 1,
        "spacing_mm": None,
    },
}


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    folder, found = tmp_path_factory.mktemp("cases"), []
    for patient in ("T1", "T2"):
        pair = make_phantom(
            patient, "a", ["a"], 1, size=(20, 40, 40), spacing_mm=(6.0, 6.0, 6.0),
            lesions_per_class={"a": 5},
        )  # fmt: skip
        paths = [folder / f"{patient}_{part}.nii.gz" for part in ("ct", "mask")]
        for image, path in zip(pair, paths, strict=True):
            sitk.WriteImage(image, str(path))
        found.append((patient, *paths))
    return found


@pytest.fixture(scope="module")
def trained(cases, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return folder / "model.zip", train(cases, LABELS, folder / "work", folder / "model.zip", **TINY)


def weights(model, folder):
    checkpoint = model_folder(model, hash_model(model), folder) / "fold_0/checkpoint_final.pth"
    return torch.load(checkpoint, weights_only=True)["network_weights"]


def test_the_trained_model_segments(trained, cases, tmp_path):
    model, sha256 = trained
    ct = sitk.ReadImage(str(cases[0][1]))
    chain = load_chain(
        [{"path": model, "sha256": sha256, "labels": LABELS}], cache_dir=tmp_path, threads=1
    )
    mask = segment(ct, chain)
    assert mask.GetSize() == ct.GetSize()


def test_a_training_that_was_killed_resumes_to_the_same_weights(
    trained, cases, tmp_path, monkeypatch, caplog
):
    from livermets.segmentation.seeded_trainer import SeededTrainer

    begin = SeededTrainer.on_epoch_start

    def kill(self):
        if self.current_epoch == 1:
            raise KeyboardInterrupt
        begin(self)

    paths = tmp_path / "work", tmp_path / "model.zip"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(SeededTrainer, "on_epoch_start", kill)
        train(cases, LABELS, *paths, **TINY)
    with caplog.at_level(logging.INFO):
        train(cases, LABELS, *paths, **TINY)
    assert "resuming after epoch 1 of 2" in caplog.text
    whole, resumed = weights(trained[0], tmp_path / "a"), weights(paths[1], tmp_path / "b")
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    assert hash_model(paths[1]) == trained[1]


@pytest.mark.slow
def test_the_rule_goes_on_after_its_process_was_killed_in_the_middle(tmp_path):
    own = {key: value for key, value in TINY.items() if key not in ("seed", "threads")}
    own["configuration"] = {**TINY["configuration"], "batch_size": 1}
    write_phantom_study(tmp_path, 2, segmentation_training=own | {"iterations": 12})
    log = tmp_path / "results/logs/train_segmentation.log"
    epochs = re.compile(r"epoch (\d+)/6: loss")
    run = subprocess.Popen(
        command(tmp_path, "segmentation_model"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
    )
    while not (log.exists() and "epoch 2/6" in log.read_text()):
        assert run.poll() is None, "the training ended before it could be killed"
        time.sleep(0.02)
    (training,) = (
        one
        for one in psutil.Process(run.pid).children(recursive=True)
        if re.search(r"scripts/\S*train_segmentation\.py", " ".join(one.cmdline()))
        and not one.children()
    )
    training.kill()
    assert run.wait() != 0
    done = [int(epoch) for epoch in epochs.findall(log.read_text())]
    assert done == list(range(1, len(done) + 1)) and 2 <= len(done) < 6
    assert not (tmp_path / "results/segmentation_model.zip").exists()
    again = snakemake(tmp_path, "segmentation_model")
    assert again.returncode == 0, again.stderr
    said = log.read_text()
    start = int(re.search(r"resuming after epoch (\d+) of 6", said)[1])
    assert start >= len(done)  # the log is a line behind the checkpoint at most
    assert [int(epoch) for epoch in epochs.findall(said)] == list(range(start + 1, 7))
    assert "preparing" not in said
    model = tmp_path / "results/segmentation_model.zip"
    assert set(weights(model, tmp_path / "unpacked"))


@pytest.fixture
def spoilt(cases, tmp_path):
    """One case whose mask a function has changed."""

    def spoil(change):
        patient, ct, mask = cases[0]
        sitk.WriteImage(change(sitk.ReadImage(str(mask))), str(tmp_path / "mask.nii.gz"))
        return [(patient, ct, tmp_path / "mask.nii.gz")], LABELS, tmp_path / "w", tmp_path / "m.zip"

    return spoil


def test_a_mask_with_an_unknown_value_is_refused_naming_the_patient(spoilt):
    with pytest.raises(BadPatient, match=r"patient T1: the mask has the values \[7\]"):
        train(*spoilt(lambda mask: mask + 7 * sitk.Cast(mask == 0, mask.GetPixelID())), **TINY)


def test_a_mask_on_another_grid_is_refused(spoilt):
    with pytest.raises(BadPatient, match="patient T1: mask and CT are not on one grid"):
        train(*spoilt(lambda mask: mask[1:, :, :]), **TINY)


def test_no_cases_and_an_unknown_key_are_refused(cases, tmp_path):
    paths = tmp_path / "work", tmp_path / "model.zip"
    with pytest.raises(BadInput, match="no cases"):
        train([], LABELS, *paths, **TINY)
    with pytest.raises(BadInput, match="no key 'patch'"):
        train(cases[:1], LABELS, *paths, **{**TINY, "configuration": {"patch": [8, 8, 8]}})


def test_a_network_of_two_stages_and_an_unknown_optimiser_are_refused(cases, tmp_path):
    paths = tmp_path / "work", tmp_path / "model.zip"
    plan = {**TINY["configuration"], "features_per_stage": [4, 8]}
    with pytest.raises(BadInput, match=r"features_per_stage is \[4, 8\]; give 3 stages"):
        train(cases[:1], LABELS, *paths, **{**TINY, "configuration": plan})
    with pytest.raises(BadInput, match="'lion'"):
        train(cases[:1], LABELS, *paths, **{**TINY, "optimiser": "lion"})


def test_strides_halve_what_the_patch_allows(cases, tmp_path):
    from livermets.segmentation.training import _override

    setup = {"batch_size": 2, "patch_size": [8, 8, 8],
             "architecture": {"arch_kwargs": {"features_per_stage": [1, 1, 1]}}}  # fmt: skip
    plan = {"patch_size": [12, 64, 64], "features_per_stage": [8, 16, 32, 64]}
    strides = _override(setup, plan)["architecture"]["arch_kwargs"]["strides"]
    assert strides == [[1, 1, 1], [2, 2, 2], [1, 2, 2], [1, 2, 2]]
    assert np.prod(strides, axis=0).tolist() == [2, 8, 8]
