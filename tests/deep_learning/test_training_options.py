"""Options of the training: each does what its key says, and the defaults are the paper's."""

import numpy as np
import pytest
import torch
from helpers.lesion_textures import QUICK, SIZE, Tiny, as_bytes, cohort
from livermets.core.errors import BadInput
from livermets.deep_learning import trainer
from livermets.deep_learning.dataset import lesion_dataset
from livermets.deep_learning.densenet import Run, train_split
from livermets.deep_learning.inference import precision
from livermets.deep_learning.network import LesionNet, place
from livermets.deep_learning.optimisation import Optimisation, TrainingConfig
from livermets.predictions.task import Task
from livermets.study.config import load_config

AB = Task(["a", "b"], "b")


def train(settings, checkpoint=None):
    slices, labels = cohort()
    roles = dict.fromkeys(labels, "train") | dict.fromkeys(["P0", "P1"], "validation")
    return train_split(slices, labels, roles, AB, settings, Run(seed=1), checkpoint)


def test_the_defaults_of_the_schema_train_the_weights_of_a_training_without_keys(tiny):
    schema = load_config({})["densenet"]
    plain, plain_history = train({"epochs": 3, "batch_size": 32, "learning_rate": 1e-4})
    given, history = train(schema | {"epochs": 3})
    assert as_bytes(given) == as_bytes(plain)
    assert history.equals(plain_history)


def test_the_loss_curve_of_the_defaults_is_the_one_of_before_there_were_options(tiny):
    """The numbers are of the commit before; 1e-4 is for other processors."""
    _, history = train_split(
        *cohort(),
        dict.fromkeys(["P4", "P5", "P6", "P7"], "train")
        | dict.fromkeys(["P0", "P1"], "validation")
        | dict.fromkeys(["P2", "P3"], "test"),
        AB,
        QUICK,
        Run(seed=1),
    )
    before = {
        "train_loss": [0.6571305, 0.6381790, 0.6516287, 0.6324126],
        "valid_loss": [0.6854497, 0.6765067, 0.6678306, 0.6616498],
    }
    for name, losses in before.items():
        np.testing.assert_allclose(history[name], losses, rtol=1e-4)


def test_patients_or_lesions_have_the_same_weight_and_classes_always():
    """Four lesions, one lesion of three slices; and two lesions of the other class."""
    lesions = {"P0": [1, 2, 3, 4, 4], "P1": [1, 1, 1], "P2": [1, 2]}
    slices = {
        patient: {"images": np.ones((len(of), SIZE, SIZE), np.uint8), "lesion": np.array(of)}
        for patient, of in lesions.items()
    }
    labels = {"P0": "a", "P1": "a", "P2": "b"}
    owner = np.repeat([0, 1, 2], [5, 3, 2])
    expected = {"lesions": [4, 1, 2], "patients": [1, 1, 1]}
    for weigh, of_patients in expected.items():
        dataset = lesion_dataset(slices, labels, list(slices), ["a", "b"], weigh)
        np.testing.assert_allclose(np.bincount(owner, dataset.weights), of_patients)
        shares = dataset.weights * dataset.class_weights(2).double()[dataset.targets]
        of_classes = np.bincount(dataset.targets, shares)
        assert of_classes[0] == pytest.approx(of_classes[1])
        drawn = dataset.draw(6000, torch.Generator().manual_seed(1))
        seen = np.bincount(owner[drawn.numpy()]) / 6000
        np.testing.assert_allclose(seen, np.array(of_patients) / sum(of_patients), atol=2 / 6000)


def test_an_unknown_word_for_what_weighs_the_same_is_refused(tiny):
    with pytest.raises(BadInput, match=r"densenet\.weigh is 'slices'. Use lesions or patients"):
        train(QUICK | {"weigh": "slices"})


@pytest.mark.parametrize(
    "warm_up", [0, 0.1, 0.3, 0.9], ids=["none", "a tenth", "the default", "nine tenths"]
)
def test_the_learning_rate_is_largest_after_the_warm_up(warm_up):
    config = TrainingConfig(epochs=10, learning_rate=0.01, warm_up=warm_up)
    training = Optimisation(Tiny(1), config, 20, torch.Generator())
    rates = []
    for _ in range(200):
        rates.append(training.optimiser.param_groups[0]["lr"])
        training.optimiser.step()
        training.schedule.step()
    assert max(rates) == pytest.approx(0.01, rel=0.01)
    assert np.argmax(rates) == pytest.approx(200 * warm_up, abs=1)
    assert rates[-1] < 1e-5


def test_a_warm_up_of_a_single_step_is_none():
    config = TrainingConfig(epochs=1, learning_rate=0.01, warm_up=0.1)
    training = Optimisation(Tiny(1), config, 10, torch.Generator())
    assert training.optimiser.param_groups[0]["lr"] == pytest.approx(0.01, rel=0.05)


@pytest.mark.parametrize(("patience", "epochs"), [(2, 4), (None, 6)], ids=["two", "none"])
def test_without_patience_every_epoch_is_run_and_the_best_is_kept(
    tiny, monkeypatch, patience, epochs
):
    losses = iter([0.5, 0.3, 0.4, 0.35, 0.4, 0.6])
    snapshots = []

    def scripted(network, *_):
        snapshots.append(as_bytes(network.state_dict()))
        return {"valid_loss": next(losses), "valid_auc": 0.5}

    monkeypatch.setattr(trainer, "_validate", scripted)
    best, history = train(QUICK | {"epochs": 6, "patience": patience})
    assert len(history) == epochs
    assert as_bytes(best) == snapshots[1]


def test_weight_decay_pulls_the_weights_towards_zero(tiny):
    norms = [
        sum(part.square().sum() for name, part in train(QUICK | decay)[0].items() if "5" in name)
        for decay in ({"weight_decay": 0}, {"weight_decay": 5.0})
    ]
    assert norms[1] < 0.9 * norms[0]


def test_a_gpu_computes_with_16_bits_where_it_may_and_a_cpu_never_does(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: False)
    assert precision(torch.device("cuda")) is torch.float16
    assert precision(torch.device("cuda"), mixed_precision=False) is torch.float32
    assert precision(torch.device("cpu")) is torch.float32


def test_the_network_lies_in_the_memory_format_that_is_fastest():
    network = place(LesionNet(), torch.device("cpu"))
    kernels = network.densenet.features.denseblock1.denselayer1.layers.conv2.weight
    assert kernels.is_contiguous(memory_format=torch.channels_last)


def test_a_killed_training_with_every_option_goes_on_to_the_same_bytes(tiny, tmp_path, monkeypatch):
    options = {"warm_up": 0.1, "weight_decay": 0.05, "patience": None, "weigh": "patients"}
    settings = QUICK | options | {"mixed_precision": False}
    whole, whole_history = train(settings)
    validate, calls = trainer._validate, iter(range(9))

    def killed(*given):
        if next(calls) == 2:
            raise KeyboardInterrupt
        return validate(*given)

    monkeypatch.setattr(trainer, "_validate", killed)
    with pytest.raises(KeyboardInterrupt):
        train(settings, tmp_path / "checkpoint.pt")
    monkeypatch.setattr(trainer, "_validate", validate)
    resumed, history = train(settings, tmp_path / "checkpoint.pt")
    assert as_bytes(resumed) == as_bytes(whole)
    assert history.equals(whole_history)


def test_the_checkpoint_of_other_weights_of_lesions_is_not_taken_up(tiny, tmp_path, caplog):
    checkpoint = tmp_path / "checkpoint.pt"
    slices, labels = cohort()
    slices["P5"]["lesion"] = np.array([1, 1, 1, 1, 1, 2])  # otherwise all patients are alike
    slices["P4"]["lesion"] = np.ones(6, int)
    roles = dict.fromkeys(labels, "train")
    for weigh in ("lesions", "patients"):
        settings = QUICK | {"weigh": weigh}
        train_split(slices, labels, roles, AB, settings, Run(seed=1), checkpoint)
    assert "is from another training (changed: training slices); starting anew" in caplog.text
