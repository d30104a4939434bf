"""Training of an nnU-Net v2 segmentation model on given masks.

nnU-Net plans the network by itself; the configuration can override every part of the plan, so that
small networks train on a CPU in minutes. A training that was killed resumes from its last epoch.
"""

import dataclasses
import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livermets.core.devices import pick_device
from livermets.core.errors import BadInput
from livermets.core.io import write_text
from livermets.segmentation.model_archive import hash_model, pack_model
from livermets.segmentation.nnunet_dataset import (
    CONFIGURATION,
    Case,
    plan_and_preprocess,
    read_plans,
    write_cases,
)
from livermets.segmentation.nnunet_environment import FOLDERS, nnunet_environment

OPTIMISERS = ("sgd", "adamw")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of a training, with nnU-Net's defaults.

    Parameters
    ----------
    seed : int
        Seed of everything random.
    iterations : int
        Training steps in all.
    iterations_per_epoch : int
        Steps between two checkpoints.
    learning_rate : float
        The learning rate of the first step.
    foreground : float
        Share of the patches that are centred on liver or lesion.
    optimiser : {"sgd", "adamw"}
        nnU-Net's SGD, or AdamW for short trainings (with a learning rate near 0.002).
    augment : bool
        Use nnU-Net's augmentation.
    mirror_axes : sequence of int
        Axes (z, y, x) along which patches are flipped; inference averages over these flips.
    configuration : mapping, optional
        Parts of the plan to override, each of which may be None: patch_size (z, y, x),
        batch_size, spacing_mm (z, y, x), features_per_stage, convolutions_per_stage.

    Raises
    ------
    BadInput
        For an unknown optimiser.
    """

    seed: int
    iterations: int = 250_000
    iterations_per_epoch: int = 250
    learning_rate: float = 0.01
    foreground: float = 0.33
    optimiser: str = "sgd"
    augment: bool = True
    mirror_axes: Sequence[int] = (0, 1, 2)
    configuration: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.optimiser not in OPTIMISERS:
            raise BadInput(
                f"segmentation training: optimiser is {self.optimiser!r}; use "
                f"{' or '.join(OPTIMISERS)}"
            )

    @property
    def plan_overrides(self) -> dict[str, Any]:
        """The parts of the plan for which a value is given."""
        given = self.configuration or {}
        return {key: value for key, value in given.items() if value is not None}


def train(
    cases: Sequence[Case],
    labels: Mapping[str, int],
    workdir: Path,
    output_zip: Path,
    settings: TrainingSettings,
    *,
    device: str = "auto",
    threads: int | None = None,
) -> str:
    """Train a model on all cases and write it as a zip.

    Parameters
    ----------
    cases : sequence of (str, Path, Path)
        Patient, CT and mask; CT and mask on one grid.
    labels : mapping of str to int
        Names and values of the masks, for instance {liver: 1, lesion: 2}.
    workdir : Path
        Folder for all files of nnU-Net; a training that was killed resumes from it.
    output_zip : Path
        The model: dataset.json, plans.json and fold_0/checkpoint_final.pth.
    settings : TrainingSettings
        How to train.
    device : {"auto", "cpu", "cuda"}
        Where to train.
    threads : int, optional
        CPU threads of PyTorch; by default PyTorch decides.

    Returns
    -------
    str
        The sha256 of the zip.

    Raises
    ------
    BadInput
        Without a case, and for overrides of the plan that nnU-Net cannot train.
    BadPatient
        For a mask on another grid than its CT, or with other values than `labels`.
    """
    import torch

    if threads:
        torch.set_num_threads(threads)
    if not cases:
        raise BadInput("segmentation training: there are no cases; name at least one")
    workdir = Path(workdir).resolve()
    folders = {name: str(workdir / name) for name in FOLDERS}
    _prepare(cases, labels, workdir, settings, folders)
    with nnunet_environment(**folders, nnUNet_n_proc_DA="0"):  # 0: augmentation in this process
        from livermets.segmentation.seeded_trainer import SeededTrainer

        plans, dataset = read_plans(workdir)
        trainer = SeededTrainer(
            plans={**plans, "continue_training": True},
            configuration=CONFIGURATION,
            fold="all",
            dataset_json=dataset,
            device=pick_device(device, "segmentation_training.device"),
        )
        trainer.prepare(settings)
        trainer.run_training()
        trained = Path(trainer.output_folder_base)
    pack_model(trained, output_zip)
    sha256 = hash_model(output_zip)
    log.info("%s has the sha256 %s", output_zip, sha256)
    return sha256


def _prepare(
    cases: Sequence[Case],
    labels: Mapping[str, int],
    workdir: Path,
    settings: TrainingSettings,
    folders: Mapping[str, str],
) -> None:
    """Write nnU-Net's folders, unless an earlier run wrote them for the same training."""
    recipe = _recipe(cases, labels, settings)
    prepared = workdir / "prepared.json"  # written last, so that it stands for whole folders
    if prepared.is_file() and prepared.read_text(encoding="utf-8") == recipe:
        return
    shutil.rmtree(workdir, ignore_errors=True)
    with nnunet_environment(**folders, nnUNet_n_proc_DA="1"):
        log.info("preparing %d cases", len(cases))
        write_cases(cases, labels, workdir)
        plan_and_preprocess(workdir, settings.plan_overrides)
    write_text(prepared, recipe)


def _recipe(cases: Sequence[Case], labels: Mapping[str, int], settings: TrainingSettings) -> str:
    """Everything a training depends on, as text; a training with another recipe starts anew."""
    hashes = [(patient, hash_model(ct), hash_model(mask)) for patient, ct, mask in cases]
    parts = dataclasses.asdict(settings) | {"configuration": settings.plan_overrides}
    return json.dumps({"cases": hashes, "labels": dict(labels), **parts}, sort_keys=True)
