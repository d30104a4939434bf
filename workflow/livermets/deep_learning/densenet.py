"""DenseNet-121 on lesion slices: from scratch, patient-wise, its outputs accumulated per lesion.

After the paper (doi 10.1186/s40644-023-00612-4, "Deep learning"; the network: Huang et al. 2017,
doi 10.1109/CVPR.2017.243, as MONAI builds it). What the paper leaves open is decided here:

- "Accumulated" is the mean of a lesion's slice probabilities.
- Every lesion weighs the same in training, whatever its number of slices, and so does every class.
- Two classes have one logit and a sigmoid, three or more a logit each and a softmax.
- Lesion pixels are standardised by the training patients' mean and deviation and the black
  becomes 0: the texture is some 10 HU in a window of 330, and the outline would drown it.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from monai.networks.nets.densenet import DenseNet121

from livermets.core.devices import pick_device
from livermets.core.errors import BadInput
from livermets.core.seeds import derive
from livermets.deep_learning.augmentation import Moves
from livermets.deep_learning.lesion_slices import load_slices
from livermets.deep_learning.losses import probabilities
from livermets.deep_learning.trainer import (
    Examples,
    Network,
    Recipe,
    fit,
    lesion_means,
    predict,
    save,
)
from livermets.predictions.predictions_table import score_columns

ARM = "densenet121"
log = logging.getLogger("livermets")
Slices = Mapping[str, Mapping[str, np.ndarray]]  # patient -> what `slices.lesion_slices` returns


class LesionNet(Network):
    """DenseNet-121 for so many classes, which carries its own standardisation of 8-bit images."""

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, mean: float = 0.0, deviation: float = 1.0, classes: int = 2) -> None:
        super().__init__()
        self.classes = classes
        outputs = 1 if classes == 2 else classes
        self.densenet = DenseNet121(spatial_dims=2, in_channels=1, out_channels=outputs)
        self.register_buffer("mean", torch.tensor(float(mean)))
        self.register_buffer("deviation", torch.tensor(float(deviation)))

    def prepare(self, images: torch.Tensor) -> torch.Tensor:
        """uint8 (n, size, size) to float32 (n, 1, size, size); black stays 0."""
        values = (images.float() - self.mean) / self.deviation
        return torch.where(images > 0, values, 0).unsqueeze(1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits of prepared images: (n,) of the second of two classes, (n, classes) of more."""
        logits = self.densenet(images)
        return logits.squeeze(1) if self.classes == 2 else logits


def train_split(
    slices: Slices,
    labels: Mapping[str, str],
    roles: Mapping[str, str],
    classes: Sequence[str],
    positive: str,
    settings: Mapping,
    seed: int,
    split: str = "holdout",
    device: str = "auto",
    threads: int = 1,
    checkpoint: Path | None = None,
) -> tuple[dict[str, torch.Tensor], pd.DataFrame]:
    """Train on one split's training patients; stop by its validation patients where it has any.

    Parameters
    ----------
    slices, labels, roles : by patient; role is train, validation or test. A patient without
        lesions may be missing from `slices` or have empty arrays.
    classes, positive : the class names, and the one whose probability is the score
    settings : the configuration's `densenet`; missing keys take `Recipe`'s values
    seed : the study's; what is drawn from it depends on `split`
    device : auto, cpu or cuda
    checkpoint : see `trainer.fit`

    Returns
    -------
    the state_dict of a `LesionNet`, and the history: split, epoch, train_loss, valid_loss,
    valid_auc, best. Same seed, device and threads: the same bytes.
    """
    torch.set_num_threads(threads)
    recipe = read_recipe(settings)
    outputs = output_classes(classes, positive)
    train = examples_of(slices, labels, _with_role(roles, "train"), outputs)
    valid = examples_of(slices, labels, _with_role(roles, "validation"), outputs)
    for number, name in enumerate(outputs):
        if not (train.targets == number).any():
            raise BadInput(
                f"split {split}: no training patient of {name!r} has a lesion slice, so "
                "DenseNet-121 cannot learn that class. Add patients, enlarge splits' training "
                "part, or set densenet: null."
            )
    lesion = train.images[train.images > 0].float()
    with torch.random.fork_rng(devices=[]):  # MONAI draws the first weights from the global state
        torch.manual_seed(derive(seed, ARM, split, "weights"))
        spread = lesion.std().clamp(min=1.0)
        network = LesionNet(lesion.mean().item(), spread.item(), len(outputs))
    network.to(pick_device(device, "densenet.device"), memory_format=torch.channels_last)
    generator = torch.Generator().manual_seed(derive(seed, ARM, split, "training"))
    log.info("%s: %d slices to train on, %d to validate", split, len(train), len(valid))
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
        best, epochs = fit(
            network, train, valid if len(valid) else None, recipe, generator, checkpoint
        )
    history = pd.DataFrame(epochs)
    history.insert(0, "split", split)
    return best, history


def predict_split(
    state: Mapping[str, torch.Tensor],
    slices: Slices,
    labels: Mapping[str, str],
    patients: Sequence[str],
    classes: Sequence[str],
    positive: str,
    split: str = "holdout",
    device: str = "auto",
    threads: int = 1,
) -> pd.DataFrame:
    """One row per lesion of `patients`: arm, split, patient, lesion, label, score.

    score is the mean probability of the positive class over the lesion's slices; with three or
    more classes score_CLASS is that of each. Patients without lesions have no row.
    """
    torch.set_num_threads(threads)
    outputs = output_classes(classes, positive)
    network = LesionNet(classes=len(outputs))
    network.load_state_dict(state)
    network.to(pick_device(device, "densenet.device"), memory_format=torch.channels_last)
    wanted = [positive, *(classes if len(classes) > 2 else ())]
    places = [outputs.index(name) for name in wanted]
    rows = []
    for patient in patients:
        examples = examples_of(slices, labels, [patient], outputs)
        if not len(examples):
            continue
        logits = predict(network, examples.to(network.mean.device))
        means = lesion_means(probabilities(logits.double()).cpu(), examples.lesions)
        lesions = np.unique(slices[patient]["lesion"])
        rows += [
            (patient, lesion, labels[patient], *scores)
            for lesion, scores in zip(lesions, means[:, places].tolist(), strict=True)
        ]
    scores = ["score", *score_columns(list(classes))]
    table = pd.DataFrame(rows, columns=["patient", "lesion", "label", *scores])
    types = {"patient": "str", "label": "str", "lesion": "int64"}
    table = table.astype(types | dict.fromkeys(scores, "float64"))
    table.insert(0, "split", split)
    table.insert(0, "arm", ARM)
    return table


def run_split(
    split: str,
    slice_files: Mapping[str, Path],
    splits: pd.DataFrame,
    labels: Mapping[str, str],
    classes: Sequence[str],
    positive: str,
    settings: Mapping,
    seed: int,
    threads: int,
    folder: Path,
) -> pd.DataFrame:
    """Train and test one split from files: what a job of the workflow does.

    Parameters
    ----------
    slice_files : the .npz of each patient of the split
    splits : split, patient, role
    folder : takes ``model.pt`` and ``history.tsv``, and ``checkpoint.pt`` until they are written;
        the rest as in `train_split`

    Returns
    -------
    the test patients' predictions, see `predict_split`
    """
    roles = splits[splits["split"] == split].set_index("patient")["role"].to_dict()
    if not roles:
        raise BadInput(f"split {split} is not in the table of splits. Remake splits.parquet.")
    slices = {patient: load_slices(slice_files[patient]) for patient in roles}
    where = {"split": split, "device": settings.get("device", "auto"), "threads": threads}
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / "checkpoint.pt"
    names = (classes, positive)
    state, history = train_split(
        slices, labels, roles, *names, settings, seed, checkpoint=checkpoint, **where
    )
    predictions = predict_split(state, slices, labels, _with_role(roles, "test"), *names, **where)
    history.to_csv(folder / "history.tsv", sep="\t", index=False)
    facts = {"arm": ARM, "split": split, "positive": positive, "settings": dict(settings)}
    facts["outputs"] = output_classes(classes, positive)
    save_model(state, facts, folder / "model.pt")
    checkpoint.unlink()
    return predictions


def save_model(state: Mapping[str, torch.Tensor], facts: Mapping, path: Path) -> None:
    """Weights and plain facts about them in one file that holds no code."""
    save({"state": dict(state), "facts": dict(facts)}, path)


def load_model(path: Path) -> tuple[dict[str, torch.Tensor], dict]:
    """What `save_model` wrote; nothing but tensors and plain values is read."""
    content = torch.load(path, map_location="cpu", weights_only=True)
    return content["state"], content["facts"]


def output_classes(classes: Sequence[str], positive: str) -> list[str]:
    """The classes by the number they have in the network: the positive one is the last."""
    return sorted(classes, key=lambda name: name == positive)


def read_recipe(settings: Mapping) -> Recipe:
    """The configuration's `densenet` as a `Recipe`; `device` and `threads` are not part of it."""
    given = {key: value for key, value in settings.items() if key not in ("device", "threads")}
    known = {field.name for field in fields(Recipe)} - {"moves"} | {"augment"}
    moves = given.pop("augment", None) or {}
    unknown = [f"densenet.{key}" for key in given if key not in known]
    unknown += [f"densenet.augment.{key}" for key in moves if key not in Moves._fields]
    if unknown:
        raise BadInput(f"unknown key {', '.join(unknown)}. Remove it or correct its name.")
    return Recipe(**given, moves=Moves(**moves))


def examples_of(
    slices: Slices, labels: Mapping[str, str], patients: Sequence[str], outputs: Sequence[str]
) -> Examples:
    """All slices of `patients` as one set, in which every lesion has the same weight.

    outputs : the classes by their number
    """
    found = [patient for patient in patients if len(slices.get(patient, {}).get("lesion", ()))]
    sizes = {patient: slices[patient]["images"].shape[1:] for patient in found}
    if len(set(sizes.values())) > 1:
        raise BadInput(
            f"slices of different sizes: {sizes}. Remake all of them with one slices.size."
        )
    if not found:
        nothing = torch.zeros(0, dtype=torch.long)
        return Examples(nothing.byte().reshape(0, 32, 32), nothing, nothing, nothing.double())
    images = np.concatenate([slices[patient]["images"] for patient in found])
    counts = [len(slices[patient]["lesion"]) for patient in found]
    targets = np.repeat([outputs.index(labels[patient]) for patient in found], counts)
    owners = np.repeat(np.arange(len(found)), counts)
    names = np.stack([owners, np.concatenate([slices[patient]["lesion"] for patient in found])])
    _, lesions, count = np.unique(names, axis=1, return_inverse=True, return_counts=True)
    return Examples(
        images=torch.from_numpy(images),
        targets=torch.from_numpy(targets),
        lesions=torch.from_numpy(lesions),
        weights=torch.from_numpy(1 / count[lesions]),
    )


def _with_role(roles: Mapping[str, str], role: str) -> list[str]:
    return sorted(patient for patient, its in roles.items() if its == role)
