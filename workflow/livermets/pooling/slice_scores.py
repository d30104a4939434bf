"""Slice scores: the probabilities of every slice, and lesion scores by other ways than their mean.

The score of a lesion is the mean over its slices, as in the paper. Where few slices of a lesion
tell its class, its highest slices may say more.
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import torch

from livermets.deep_learning.dataset import Slices, lesion_dataset
from livermets.deep_learning.densenet import Run, output_classes
from livermets.deep_learning.inference import predict
from livermets.deep_learning.losses import probabilities
from livermets.deep_learning.network import State, load_model, trained_network
from livermets.deep_learning.patient_slices import labels_of_slices, load_patients, slice_rows
from livermets.predictions.predictions_table import prediction_columns, score_columns
from livermets.predictions.task import Task
from livermets.study.names import lesion_key


def score_slices(
    state: State,
    slices: Slices,
    labels: Mapping[str, str],
    task: Task,
    run: Run,
    mixed_precision: bool = True,
) -> pd.DataFrame:
    """Score every slice of some patients with a trained DenseNet-121.

    Parameters
    ----------
    state : dict
        Weights of a `LesionNet`.
    slices : mapping
        Slices of each patient to score; a patient without lesions may have empty arrays.
    labels : mapping
        Class name of each scan, by its id (`core.scan_ids`).
    task : Task
        The classes.
    run : Run
        Split, device and threads.
    mixed_precision : bool
        Whether a GPU computes with 16 bits.

    Returns
    -------
    data frame
        split, patient, scan (where the study has scans), lesion, label, slice (from 1 in each
        lesion, in the order of z) and score, the probability of the positive class; with three or
        more classes score_CLASS of each.
    """
    torch.set_num_threads(run.threads)
    outputs, classes = output_classes(task), list(task.classes)
    network = trained_network(state, len(outputs), run.device)
    names = ["score", *score_columns(classes)]
    places = [outputs.index(name) for name in (task.positive, *classes)][: len(names)]
    tables = []
    for patient in sorted(slices):
        dataset = lesion_dataset(slices, labels, [patient], outputs)
        if not len(dataset):
            continue
        logits = predict(network, dataset.to(network.mean.device), mixed_precision=mixed_precision)
        chances = probabilities(logits.double()).cpu().numpy()[:, places]
        table = slice_rows(patient, slices[patient])
        number = table.groupby(lesion_key(table)).cumcount() + 1
        table.insert(0, "split", run.split)
        named = labels_of_slices(patient, slices[patient], labels)
        table = table.assign(label=named, slice=number)
        tables.append(table.join(pd.DataFrame(chances, columns=names)))
    empty = pd.DataFrame([], [], ["split", *lesion_key([]), "label", "slice", *names])
    return pd.concat(tables, ignore_index=True) if tables else empty


def pool_slices(
    slice_scores: pd.DataFrame, pooling: str, top_k: int, classes: list[str], arm: str
) -> pd.DataFrame:
    """Pool the slices of each lesion to a prediction table.

    Parameters
    ----------
    slice_scores : data frame
        As `score_slices` returns it, of one split or more.
    pooling : {"max", "topk"}
        The highest probability of a lesion's slices, or the mean of the `top_k` highest; a lesion
        with fewer slices is scored by all of them. Of three or more classes each is pooled by
        itself, and the results are divided by their sum.
    top_k : int
        Number of slices of `topk`.
    classes : list of str
        The study's class names.
    arm : str
        Name of the arm.

    Returns
    -------
    data frame
        A prediction table, one row per lesion and split.
    """
    count = {"max": 1, "topk": top_k}[pooling]
    names = ["score", *score_columns(classes)]
    lesion = [slice_scores[name] for name in ["split", *lesion_key(slice_scores), "label"]]
    pooled = {}
    for name in names:
        scores = slice_scores[name]
        highest = scores.groupby(lesion).rank(method="first", ascending=False) <= count
        pooled[name] = scores[highest].groupby([part[highest] for part in lesion]).mean()
    table = pd.DataFrame(pooled)
    if names[1:]:
        total = table[names[1:]].sum(axis=1)
        table = table.div(total, axis=0)
    table = table.reset_index().assign(arm=arm)
    return table[[*prediction_columns(table), *names[1:]]]


def score_split(
    model: Path,
    slice_files: Mapping[str, Path],
    splits: pd.DataFrame,
    labels: Mapping[str, str],
    task: Task,
    run: Run,
) -> pd.DataFrame:
    """Score the slices of the test patients of one split, from files.

    Parameters
    ----------
    model : path
        `model.pt` of the split.
    slice_files : mapping
        File of the slices of each patient.
    splits : data frame
        Columns split, patient, role.
    labels : mapping
    task : Task
    run : Run
        As in `score_slices`.

    Returns
    -------
    data frame
        As `score_slices` returns it.
    """
    tested = splits[(splits["split"] == run.split) & (splits["role"] == "test")]
    slices = load_patients(slice_files, set(tested["patient"]))
    state, facts = load_model(model)
    precision = facts["settings"].get("mixed_precision", True)
    return score_slices(state, slices, labels, task, run, precision)
