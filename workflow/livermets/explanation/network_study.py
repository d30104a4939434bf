"""The network of a split: Grad-CAM and occlusion of its test lesions, and examples to look at."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from livermets.core.errors import BadInput
from livermets.deep_learning.dataset import Slices
from livermets.deep_learning.densenet import Run, output_classes
from livermets.deep_learning.mapped_slices import StackedImages
from livermets.deep_learning.network import LesionNet, State, load_model, trained_network
from livermets.deep_learning.patient_slices import labelled_lesions, load_patients
from livermets.explanation.examples import NO_EXAMPLE, number_examples
from livermets.explanation.grad_cam import grad_cam, region_shares
from livermets.explanation.image_probabilities import BATCH
from livermets.explanation.lesion_regions import MASKS, middle, read_slices
from livermets.explanation.occlusion import occluded_scores
from livermets.explanation.variants import AS_IS
from livermets.predictions.predictions_table import score_columns
from livermets.predictions.task import Task


@dataclass(frozen=True)
class NetworkLook:
    """What the network of a split looked at.

    Parameters
    ----------
    scores : data frame
        A row for each test lesion and variant of occlusion: variant, split, patient, scan (where
        there is one), lesion, label, score and, with three or more classes, score_CLASS.
    maps : data frame
        A row for each test lesion: split, patient, scan, lesion, label, called, score (of the class
        called), slice, the columns of `region_shares`, and example, its place in the arrays or -1.
    examples : dict of ndarray
        images uint8, masks bool and maps float16, all of shape (examples, size, size).
    """

    scores: pd.DataFrame
    maps: pd.DataFrame
    examples: dict[str, np.ndarray]


def look_at_split(
    model: Path,
    slice_files: Mapping[str, Path],
    splits: pd.DataFrame,
    labels: Mapping[str, str],
    task: Task,
    run: Run,
    settings: Mapping[str, Any],
) -> NetworkLook:
    """Look at the test lesions of one split with its DenseNet-121, from files.

    Parameters
    ----------
    model : path
        `model.pt` of the split.
    slice_files : mapping
        File of the slices of each scan, by its id.
    splits : data frame
        Columns split, patient, role.
    labels : mapping
        Class name of each scan, by its id (`core.scan_ids`).
    task : Task
        The classes.
    run : Run
        Split, seed, device and threads.
    settings : mapping
        `explanation` of the configuration: rim_share, examples.

    Returns
    -------
    NetworkLook
        The tables and the examples.
    """
    tested = splits[(splits["split"] == run.split) & (splits["role"] == "test")]
    slices = load_patients(slice_files, set(tested["patient"]))
    return look_at_lesions(load_model(model)[0], slices, labels, task, run, settings)


def look_at_lesions(
    state: State,
    slices: Slices,
    labels: Mapping[str, str],
    task: Task,
    run: Run,
    settings: Mapping[str, Any],
) -> NetworkLook:
    """Look at the lesions of some patients, as `look_at_split` does from files.

    Parameters
    ----------
    state : dict
        Weights of a `LesionNet`.
    slices : mapping
        Slices of each patient; a patient without lesions may have empty arrays.
    labels : mapping
        Class name of each scan, by its id (`core.scan_ids`).
    task : Task
        The classes.
    run : Run
        Split, seed, device and threads.
    settings : mapping
        As in `look_at_split`.

    Returns
    -------
    NetworkLook
        The tables and the examples.

    Raises
    ------
    BadInput
        No patient has a lesion.
    """
    torch.set_num_threads(run.threads)
    outputs = output_classes(task)
    network = trained_network(state, len(outputs), run.device)
    arrays, named = _joined(slices, labels, run.split)
    columns = ["score", *score_columns(list(task.classes))]
    places = [outputs.index(name) for name in (task.positive, *task.classes)][: len(columns)]
    occluded = occluded_scores(network, arrays, settings["rim_share"])
    lesions = pd.DataFrame(named)
    scores = [
        lesions.join(pd.DataFrame(values[:, places], columns=columns)).assign(variant=variant)
        for variant, values in occluded.items()
    ]
    rows, images = _largest_slices(network, arrays, occluded[AS_IS], settings["rim_share"])
    found = pd.DataFrame(rows)
    maps = lesions.join(found.assign(called=[outputs[number] for number in found["called"]]))
    maps = number_examples(maps, settings["examples"], run.seed)
    chosen = maps[maps["example"] != NO_EXAMPLE].sort_values("example").index
    examples = {name: part[chosen] for name, part in images.items()}
    return NetworkLook(pd.concat(scores, ignore_index=True), maps, examples)


def _joined(
    slices: Slices, labels: Mapping[str, str], split: str
) -> tuple[dict[str, Any], list[dict[str, object]]]:
    """The slices of all patients as if of one, and the names of the lesions in their order."""
    parts: list[dict[str, Any]] = []
    named: list[dict[str, object]] = []
    for patient in sorted(slices):
        arrays = slices[patient]
        if not len(arrays["lesion"]):
            continue
        _, number = np.unique(arrays["lesion"], return_inverse=True)
        own = {"lesion": number + len(named), "slice": np.arange(len(number))}
        parts.append({**arrays, **own})
        known = {"split": split, "patient": patient}
        named += [known | lesion for lesion in labelled_lesions(patient, dict(arrays), labels)]
    if not parts:
        raise BadInput(
            f"{split}: none of its test patients has a lesion slice, so there is nothing to look "
            "at. Remake results/splits.parquet, or set explanation: null."
        )
    joined: dict[str, Any] = {"images": StackedImages([part["images"] for part in parts])}
    others = [name for name in ("lesion", "slice", MASKS) if name in parts[0]]
    return joined | {name: np.concatenate([p[name] for p in parts]) for name in others}, named


def _largest_slices(
    network: LesionNet,
    arrays: Mapping[str, np.ndarray],
    chances: np.ndarray,
    rim_share: float,
) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """Grad-CAM of the slice of each lesion in which it is largest, for the class of the lesion."""
    every = np.arange(len(arrays["lesion"]))
    blocks = np.array_split(every, -(-len(every) // BATCH))
    areas = np.concatenate([middle(read_slices(arrays, i)[1]).sum((1, 2)) for i in blocks])
    order = np.lexsort((-areas, arrays["lesion"]))
    _, first = np.unique(np.asarray(arrays["lesion"])[order], return_index=True)
    largest = order[first]
    images, masks = read_slices(arrays, largest)
    called = chances.argmax(axis=1)
    maps = grad_cam(network, network.prepare(images), called)
    shown = middle(images.numpy() if images.ndim == 4 else images.numpy()[:, None])
    rows = [
        {
            "called": int(number),
            "called_score": float(chance[number]),
            "slice": int(arrays["slice"][row]),
            **region_shares(values, mask, rim_share),
        }
        for number, chance, row, values, mask in zip(
            called, chances, largest, maps, middle(masks), strict=True
        )
    ]
    peak = maps.max((1, 2), keepdims=True)
    scaled = np.divide(maps, peak, out=np.zeros_like(maps), where=peak > 0)
    return rows, {"images": shown, "masks": middle(masks), "maps": scaled.astype(np.float16)}
