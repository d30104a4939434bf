"""DenseNet-121 with attention over slices: trained and tested on one split, from files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from livermets.core.devices import pick_device
from livermets.core.errors import BadInput
from livermets.core.seeds import derive_seed
from livermets.deep_learning.dataset import LesionDataset, Slices, lesion_dataset
from livermets.deep_learning.densenet import Run, output_classes
from livermets.deep_learning.losses import probabilities
from livermets.deep_learning.network import State, load_model, network_of, place
from livermets.deep_learning.patient_slices import labels_of_slices, load_patients, slice_rows
from livermets.deep_learning.settings import read_settings
from livermets.pooling.slice_attention import (
    AttentionTraining,
    SliceAttention,
    train_slice_attention,
)
from livermets.predictions.predictions_table import prediction_columns, score_columns
from livermets.predictions.task import Task
from livermets.study.names import lesion_key
from livermets.study.pooling import ATTENTION, slice_arm

ARM = slice_arm(ATTENTION)


@dataclass(frozen=True)
class AttentionResult:
    """What the training of a split gives.

    Parameters
    ----------
    predictions : data frame
        A prediction table of the test patients.
    attention : data frame
        split, patient, scan (where the study has scans), lesion, slice (from 1, in the order of z)
        and attention of their slices, which adds up to 1 in each lesion.
    history : data frame
        split, epoch (0 is the mean), train_loss, valid_loss and best.
    """

    predictions: pd.DataFrame
    attention: pd.DataFrame
    history: pd.DataFrame


def attend_slices(
    state: State,
    slices: Slices,
    labels: Mapping[str, str],
    roles: Mapping[str, str],
    task: Task,
    settings: Mapping[str, Any],
    epochs: int,
    run: Run,
) -> AttentionResult:
    """Train a split's DenseNet-121 on with attention over slices, and test it.

    Parameters
    ----------
    state : dict
        Weights of the `LesionNet` of this very split, which has seen no test patient.
    slices : mapping
        Slices of each patient.
    labels : mapping
        Class name of each scan, by its id (`core.scan_ids`).
    roles : mapping
        Role of each patient: train, validation or test.
    task : Task
        The classes.
    settings : mapping
        `densenet` of the configuration.
    epochs : int
        Epochs of the training.
    run : Run
        Split, seed, device and threads.

    Raises
    ------
    BadInput
        No training or no test patient has a slice.
    """
    torch.set_num_threads(run.threads)
    outputs = output_classes(task)
    network = network_of(state, len(outputs))
    device = pick_device(run.device, "densenet.device")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(run.seed, ARM, run.split, "weights"))
        model = SliceAttention(place(network, device)).to(device)
    sets = {
        role: lesion_dataset(slices, labels, sorted(p for p in roles if roles[p] == role), outputs)
        for role in ("train", "validation", "test")
    }
    for role in ("train", "test"):
        if not len(sets[role]):
            raise BadInput(f"{run.split}: no {role} patient has a lesion slice: add patients.")
    placed = {role: dataset.to(device) for role, dataset in sets.items()}
    generator = torch.Generator().manual_seed(derive_seed(run.seed, ARM, run.split, "training"))
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
        history = train_slice_attention(
            model,
            placed["train"],
            placed["validation"] if len(sets["validation"]) else None,
            AttentionTraining(epochs, read_settings(settings)),
            generator,
        )
    tested = sorted(patient for patient in roles if roles[patient] == "test")
    predictions, attention = _tables(model, placed["test"], slices, tested, labels, task, run.split)
    return AttentionResult(predictions, attention, pd.DataFrame(history).assign(split=run.split))


def _tables(
    model: SliceAttention,
    dataset: LesionDataset,
    slices: Slices,
    patients: Sequence[str],
    labels: Mapping[str, str],
    task: Task,
    split: str,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Predictions of the test lesions, and the attention of their slices."""
    logits, weights = model.score(dataset)
    rows = pd.concat(
        [
            slice_rows(patient, slices[patient]).assign(
                label=labels_of_slices(patient, slices[patient], labels)
            )
            for patient in patients
            if len(slices.get(patient, {}).get("lesion", ()))
        ],
        ignore_index=True,
    )
    lesion = lesion_key(rows)
    rows.insert(0, "split", split)
    rows["slice"] = rows.groupby(lesion).cumcount() + 1
    rows["attention"] = weights.double().cpu().numpy()
    table = rows[["split", *lesion, "label"]].drop_duplicates(ignore_index=True).assign(arm=ARM)
    outputs, classes = output_classes(task), list(task.classes)
    chances = probabilities(logits.double()).cpu().numpy()
    for column, name in zip(
        ["score", *score_columns(classes)], [task.positive, *classes], strict=False
    ):
        table[column] = chances[:, outputs.index(name)]
    predictions = table[[*prediction_columns(table), *score_columns(classes)]]
    return predictions, rows.drop(columns="label")


def attend_slices_of_split(
    model: Path,
    slice_files: Mapping[str, Path],
    splits: pd.DataFrame,
    labels: Mapping[str, str],
    task: Task,
    settings: Mapping[str, Any],
    epochs: int,
    run: Run,
) -> AttentionResult:
    """Train and test attention over slices from files, as a job of the workflow does.

    Parameters
    ----------
    model : path
        `model.pt` of DenseNet-121 of the split.
    slice_files : mapping
        File of the slices of each patient.
    splits : data frame
        Columns split, patient, role.
    labels : mapping
    task : Task
    settings : mapping
    epochs : int
    run : Run
        As in `attend_slices`.
    """
    of_split = splits[splits["split"] == run.split]
    roles = dict(zip(of_split["patient"], of_split["role"], strict=True))
    slices = load_patients(slice_files, roles)
    state, _ = load_model(model)
    return attend_slices(state, slices, labels, roles, task, settings, epochs, run)
