"""DenseNet-121 with three classes: what it learns, its loss and scores against plain arithmetic."""

import numpy as np
import pandas as pd
import pytest
import torch
from helpers.lesion_textures import QUICK, SIZE, as_bytes
from livermets.core.errors import BadInput
from livermets.deep_learning import trainer
from livermets.deep_learning.dataset import lesion_dataset
from livermets.deep_learning.densenet import Run, predict_split, run_split, train_split
from livermets.deep_learning.lesion_slices import save_slices
from livermets.deep_learning.losses import cross_entropy, probabilities
from livermets.deep_learning.network import LesionNet, load_model
from livermets.predictions.predictions_table import check_predictions
from livermets.predictions.task import Task
from scipy.special import expit, log_softmax, softmax
from sklearn.metrics import roc_auc_score
from torch.nn import functional

CLASSES, POSITIVE = ["bright", "dark", "mid"], "dark"
TASK = Task(CLASSES, POSITIVE)
GREY = {"dark": 70, "mid": 130, "bright": 190}
TESTED = ["P0", "P1", "P2"]


def patches(patients=12, lesions=3, per_lesion=2):
    """Round lesions of three brightnesses under noise; patients take turns."""
    y, x = np.indices((SIZE, SIZE)) - (SIZE - 1) / 2
    slices, labels = {}, {}
    for k in range(patients):
        rng = np.random.default_rng(k)
        n = lesions * per_lesion
        labels[f"P{k}"] = CLASSES[k % 3]
        values = GREY[CLASSES[k % 3]] + 15 * rng.normal(size=(n, SIZE, SIZE))
        slices[f"P{k}"] = {
            "images": np.where(np.hypot(y, x) < 13, values, 0).astype(np.uint8),
            "lesion": np.repeat(np.arange(1, lesions + 1), per_lesion),
        }
    return slices, labels


def roles_of(labels, validation=("P3", "P4", "P5")):
    roles = dict.fromkeys(labels, "train") | dict.fromkeys(validation, "validation")
    return roles | dict.fromkeys(TESTED, "test")


def train(cohort, settings=QUICK, roles=None, checkpoint=None, **where):
    slices, labels = cohort
    roles, run = roles or roles_of(labels), Run(seed=1, **where)
    return train_split(slices, labels, roles, TASK, settings, run, checkpoint)


def predicted(state, cohort, patients=TESTED, **where):
    return predict_split(state, *cohort, patients, TASK, Run(**where))


@pytest.mark.training
def test_three_brightnesses_are_learned_and_scored_as_every_other_arm_does():
    cohort = patches(18)
    settings = {"epochs": 4, "batch_size": 12, "learning_rate": 3e-3}
    state, history = train(cohort, settings)
    table = check_predictions(predicted(state, cohort), CLASSES)
    each = [f"score_{name}" for name in CLASSES]
    assert table.columns.tolist() == [
        *("arm", "split", "patient", "lesion", "label", "score"),
        *each,
    ]
    called = np.array(CLASSES)[table[each].to_numpy().argmax(axis=1)]
    assert (called == table["label"]).all()
    assert set(called) == set(CLASSES)
    np.testing.assert_allclose(table[each].sum(axis=1), 1, atol=1e-12)
    pd.testing.assert_series_equal(table["score"], table["score_dark"], check_names=False)
    assert history["valid_auc"].iloc[-1] == 1
    assert history["valid_loss"].iloc[-1] < np.log(3) / 2


def test_scores_are_the_mean_softmax_of_a_lesions_slices(tiny):
    slices, labels = cohort = patches()
    slices["P1"]["lesion"] = np.array([2, 2, 2, 2, 5, 5])
    state, _ = train(cohort)
    table = predicted(state, cohort, ["P1"])
    network = LesionNet(classes=3)
    network.load_state_dict(state)
    network.eval()
    with torch.no_grad():
        logits = network(network.prepare(torch.from_numpy(slices["P1"]["images"]))).numpy()
    of_slices = softmax(logits.astype(float), axis=1)
    expected = np.array([of_slices[:4].mean(axis=0), of_slices[4:].mean(axis=0)])
    # in the network the positive class comes last
    found = table[["score_bright", "score_mid", "score_dark"]]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert table["lesion"].tolist() == [2, 5]


def test_the_loss_of_three_classes_is_the_weighted_mean_negative_log_softmax():
    rng = np.random.default_rng(0)
    logits, targets = rng.normal(size=(9, 3)), np.arange(9) % 3
    weights = np.array([0.5, 1.0, 4.0])
    own = -log_softmax(logits, axis=1)[np.arange(9), targets]
    given = torch.tensor(logits), torch.tensor(targets)
    each = cross_entropy(*given, reduction="none").numpy()
    np.testing.assert_allclose(each, own)
    mean = cross_entropy(*given, torch.tensor(weights)).item()
    assert mean == pytest.approx((weights[targets] * own).mean())


def test_two_classes_have_one_logit_whose_loss_is_the_binary_one_to_the_bit():
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(37, generator=generator, requires_grad=True)
    targets = torch.arange(37) % 2
    weights = torch.tensor([0.7, 1.9])
    ours = cross_entropy(logits, targets, weights)
    plain = functional.binary_cross_entropy_with_logits(logits, targets.float(), weights[targets])
    assert torch.equal(ours, plain)
    slopes = [torch.autograd.grad(loss, logits)[0] for loss in (ours, plain)]
    assert torch.equal(*slopes)
    second = probabilities(logits.detach())
    np.testing.assert_allclose(second[:, 1], expit(logits.detach().numpy()), rtol=1e-6)
    np.testing.assert_allclose(second.sum(dim=1), 1, rtol=1e-6)
    # and what a softmax would make of a first logit of 0
    both = torch.stack([torch.zeros(37), logits.detach()], dim=1)
    np.testing.assert_allclose(second, probabilities(both), rtol=1e-5)


def test_every_class_weighs_the_same_however_many_lesions_it_has():
    slices, labels = patches(7)  # three patients are bright, two are of each other class
    slices["P0"]["lesion"] = np.array([1, 1, 1, 1, 1, 2])
    dataset = lesion_dataset(slices, labels, list(slices), CLASSES)
    shares = dataset.weights * dataset.class_weights(3).double()[dataset.targets]
    np.testing.assert_allclose(np.bincount(dataset.targets, shares), np.full(3, 20 / 3))


def test_the_validation_auc_is_scikit_learns_macro_average_over_lesions(tiny):
    slices, labels = cohort = patches()
    for name in ("P3", "P4", "P5"):  # hard enough not to be perfect
        slices[name]["images"] = slices[name]["images"] // 5 + 100
    state, history = train(cohort, QUICK | {"epochs": 1})
    table = predicted(state, cohort, ["P3", "P4", "P5"])
    scores = table[[f"score_{name}" for name in CLASSES]]
    expected = roc_auc_score(table["label"], scores, multi_class="ovr", labels=CLASSES)
    assert 0 < expected < 1
    assert history["valid_auc"].tolist() == pytest.approx([expected])


def test_a_class_without_a_validation_patient_leaves_a_loss_and_no_auc(tiny):
    cohort = patches()
    _, history = train(cohort, roles=roles_of(cohort[1], validation=("P3", "P4")))
    assert history["valid_loss"].notna().all()
    assert history["valid_auc"].isna().all()


@pytest.mark.parametrize("missing", CLASSES)
def test_each_class_without_a_training_slice_is_refused_by_name(missing):
    slices, labels = cohort = patches()
    roles = {patient: "test" if labels[patient] == missing else "train" for patient in labels}
    with pytest.raises(BadInput, match=f"cv2-fold1: no training patient of class {missing} has"):
        train(cohort, roles=roles, split="cv2-fold1")


def test_a_killed_training_of_three_classes_goes_on_to_the_same_bytes(tiny, tmp_path, monkeypatch):
    cohort = patches()
    whole, whole_history = train(cohort)
    validate, calls = trainer._validate, iter(range(9))

    def killed(*given):
        if next(calls) == 2:
            raise KeyboardInterrupt
        return validate(*given)

    monkeypatch.setattr(trainer, "_validate", killed)
    with pytest.raises(KeyboardInterrupt):
        train(cohort, checkpoint=tmp_path / "checkpoint.pt")
    monkeypatch.setattr(trainer, "_validate", validate)
    resumed, history = train(cohort, checkpoint=tmp_path / "checkpoint.pt")
    assert as_bytes(resumed) == as_bytes(whole)
    pd.testing.assert_frame_equal(history, whole_history)


def test_a_model_of_three_classes_says_which_output_is_which(tiny, tmp_path):
    slices, labels = cohort = patches()
    for patient, arrays in slices.items():
        save_slices(arrays, tmp_path / f"{patient}.npz")
    files = {patient: tmp_path / f"{patient}.npz" for patient in slices}
    splits = pd.DataFrame(roles_of(labels).items(), columns=["patient", "role"])
    splits = splits.assign(split="holdout")
    table = run_split(files, splits, labels, TASK, QUICK, Run(seed=1), tmp_path / "m")
    state, facts = load_model(tmp_path / "m/model.pt")
    assert facts["outputs"] == ["bright", "mid", "dark"]
    assert facts["positive"] == POSITIVE
    pd.testing.assert_frame_equal(table, predicted(state, cohort), check_exact=True)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_a_gpu_learns_three_classes_alike_from_the_same_seed():
    cohort = patches(18)
    settings = {"epochs": 4, "batch_size": 12, "learning_rate": 3e-3}
    states, histories = zip(*(train(cohort, settings, device="cuda") for _ in "12"), strict=True)
    assert as_bytes(states[0]) == as_bytes(states[1])
    pd.testing.assert_frame_equal(*histories)
    table = predicted(states[0], cohort, device="cuda")
    each = [f"score_{name}" for name in CLASSES]
    assert (np.array(CLASSES)[table[each].to_numpy().argmax(axis=1)] == table["label"]).all()
