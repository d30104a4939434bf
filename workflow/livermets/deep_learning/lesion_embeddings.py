"""Embeddings of lesions by the DenseNet-121 of one split, as a table of features."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from livermets.core.errors import BadInput
from livermets.deep_learning.dataset import Slices, lesion_dataset
from livermets.deep_learning.densenet import Run, output_classes
from livermets.deep_learning.embeddings import take_last_layer
from livermets.deep_learning.inference import lesion_means, predict
from livermets.deep_learning.network import State, load_model, trained_network
from livermets.deep_learning.patient_slices import lesions_of, load_patients
from livermets.predictions.task import Task
from livermets.study.names import DENSENET


def embed_lesions(
    state: State, slices: Slices, task: Task, run: Run, mixed_precision: bool = True
) -> pd.DataFrame:
    """Embed the lesions of patients: the mean over the slices of each.

    Parameters
    ----------
    state : dict
        Weights of a `LesionNet`.
    slices : mapping
        Slices of each patient; a patient without lesions may have empty arrays.
    task : Task
        The classes.
    run : Run
        Split, device and threads.
    mixed_precision : bool
        Whether a GPU computes with 16 bits.

    Returns
    -------
    data frame
        split, patient, scan (where the study has scans), lesion, and densenet121_0000 and so on.
    """
    torch.set_num_threads(run.threads)
    outputs = output_classes(task)
    network = trained_network(state, len(outputs), run.device)
    take_last_layer(network)
    tables = []
    for patient in sorted(slices):
        dataset = lesion_dataset(slices, None, [patient], outputs)
        if not len(dataset):
            continue
        placed = dataset.to(network.mean.device)
        embedded = predict(network, placed, mixed_precision=mixed_precision)
        values = lesion_means(embedded.cpu().double(), dataset.lesions.cpu()).float().numpy()
        names = [f"{DENSENET}_{number:04d}" for number in range(values.shape[1])]
        table = pd.DataFrame(lesions_of(dict(slices[patient])))
        table.insert(0, "patient", patient)
        tables.append(table.join(pd.DataFrame(np.asarray(values), columns=names)))
    table = pd.concat(tables, ignore_index=True)
    table.insert(0, "split", run.split)
    return table


def embed_split(
    model: Path, slice_files: Mapping[str, Path], splits: pd.DataFrame, task: Task, run: Run
) -> pd.DataFrame:
    """Embed the lesions of all patients of a split by its own network, from files.

    Parameters
    ----------
    model : path
        `model.pt` of the split.
    slice_files : mapping
        File of the slices of each scan, by its id.
    splits : data frame
        Columns split, patient, role.
    task : Task
    run : Run
        As in `embed_lesions`.

    Raises
    ------
    BadInput
        The network was trained on another split, so it may have seen this one's test patients.
    """
    state, facts = load_model(model)
    if facts["split"] != run.split:
        raise BadInput(
            f"{model} was trained on {facts['split']} and may have seen the test patients of "
            f"{run.split}: delete results/models/densenet121/{run.split} and run again."
        )
    slices = load_patients(slice_files, set(splits.loc[splits["split"] == run.split, "patient"]))
    precision = facts["settings"].get("mixed_precision", True)
    return embed_lesions(state, slices, task, run, precision)
