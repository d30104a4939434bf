"""Training an nnU-Net: one that was killed and resumed equals one that ran through."""

import logging
import re
import subprocess
import time

import psutil
import pytest
import SimpleITK as sitk
import torch
from helpers.reviews import saved
from helpers.run_study import command, jobs, snakemake, write_phantom_study
from helpers.segmentation import training_cases
from livermets.segmentation.inference import segment
from livermets.segmentation.model_archive import hash_model, model_folder
from livermets.segmentation.model_chain import load_chain
from livermets.segmentation.training import TrainingSettings, train

LABELS = {"liver": 1, "lesion": 2}
TINY = {
    "iterations": 4,
    "iterations_per_epoch": 2,
    "augment": False,
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
    return training_cases(tmp_path_factory.mktemp("cases"))


def trained_model(cases, workdir, output_zip):
    settings = TrainingSettings(seed=5, **TINY)
    return train(cases, LABELS, workdir, output_zip, settings, device="cpu", threads=1)


@pytest.fixture(scope="module")
def trained(cases, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return folder / "model.zip", trained_model(cases, folder / "work", folder / "model.zip")


def weights(model, folder):
    checkpoint = model_folder(model, hash_model(model), folder) / "fold_0/checkpoint_final.pth"
    return torch.load(checkpoint, weights_only=True)["network_weights"]


def test_the_trained_model_segments(trained, cases, tmp_path):
    model, sha256 = trained
    ct = sitk.ReadImage(str(cases[0][1]))
    chain = load_chain(
        [{"path": model, "sha256": sha256, "labels": LABELS}], cache_dir=tmp_path, threads=1
    )
    mask = segment(ct, chain).mask
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
    with monkeypatch.context() as patch:
        patch.setattr(SeededTrainer, "on_epoch_start", kill)
        with pytest.raises(KeyboardInterrupt):
            trained_model(cases, *paths)
    with caplog.at_level(logging.INFO):
        trained_model(cases, *paths)
    assert "resuming after epoch 1 of 2" in caplog.text
    whole, resumed = weights(trained[0], tmp_path / "a"), weights(paths[1], tmp_path / "b")
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    assert hash_model(paths[1]) == trained[1]


def test_patients_whom_readers_excluded_are_not_trained_on(tmp_path):
    """A training asks for the masks that it learns from, so a dry run names their patients."""
    write_phantom_study(tmp_path, 3, segmentation_training={**TINY, "device": "cpu"})

    def read_by_training() -> set[str]:
        done = snakemake(tmp_path, "-n", "segmentation_model")
        assert done.returncode == 0, done.stderr
        assert jobs(done)["train_segmentation"] == 1
        return set(re.findall(r"Selecting the mask of (\w+)", done.stdout + done.stderr))

    assert read_by_training() == {"B0", "B1", "B2"}
    saved(tmp_path / "reviews", "B1.json", {"decision": "exclude"})
    saved(tmp_path / "reviews", "B2.json", {"decision": "correct"})
    assert read_by_training() == {"B0", "B2"}


@pytest.mark.slow
def test_the_rule_goes_on_after_its_process_was_killed_in_the_middle(tmp_path):
    settings = {**TINY, "device": "cpu", "iterations": 12}
    settings["configuration"] = {**TINY["configuration"], "batch_size": 1}
    write_phantom_study(tmp_path, 2, segmentation_training=settings)
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
    assert done == list(range(1, len(done) + 1))
    assert 2 <= len(done) < 6
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
    slices = (tmp_path / "results/segmentation_model.trained_on.txt").read_text().splitlines()[1:]
    assert len(slices) > 10 and all(re.fullmatch(r"[0-9a-f]{20}", line) for line in slices)
