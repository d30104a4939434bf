"""DenseNet-121 on lesion slices: trained on patients, scores averaged per lesion.

After the paper (10.1186/s40644-023-00612-4, "Deep learning"). Two things that the paper leaves open
are decided here. The score of a lesion ("accumulated") is the mean of its slices' probabilities.
In training every lesion weighs the same, whatever its number of slices, and so does every class;
with `weigh: patients` every patient does.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from livermets.core.code_digest import code_digest
from livermets.core.devices import pick_device
from livermets.core.errors import BadInput
from livermets.core.io import write_table
from livermets.core.seeds import derive_seed
from livermets.deep_learning.dataset import LESIONS, LesionDataset, Slices, lesion_dataset
from livermets.deep_learning.inference import lesion_means, predict
from livermets.deep_learning.losses import probabilities
from livermets.deep_learning.network import LesionNet, State, place, save_model, trained_network
from livermets.deep_learning.patient_slices import labelled_lesions, load_patients
from livermets.deep_learning.pretrained_weights import load_pretrained
from livermets.deep_learning.settings import read_settings
from livermets.deep_learning.trainer import TrainingDiverged, fit
from livermets.predictions.predictions_table import COLUMNS, prediction_columns, score_columns
from livermets.predictions.task import Task, require_every_class
from livermets.study.names import DENSENET

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """The settings of one training: the split, the seed and the device.

    Parameters
    ----------
    split : str
        Name of the split.
    seed : int
        The study's seed; the random numbers of a training depend on the split, too.
    device : {"auto", "cpu", "cuda"}
        Where the network runs.
    threads : int
        Number of CPU threads.
    """

    split: str = "holdout"
    seed: int = 2023
    device: str = "auto"
    threads: int = 1


def train_split(
    slices: Slices,
    labels: Mapping[str, str],
    roles: Mapping[str, str],
    task: Task,
    settings: Mapping[str, Any],
    run: Run,
    checkpoint: Path | None = None,
) -> tuple[State, pd.DataFrame]:
    """Train on the training patients of a split; its validation patients, if any, end the training.

    Parameters
    ----------
    slices : mapping
        Slices of each patient; a patient without lesions may be missing or have empty arrays.
    labels : mapping
        Class name of each scan, by its id (`core.scan_ids`).
    roles : mapping
        Role of each patient: train, validation or test.
    task : Task
        The classes.
    settings : mapping
        `densenet` of the configuration; missing keys take the values of `TrainingConfig`.
    run : Run
        Split, seed and device.
    checkpoint : path, optional
        See `livermets.deep_learning.trainer.fit`.

    Returns
    -------
    state : dict
        Weights of a `LesionNet`. Same seed, device and threads give the same bytes.
    history : data frame
        Columns split, epoch, train_loss, valid_loss, valid_auc, best.

    Raises
    ------
    BadInput
        A class has no training slice, a setting is unknown, the file of weights cannot be used, or
        the training diverges.
    """
    torch.set_num_threads(run.threads)
    config = read_settings(settings)
    outputs = output_classes(task)
    weigh = settings.get("weigh", LESIONS)
    train, valid = (
        lesion_dataset(slices, labels, _with_role(roles, role), outputs, weigh)
        for role in ("train", "validation")
    )
    require_every_class(
        train.targets.tolist(), outputs, run.split, "lesion slice",
        "add patients, enlarge the training part of `splits`, or set densenet: null",
    )  # fmt: skip
    network = _new_network(train, outputs, run)
    if weights := settings.get("weights"):
        load_pretrained(network.densenet, Path(weights["path"]), weights["sha256"])
        log.info("%s: starting from the weights of %s", run.split, weights["path"])
    place(network, pick_device(run.device, "densenet.device"))
    generator = torch.Generator().manual_seed(
        derive_seed(run.seed, DENSENET, run.split, "training")
    )
    log.info("%s: %d slices to train on, %d to validate", run.split, len(train), len(valid))
    if not len(valid):
        log.warning(
            "%s has no lesion of a validation patient: all %d epochs are run, and the last weights "
            "are kept; `validation` of its scheme in `splits` says how many patients validate",
            run.split,
            config.epochs,
        )
    try:
        with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
            best, epochs = fit(
                network,
                train,
                valid if len(valid) else None,
                config,
                generator,
                checkpoint,
                identity=code_digest(Path(__file__)) if checkpoint else "",
            )
    except TrainingDiverged as problem:
        raise BadInput(
            f"the training of DenseNet-121 diverged in epoch {problem.epoch}. "
            "Lower densenet.learning_rate."
        ) from problem
    history = pd.DataFrame(epochs)
    history.insert(0, "split", run.split)
    return best, history


def predict_split(
    state: State,
    slices: Slices,
    labels: Mapping[str, str],
    patients: Sequence[str],
    task: Task,
    run: Run,
    mixed_precision: bool = True,
) -> pd.DataFrame:
    """Predict the lesions of some patients; patients without lesions have no row.

    Parameters
    ----------
    state : dict
        Weights of a `LesionNet`.
    slices, labels : mapping
        As in `train_split`.
    patients : sequence of str
        Patients to predict.
    task : Task
        The classes.
    run : Run
        Split and device.
    mixed_precision : bool
        Whether a GPU computes with 16 bits.

    Returns
    -------
    data frame
        The columns of a prediction table. The score is the mean probability of the positive class
        over the lesion's slices; with three or more classes score_CLASS is that of each.
    """
    torch.set_num_threads(run.threads)
    outputs, classes = output_classes(task), list(task.classes)
    network = trained_network(state, len(outputs), run.device)
    columns = ["score", *score_columns(classes)]
    places = [outputs.index(name) for name in (task.positive, *classes)][: len(columns)]
    rows = []
    for patient in patients:
        dataset = lesion_dataset(slices, labels, [patient], outputs)
        if not len(dataset):
            continue
        logits = predict(network, dataset.to(network.mean.device), mixed_precision=mixed_precision)
        means = lesion_means(probabilities(logits.double()).cpu(), dataset.lesions)
        fixed = {"arm": DENSENET, "split": run.split, "patient": patient}
        rows += [
            fixed | lesion | dict(zip(columns, scores, strict=True))
            for lesion, scores in zip(
                labelled_lesions(patient, dict(slices[patient]), labels),
                means[:, places].tolist(),
                strict=True,
            )
        ]
    named = prediction_columns(rows[0] if rows else COLUMNS)
    table = pd.DataFrame(rows, columns=[*named, *columns[1:]])
    types = dict.fromkeys(table, "str") | {"lesion": "int64"} | dict.fromkeys(columns, "float64")
    return table.astype(types)


def run_split(
    slice_files: Mapping[str, Path],
    splits: pd.DataFrame,
    labels: Mapping[str, str],
    task: Task,
    settings: Mapping[str, Any],
    run: Run,
    folder: Path,
) -> pd.DataFrame:
    """Train and test one split from files, as a job of the workflow does.

    Parameters
    ----------
    slice_files : mapping
        File of `save_slices` of each scan, by its id.
    splits : data frame
        Columns split, patient, role.
    labels : mapping
        Class name of each scan, by its id (`core.scan_ids`).
    task : Task
        The classes.
    settings : mapping
        `densenet` of the configuration.
    run : Run
        Split, seed and device.
    folder : path
        Gets `model.pt` and `history.tsv`, and `checkpoint.pt` until they are written.

    Returns
    -------
    data frame
        Predictions for the test patients, see `predict_split`.

    Raises
    ------
    BadInput
        The table has no such split; or as in `train_split`.
    """
    of_split = splits[splits["split"] == run.split]
    roles = dict(zip(of_split["patient"], of_split["role"], strict=True))
    if not roles:
        raise BadInput(f"split {run.split} is not in the table of splits. Remake splits.parquet.")
    slices = load_patients(slice_files, roles)
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / "checkpoint.pt"
    state, history = train_split(slices, labels, roles, task, settings, run, checkpoint)
    predictions = predict_split(
        state, slices, labels, _with_role(roles, "test"), task, run,
        read_settings(settings).mixed_precision,
    )  # fmt: skip
    write_table(folder / "history.tsv", history)
    description = {
        "arm": DENSENET,
        "split": run.split,
        "positive": task.positive,
        "settings": dict(settings),
        "outputs": output_classes(task),
    }
    save_model(state, description, folder / "model.pt")
    checkpoint.unlink()
    return predictions


def output_classes(task: Task) -> list[str]:
    """List the classes in the order of the network's outputs: the positive one is the last."""
    return sorted(task.classes, key=lambda name: name == task.positive)


def _new_network(train: LesionDataset, outputs: Sequence[str], run: Run) -> LesionNet:
    """An untrained network with the standardisation of the training patients."""
    values, counts = np.arange(1, 256), train.grey_levels()[1:]  # 0 is not the lesion
    n = counts.sum()
    mean = values @ counts / n
    deviation = np.sqrt((values - mean) ** 2 @ counts / max(1, n - 1))
    with torch.random.fork_rng(devices=[]):  # MONAI draws the first weights from the global state
        torch.manual_seed(derive_seed(run.seed, DENSENET, run.split, "weights"))
        return LesionNet(mean, max(1.0, deviation), len(outputs), train.channels)


def _with_role(roles: Mapping[str, str], role: str) -> list[str]:
    return sorted(patient for patient in roles if roles[patient] == role)
