"""Checkpoints: a killed process, and files that a training must not go on from."""

import logging
import multiprocessing
import os
import signal

import pytest
import torch
from helpers.lesion_textures import QUICK, as_bytes, cohort
from livermets.deep_learning import optimisation
from livermets.deep_learning.checkpoint import Checkpoint
from livermets.deep_learning.densenet import Run, train_split
from livermets.predictions.task import Task


def train(checkpoint=None, settings=QUICK, seed=1):
    slices, labels = cohort()
    roles = dict.fromkeys(slices, "train") | dict.fromkeys(["P0", "P1"], "validation")
    return train_split(
        slices, labels, roles, Task(["a", "b"], "b"), settings, Run(seed=seed), checkpoint
    )


def train_and_be_killed(checkpoint):
    """Train in this process until the second step of the third epoch, then kill the process."""
    step, calls = optimisation.Optimisation._step, iter(range(100))
    steps_per_epoch = 5

    def killing_step(*given):
        if next(calls) == 2 * steps_per_epoch + 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(*given)

    optimisation.Optimisation._step = killing_step
    train(checkpoint)


def test_a_process_killed_within_an_epoch_goes_on_to_the_same_bytes(tiny, tmp_path):
    checkpoint = tmp_path / "checkpoint.pt"
    whole, whole_history = train()
    process = multiprocessing.get_context("fork").Process(
        target=train_and_be_killed, args=(checkpoint,)
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert len(Checkpoint(checkpoint, {}).read()["history"]) == 2
    state, history = train(checkpoint)
    assert as_bytes(state) == as_bytes(whole)
    assert history.equals(whole_history)


@pytest.mark.parametrize(
    ("changed", "settings", "seed"),
    [("settings", QUICK | {"learning_rate": 0.02}, 1), ("seed, first weights", QUICK, 2)],
    ids=["another learning rate", "another seed"],
)
def test_a_checkpoint_of_another_training_is_named_with_what_differs(
    tiny, tmp_path, caplog, changed, settings, seed
):
    checkpoint = tmp_path / "checkpoint.pt"
    train(checkpoint)
    with caplog.at_level(logging.WARNING):
        train(checkpoint, settings, seed)
    assert f"is from another training (changed: {changed}); starting anew" in caplog.text


def test_a_damaged_checkpoint_is_named_and_the_training_starts_anew(tiny, tmp_path, caplog):
    checkpoint = tmp_path / "checkpoint.pt"
    train(checkpoint)
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    state, _ = train(checkpoint)
    assert f"{checkpoint} cannot be read" in caplog.text
    assert as_bytes(state) == as_bytes(train()[0])


def test_a_state_on_the_cpu_is_not_changed_by_later_steps():
    weights = torch.ones(3)
    copied = optimisation.copy_to_cpu({"weights": weights})
    weights += 1
    assert copied["weights"].tolist() == [1, 1, 1]
