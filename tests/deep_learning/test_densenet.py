"""DenseNet-121: what it is fed, that it learns, and that a killed run ends like a whole one."""

import numpy as np
import pandas as pd
import pytest
import torch
from helpers.lesion_textures import QUICK, SIZE, as_bytes, cohort
from livermets.core.errors import BadInput
from livermets.deep_learning import optimisation, trainer
from livermets.deep_learning.dataset import lesion_dataset
from livermets.deep_learning.densenet import Run, predict_split, run_split, train_split
from livermets.deep_learning.lesion_slices import save_slices
from livermets.deep_learning.network import LesionNet, load_model
from livermets.predictions.task import Task
from sklearn.metrics import roc_auc_score

AB = Task(["a", "b"], "b")


def roles_of(labels, validation=("P0", "P1"), test=("P2", "P3")):
    return {
        patient: "test" if patient in test else "validation" if patient in validation else "train"
        for patient in labels
    }


def train(settings=QUICK, seed=1, slices_and_labels=None, roles=None, checkpoint=None, **where):
    slices, labels = slices_and_labels or cohort()
    run = Run(seed=seed, **where)
    return train_split(slices, labels, roles or roles_of(labels), AB, settings, run, checkpoint)


def predicted(state, slices, labels, patients, **where):
    return predict_split(state, slices, labels, patients, AB, Run(**where))


def test_the_network_is_densenet_121_with_one_channel_in_and_one_logit_out():
    # torchvision's model card: 7978856 parameters with 3 channels in and 1000 classes out
    expected = 7_978_856 - 2 * 64 * 7 * 7 - (1024 + 1) * 999
    assert sum(part.numel() for part in LesionNet().parameters()) == expected


@pytest.mark.training
def test_densenet_121_learns_two_textures():
    slices, labels = cohort(patients=12, per_lesion=3)
    settings = {"epochs": 3, "batch_size": 16, "learning_rate": 1e-3}
    roles = roles_of(labels, validation=())
    state, history = train(settings, slices_and_labels=(slices, labels), roles=roles)
    table = predicted(state, slices, labels, ["P2", "P3"])
    assert roc_auc_score(table["label"] == "b", table["score"]) > 0.9
    assert history["epoch"].tolist() == [1, 2, 3]


def test_a_killed_training_goes_on_to_the_bytes_of_an_uninterrupted_one(
    tiny, tmp_path, monkeypatch
):
    whole, whole_history = train()
    calls = iter(range(100))
    validate = trainer._validate

    def killed(*given):
        if next(calls) == 2:  # in the third epoch
            raise KeyboardInterrupt
        return validate(*given)

    checkpoint = tmp_path / "checkpoint.pt"
    monkeypatch.setattr(trainer, "_validate", killed)
    with pytest.raises(KeyboardInterrupt):
        train(checkpoint=checkpoint)
    assert torch.load(checkpoint, weights_only=True)["history"][-1]["epoch"] == 2
    monkeypatch.setattr(trainer, "_validate", validate)
    resumed, resumed_history = train(checkpoint=checkpoint)
    assert as_bytes(resumed) == as_bytes(whole)
    pd.testing.assert_frame_equal(resumed_history, whole_history)
    slices, labels = cohort()
    tables = [predicted(state, slices, labels, ["P2", "P3"]) for state in (whole, resumed)]
    pd.testing.assert_frame_equal(*tables, check_exact=True)


@pytest.mark.slow
def test_a_killed_densenet_121_goes_on_to_the_bytes_of_an_uninterrupted_one(tmp_path, monkeypatch):
    test_a_killed_training_goes_on_to_the_bytes_of_an_uninterrupted_one(None, tmp_path, monkeypatch)


@pytest.mark.parametrize("changed", ["seed", "settings", "image"])
def test_the_checkpoint_of_another_training_is_not_taken_up(tiny, tmp_path, changed):
    slices, labels = cohort()
    train(checkpoint=tmp_path / "checkpoint.pt", slices_and_labels=(slices, labels))
    seed = 2 if changed == "seed" else 1
    settings = QUICK | ({"epochs": 5} if changed == "settings" else {})
    slices["P5"]["images"][0, 16, 16] += changed == "image"
    fresh, _ = train(settings, seed, (slices, labels))
    other, _ = train(settings, seed, (slices, labels), checkpoint=tmp_path / "checkpoint.pt")
    assert as_bytes(fresh) == as_bytes(other)


def test_a_finished_checkpoint_gives_its_weights_without_another_epoch(tiny, tmp_path, monkeypatch):
    first, _ = train(checkpoint=tmp_path / "checkpoint.pt")
    monkeypatch.setattr(optimisation, "apply_affine", None)  # nothing can be trained any more
    again, history = train(checkpoint=tmp_path / "checkpoint.pt")
    assert as_bytes(first) == as_bytes(again)
    assert len(history) == 4


def test_the_same_seed_gives_the_same_bytes_and_another_split_or_seed_does_not(tiny):
    one, two = train()[0], train()[0]
    assert as_bytes(one) == as_bytes(two)
    assert as_bytes(one) != as_bytes(train(seed=2)[0])
    assert as_bytes(one) != as_bytes(train(split="cv1-fold1")[0])


def test_the_global_random_state_is_neither_used_nor_changed(tiny):
    torch.manual_seed(1)
    one = train()[0]
    after = torch.rand(1)
    torch.manual_seed(1)
    assert torch.rand(1) == after
    assert as_bytes(one) == as_bytes(train()[0])


def test_test_patients_leave_no_trace_in_the_weights(tiny):
    slices, labels = cohort()
    honest = train(slices_and_labels=(slices, labels))[0]
    for patient in ("P2", "P3"):
        slices[patient]["images"] = slices[patient]["images"] // 2
        labels[patient] = "b"
    assert as_bytes(honest) == as_bytes(train(slices_and_labels=(slices, labels))[0])


def test_the_weights_kept_are_those_of_the_lowest_validation_loss(tiny, monkeypatch):
    losses = iter([0.5, 0.3, 0.4, 0.35, 0.2, 0.1])
    snapshots = []

    def scripted(network, *_):
        snapshots.append(as_bytes(network.state_dict()))
        return {"valid_loss": next(losses), "valid_auc": 0.5}

    monkeypatch.setattr(trainer, "_validate", scripted)
    best, history = train(QUICK | {"epochs": 6, "patience": 2})
    assert history["best"].tolist() == [True, True, False, False]  # stopped after two in vain
    assert as_bytes(best) == snapshots[1]


def test_without_validation_patients_every_epoch_is_run_and_the_last_is_kept(tiny, caplog):
    roles = roles_of(cohort()[1], validation=())
    _, history = train(QUICK | {"patience": 1}, roles=roles)
    assert history["epoch"].tolist() == [1, 2, 3, 4]
    assert history["best"].all()
    assert history["valid_loss"].isna().all()
    assert "holdout has no lesion of a validation patient: all 4 epochs are run" in caplog.text


def test_a_validation_patient_of_one_class_has_a_loss_and_no_auc(tiny):
    _, history = train(roles=roles_of(cohort()[1], validation=("P0",)))
    assert history["valid_loss"].notna().all()
    assert history["valid_auc"].isna().all()


def test_predictions_are_the_contract_table_of_mean_slice_probabilities(tiny):
    slices, labels = cohort()
    slices["P6"] = {"images": np.zeros((0, SIZE, SIZE), np.uint8), "lesion": np.zeros(0, int)}
    slices["P3"]["lesion"] = np.array([2, 2, 2, 2, 5, 5])  # numbers with gaps, unequal counts
    state, _ = train(slices_and_labels=(slices, labels))
    table = predicted(state, slices, labels, ["P2", "P3", "P6"], split="cv1-fold1")
    assert table.columns.tolist() == ["arm", "split", "patient", "lesion", "label", "score"]
    assert table["lesion"].dtype == np.int64
    assert table["score"].dtype == np.float64
    assert (table["arm"] == "densenet121").all()
    assert (table["split"] == "cv1-fold1").all()
    assert list(zip(table["patient"], table["lesion"], table["label"], strict=True)) == [
        *(("P2", lesion, "a") for lesion in (1, 2, 3)),
        *(("P3", lesion, "b") for lesion in (2, 5)),
    ]
    network = LesionNet()
    network.load_state_dict(state)
    network.eval()
    with torch.no_grad():
        images = network.prepare(torch.from_numpy(slices["P3"]["images"]))
        slice_scores = network(images).sigmoid().numpy()
    np.testing.assert_allclose(
        table["score"][3:], [slice_scores[:4].mean(), slice_scores[4:].mean()], rtol=1e-6
    )


def test_nobody_to_predict_is_an_empty_table_of_the_same_types(tiny):
    slices, labels = cohort()
    state = LesionNet().state_dict()
    full, none = (predicted(state, slices, labels, who) for who in (["P0"], []))
    assert len(none) == 0
    assert none.dtypes.to_dict() == full.dtypes.to_dict()


def test_every_lesion_has_the_same_weight_and_every_class_one_half():
    slices = {
        "P0": {"images": np.ones((5, SIZE, SIZE), np.uint8), "lesion": np.array([1, 1, 1, 1, 2])},
        "P1": {"images": np.ones((6, SIZE, SIZE), np.uint8), "lesion": np.repeat([1, 2, 3], 2)},
    }
    dataset = lesion_dataset(slices, {"P0": "a", "P1": "b"}, ["P0", "P1"], ["a", "b"])
    np.testing.assert_array_equal(np.bincount(dataset.lesions, dataset.weights), np.ones(5))
    classes = dataset.class_weights(2).double()
    shares = dataset.weights * classes[dataset.targets]
    np.testing.assert_allclose(np.bincount(dataset.targets, shares), [2.5, 2.5])


def test_draws_follow_the_weights_as_evenly_as_they_can():
    slices, labels = cohort()
    dataset = lesion_dataset(slices, labels, list(slices), ["a", "b"])
    generator = torch.Generator().manual_seed(1)
    drawn = np.bincount(dataset.draw(len(dataset), generator), minlength=len(dataset))
    assert (drawn == 1).all()  # equal weights: every image once
    per_lesion = np.bincount(dataset.lesions[dataset.draw(24, generator)], minlength=24)
    assert (per_lesion == 1).all()  # as many draws as lesions: one image of each


@pytest.mark.training
def test_black_stays_black_and_lesion_pixels_are_standardised():
    slices, labels = cohort()
    state, _ = train(QUICK | {"epochs": 1})
    shown = np.concatenate([slices[p]["images"] for p in ("P4", "P5", "P6", "P7")])
    assert float(state["mean"]) == pytest.approx(shown[shown > 0].mean(), rel=1e-4)
    assert float(state["deviation"]) == pytest.approx(shown[shown > 0].std(), rel=1e-4)
    network = LesionNet(state["mean"], state["deviation"])
    prepared = network.prepare(torch.from_numpy(shown))[:, 0].numpy()
    assert not prepared[shown == 0].any()
    assert prepared[shown > 0].mean() == pytest.approx(0, abs=1e-3)


def test_a_split_from_files_leaves_a_model_that_predicts_the_same(tiny, tmp_path):
    slices, labels = cohort()
    for patient, arrays in slices.items():
        save_slices(arrays, tmp_path / f"{patient}.npz")
    files = {patient: tmp_path / f"{patient}.npz" for patient in slices}
    splits = pd.DataFrame(
        [("holdout", patient, role) for patient, role in roles_of(labels).items()],
        columns=["split", "patient", "role"],
    )
    folder = tmp_path / "model"
    table = run_split(files, splits, labels, AB, QUICK, Run(seed=1), folder)
    state, facts = load_model(folder / "model.pt")
    again = predicted(state, slices, labels, ["P2", "P3"])
    pd.testing.assert_frame_equal(table, again, check_exact=True)
    assert facts["positive"] == "b"
    assert facts["settings"]["epochs"] == 4
    assert sorted(path.name for path in folder.iterdir()) == ["history.tsv", "model.pt"]
    history = pd.read_csv(folder / "history.tsv", sep="\t")
    assert history.columns.tolist() == [
        *("split", "epoch", "train_loss", "valid_loss", "valid_auc", "best")
    ]
    with pytest.raises(BadInput, match="split cv9-fold9"):
        run_split(files, splits, labels, AB, QUICK, Run("cv9-fold9"), folder)


@pytest.mark.parametrize("missing", ["a", "b"])
def test_a_class_without_a_training_slice_is_refused_by_the_name_of_the_split(missing):
    slices, labels = cohort()
    roles = {patient: "test" if labels[patient] == missing else "train" for patient in labels}
    with pytest.raises(BadInput, match=rf"cv1-fold3: no training patient of class {missing}"):
        train(slices_and_labels=(slices, labels), roles=roles, split="cv1-fold3")


def test_slices_of_two_sizes_are_refused_by_the_names_of_the_patients():
    slices, labels = cohort()
    slices["P4"] = {"images": np.ones((1, 40, 40), np.uint8), "lesion": np.array([1])}
    with pytest.raises(BadInput, match=r"'P4': \(40, 40\).*slices\.size"):
        train(slices_and_labels=(slices, labels))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epoch": 3}, r"densenet\.epoch\b"),
        ({"augment": {"flip": True}}, r"densenet\.augment\.flip"),
        (QUICK | {"learning_rate": 1e30}, r"Lower densenet\.learning_rate"),
    ],
    ids=["an unknown key", "an unknown augmentation", "a learning rate that diverges"],
)
def test_settings_that_cannot_work_are_refused_by_their_key(tiny, settings, message):
    with pytest.raises(BadInput, match=message):
        train(settings)


def test_an_unknown_device_is_refused():
    with pytest.raises(BadInput, match=r"densenet\.device is 'gpu'"):
        train(device="gpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_cuda_without_a_gpu_is_refused_with_what_to_do():
    with pytest.raises(BadInput, match=r"densenet\.device is cuda.*Set it to auto or cpu"):
        train(device="cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_a_gpu_learns_the_same_from_the_same_seed():
    slices, labels = cohort(patients=12, per_lesion=3)
    settings = {"epochs": 3, "batch_size": 16, "learning_rate": 1e-3}
    states = [train(settings, slices_and_labels=(slices, labels), device="cuda")[0] for _ in "12"]
    assert as_bytes(states[0]) == as_bytes(states[1])
    table = predicted(states[0], slices, labels, ["P2", "P3"], device="cuda")
    assert roc_auc_score(table["label"] == "b", table["score"]) > 0.9
