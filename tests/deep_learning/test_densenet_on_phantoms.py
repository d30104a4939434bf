"""DenseNet-121 as a whole: it learns by heart, finds what is there, and nothing where nothing is.

The phantoms are those of the demo; their slices are drawn as the workflow draws them.
"""

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
import torch
from helpers.feature_tables import folds_of
from livermets.core.scan_ids import patient_of
from livermets.deep_learning import densenet
from livermets.deep_learning.densenet import Run, predict_split, run_split, train_split
from livermets.deep_learning.lesion_slices import lesion_slices, save_slices
from livermets.evaluation.evaluate import evaluate
from livermets.phantoms.phantom import make_phantom
from livermets.predictions.task import Task
from livermets.sensitivity.label_permutation import permute_labels
from scipy import ndimage

CLASSES = ["colorectal", "pancreatic"]
TASK = Task(CLASSES, "pancreatic")
GRID = {"size": (32, 96, 96), "spacing_mm": (2.5, 2.5, 3.0)}
SHORT = {"epochs": 8, "batch_size": 16, "learning_rate": 2e-3}


def learn_by_heart(epochs: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Losses of a training on eight slices of noise whose labels mean nothing, and predictions."""
    rng = np.random.default_rng(1)
    slices = {
        f"P{k}": {"images": rng.integers(1, 256, (1, 32, 32)).astype(np.uint8), "lesion": [1]}
        for k in range(8)
    }
    labels = dict(zip(slices, np.repeat(CLASSES, 4), strict=True))
    settings = {"epochs": epochs, "batch_size": 8, "learning_rate": 3e-3, "weight_decay": 0}
    roles = dict.fromkeys(labels, "train")
    augment = {"augment": {"probability": 0}}
    state, history = train_split(slices, labels, roles, TASK, settings | augment, Run())
    return history, predict_split(state, slices, labels, sorted(labels), TASK, Run())


@pytest.mark.training
def test_eight_slices_of_noise_are_learned_by_heart():
    history, _ = learn_by_heart(epochs=8)
    assert history["train_loss"].iloc[0] > 0.5
    assert history["train_loss"].iloc[-1] < 0.05


@pytest.mark.slow
def test_eight_slices_learned_by_heart_are_known_where_the_network_is_used():
    """The normalisation then uses running means, which take some thirty steps to arrive."""
    _, table = learn_by_heart(epochs=30)
    loss = -np.log(np.where(table["label"] == "pancreatic", table["score"], 1 - table["score"]))
    assert loss.mean() < 0.05


def test_slices_never_cross_a_split(tmp_path, monkeypatch):
    """Every slice has its patient's number as grey level; some patients have two scans."""
    numbers = {f"P{k:02d}": k + 1 for k in range(24)}
    labels = {patient: CLASSES[k % 2] for patient, k in numbers.items()}
    files = {}
    for patient, k in numbers.items():
        images = {"images": np.full((3, 32, 32), k, np.uint8), "lesion": np.array([1, 1, 2])}
        for scan in [patient] if k % 3 else [f"{patient}@baseline", f"{patient}@later"]:
            files[scan] = tmp_path / f"{scan}.npz"
            save_slices(images, files[scan])
    of_scans = {scan: labels[patient_of(scan)] for scan in files}
    splits = folds_of(pd.DataFrame(labels.items(), columns=["patient", "label"]), 4, 2)
    seen = {}

    class Seen(Exception):
        """Ends the training once its data are known."""

    def look(network, train, valid, *_, **__):
        seen.update(train=train, validation=valid)
        raise Seen

    monkeypatch.setattr(densenet, "fit", look)
    tested = []
    for split, rows in splits.groupby("split"):
        with pytest.raises(Seen):
            run_split(files, splits, of_scans, TASK, {}, Run(split), tmp_path / "model")
        for role, dataset in seen.items():
            found = {k for k, count in enumerate(dataset.grey_levels()) if count}
            assert found == {numbers[name] for name in rows.loc[rows["role"] == role, "patient"]}
        tested += rows.loc[rows["role"] == "test", "patient"].tolist()
    assert sorted(tested) == sorted(numbers)


def phantom_slices() -> tuple[dict, pd.DataFrame]:
    """Slices of a few lesions of 24 phantoms, and their labels."""
    slices, labels = {}, {}
    for number in range(24):
        patient, label = f"P{number:02d}", CLASSES[number % 2]
        few = dict.fromkeys(CLASSES, 4)
        ct, mask = make_phantom(patient, label, CLASSES, 2023, lesions_per_class=few, **GRID)
        labelled, _ = ndimage.label(sitk.GetArrayFromImage(mask) == 2, np.ones((3, 3, 3)))
        lesions = sitk.GetImageFromArray(labelled.astype(np.uint16))
        lesions.CopyInformation(mask)
        slices[patient] = lesion_slices(ct, lesions, size=32, max_per_lesion=2)
        labels[patient] = label
    return slices, pd.DataFrame(labels.items(), columns=["patient", "label"])


def cross_validated_auc(slices: dict, table: pd.DataFrame) -> dict[str, float]:
    """The AUC by patient with its interval, as the report gives it."""
    splits, labels = folds_of(table, 4, 2), table.set_index("patient")["label"].to_dict()
    predictions = []
    for split, rows in splits.groupby("split"):
        roles = rows.set_index("patient")["role"].to_dict()
        run = Run(str(split), seed=2023)
        state, _ = train_split(slices, labels, roles, TASK, SHORT, run)
        tested = [patient for patient, role in roles.items() if role == "test"]
        predictions.append(predict_split(state, slices, labels, tested, TASK, run))
    metrics = evaluate(pd.concat(predictions), CLASSES, TASK.positive)
    auc = metrics[(metrics["metric"] == "auc") & (metrics["level"] == "patient")]
    print(f"AUC {auc['value'].item():.2f} ({auc['low'].item():.2f} to {auc['high'].item():.2f})")
    return auc[["value", "low", "high"]].iloc[0].to_dict()


@pytest.mark.slow
def test_phantoms_are_told_apart_and_phantoms_of_permuted_labels_are_not():
    torch.set_num_threads(1)
    slices, table = phantom_slices()
    assert cross_validated_auc(slices, table)["value"] > 0.8
    permuted = table.assign(label=table["patient"].map(permute_labels(table, 2023)))
    chance = cross_validated_auc(slices, permuted)
    assert chance["low"] <= 0.5 <= chance["high"]
