"""Trainer: a training loop that takes a dataset and a network and returns the best weights.

The dataset lies on the network's device, and batches are cut, augmented and standardised there: no
workers, no queue, no waiting for data (benchmarks/bench_densenet.py).
"""

import hashlib
import logging
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn
from torch.nn import functional

from livermets.core.io import atomic_path
from livermets.deep_learning.augmentation import AffineRanges, apply_affine, random_maps
from livermets.deep_learning.dataset import LesionDataset
from livermets.deep_learning.losses import auc, cross_entropy, probabilities

log = logging.getLogger(__name__)


class TrainingDiverged(ArithmeticError):
    """The error when a loss is not finite.

    Parameters
    ----------
    epoch : int
        The epoch, counted from 1.
    """

    def __init__(self, epoch: int) -> None:
        super().__init__(f"the training diverged in epoch {epoch}")
        self.epoch = epoch


@dataclass(frozen=True)
class TrainingConfig:
    """The settings of a training; the defaults are for a whole cohort at 224 x 224 on a GPU.

    Parameters
    ----------
    epochs : int
        Largest number of epochs.
    batch_size : int
        Images of a batch.
    learning_rate : float
        Peak of a one-cycle schedule.
    weight_decay : float
        Of AdamW.
    patience : int
        Number of epochs without a lower validation loss after which the training ends.
    augmentation : AffineRanges
        Ranges of the random maps.
    """

    epochs: int = 30
    batch_size: int = 32
    learning_rate: float = 1e-4
    weight_decay: float = 1e-2
    patience: int = 8
    augmentation: AffineRanges = field(default_factory=AffineRanges)


class Network(Protocol):
    """A PyTorch module that `fit` can train; its logits are those of `losses`."""

    classes: int

    def prepare(self, images: torch.Tensor) -> torch.Tensor:
        """Convert uint8 images (n, size, size) to the network's input, ready to be augmented."""

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Compute the logits of prepared images."""

    def train(self, mode: bool = True) -> Any:
        """Set training or evaluation mode, as `torch.nn.Module` does, like the methods below."""

    def eval(self) -> Any: ...  # noqa: D102

    def parameters(self) -> Iterator[nn.Parameter]: ...  # noqa: D102

    def state_dict(self) -> dict[str, Any]: ...  # noqa: D102


class _Training:
    """All that changes in the course of a training: weights, optimiser, history."""

    def __init__(self, network: Network, config: TrainingConfig, steps: int) -> None:
        device = next(network.parameters()).device
        self.network, self.config, self.steps, self.device = network, config, steps, device
        self.optimiser = torch.optim.AdamW(
            network.parameters(),
            config.learning_rate,
            weight_decay=config.weight_decay,
            fused=True,
        )
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, config.learning_rate, total_steps=config.epochs * steps
        )
        self.scaler = torch.amp.GradScaler(device.type, enabled=precision(device) is torch.float16)
        self.best: dict[str, torch.Tensor] = {}
        self.history: list[dict[str, Any]] = []

    def run_epoch(
        self, train: LesionDataset, class_weights: torch.Tensor, generator: torch.Generator
    ) -> float:
        """Train for one epoch and return its mean loss."""
        self.network.train()
        size = self.config.batch_size
        total = torch.zeros((), device=self.device)  # read once an epoch: reading waits for the GPU
        order = train.draw(self.steps * size, generator).to(self.device)
        maps = random_maps(len(order), self.config.augmentation, generator).to(self.device)
        for index, batch_maps in zip(order.split(size), maps.split(size), strict=True):
            images = apply_affine(self.network.prepare(train.batch(index)), batch_maps)
            loss = cross_entropy(forward(self.network, images), train.targets[index], class_weights)
            self.optimiser.zero_grad(set_to_none=True)
            self.scaler.scale(loss).backward()
            self.scaler.step(self.optimiser)
            self.scaler.update()
            self.schedule.step()
            total += loss.detach()
        return total.item() / self.steps

    def epochs_since_best(self) -> int:
        """Number of epochs since the lowest validation loss."""
        rows = enumerate(reversed(self.history))
        return next((n for n, row in rows if row["best"]), len(self.history))

    def add(self, row: dict[str, Any], validated: bool) -> None:
        """Add an epoch to the history, and keep its weights if they are the best so far."""
        losses = [row["train_loss"]] + [row["valid_loss"]] * validated
        if not all(map(math.isfinite, losses)):
            raise TrainingDiverged(row["epoch"])
        lowest = min((earlier["valid_loss"] for earlier in self.history), default=math.inf)
        row["best"] = not validated or row["valid_loss"] < lowest
        self.history.append(row)
        if row["best"]:
            state = self.network.state_dict()
            self.best = {name: tensor.cpu().clone() for name, tensor in state.items()}

    @property
    def _parts(self) -> dict[str, Any]:
        return {
            "network": self.network,
            "optimiser": self.optimiser,
            "schedule": self.schedule,
            "scaler": self.scaler,
        }

    def save(self, checkpoint: Path, identity: str, generator: torch.Generator) -> None:
        """Write the checkpoint; a killed job leaves the one before."""
        content = {name: part.state_dict() for name, part in self._parts.items()}
        content |= {"identity": identity, "best": self.best, "history": self.history}
        content |= {"generator": generator.get_state()}
        with atomic_path(checkpoint) as unfinished, unfinished.open("wb") as file:
            torch.save(content, file)

    def resume(self, checkpoint: Path, identity: str, generator: torch.Generator) -> None:
        """Continue after the last epoch of the checkpoint, if it is of this very training."""
        if not checkpoint.exists():
            return
        content = torch.load(checkpoint, map_location="cpu", weights_only=True)
        if content["identity"] != identity:
            log.info("%s is from another training; starting anew", checkpoint.name)
            return
        for name, part in self._parts.items():
            part.load_state_dict(content[name])
        generator.set_state(content["generator"])
        self.best, self.history = content["best"], content["history"]
        log.info("continuing after epoch %d of %s", len(self.history), checkpoint.name)


def fit(
    network: Network,
    train: LesionDataset,
    valid: LesionDataset | None,
    config: TrainingConfig,
    generator: torch.Generator,
    checkpoint: Path | None = None,
    identity: str = "",
) -> tuple[dict[str, torch.Tensor], list[dict[str, Any]]]:
    """Train a network on the device it lies on.

    Parameters
    ----------
    network : Network
        It is changed in place.
    train : LesionDataset
        Training examples.
    valid : LesionDataset or None
        Examples of other patients: the epoch of their lowest loss is the best, and `patience`
        epochs without a lower one end the training. With None every epoch is run, and the last is
        the best.
    config : TrainingConfig
        How to train.
    generator : torch.Generator
        CPU generator of all random numbers.
    checkpoint : path, optional
        Written after each epoch and read at the start if it is of this very training, so that a
        killed job ends with the weights of an uninterrupted one.
    identity : str
        Distinguishes the checkpoint from those of other code; settings and data are compared, too.

    Returns
    -------
    best : dict
        Weights of the best epoch, on the CPU.
    history : list of dict
        One row per epoch: epoch, train_loss, valid_loss, valid_auc (lesion-wise; of three or more
        classes the mean of each against the rest), best.

    Raises
    ------
    TrainingDiverged
        A loss is not finite.
    """
    steps = max(1, round(len(train) / config.batch_size))
    training = _Training(network, config, steps)
    if checkpoint:
        identity = _digest(identity, network, config, generator, train, valid)
        training.resume(checkpoint, identity, generator)
    train, valid = train.to(training.device), valid and valid.to(training.device)
    class_weights = train.class_weights(network.classes)
    for epoch in range(len(training.history) + 1, config.epochs + 1):
        if training.epochs_since_best() >= config.patience:
            break
        started = time.perf_counter()
        row = {"epoch": epoch, "train_loss": training.run_epoch(train, class_weights, generator)}
        speed = steps * config.batch_size / (time.perf_counter() - started)
        row |= _validate(network, valid, class_weights)
        training.add(row, validated=valid is not None)
        log.info(
            "epoch %d of %d: training loss %.3f, validation loss %.3f, AUC %.3f; %.0f images/s",
            *(epoch, config.epochs, row["train_loss"], row["valid_loss"], row["valid_auc"], speed),
        )
        if checkpoint:
            training.save(checkpoint, identity, generator)
    return training.best, training.history


def forward(network: Network, images: torch.Tensor) -> torch.Tensor:
    """Compute the logits (float32) of prepared images in the device's fastest precision."""
    with torch.autocast(images.device.type, precision(images.device), images.is_cuda):
        return network(images.contiguous(memory_format=torch.channels_last)).float()


def precision(device: torch.device) -> torch.dtype:
    """Choose the number type the network computes with: 16 bits on a GPU, float32 on a CPU."""
    if device.type != "cuda":
        return torch.float32
    native = torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if native else torch.float16


@torch.inference_mode()
def predict(network: Network, dataset: LesionDataset, batch_size: int = 64) -> torch.Tensor:
    """Compute the logits of a dataset without augmentation, on the device of its targets."""
    network.eval()
    indices = torch.arange(len(dataset), device=dataset.targets.device).split(batch_size)
    return torch.cat([forward(network, network.prepare(dataset.batch(index))) for index in indices])


def lesion_means(values: torch.Tensor, lesions: torch.Tensor) -> torch.Tensor:
    """Average values (n, m) over each lesion: (lesions, m), in the order of their numbers."""
    _, place, count = lesions.unique(return_inverse=True, return_counts=True)
    sums = values.new_zeros(len(count), values.shape[1]).index_add(0, place, values)
    return sums / count[:, None]


def _validate(
    network: Network, valid: LesionDataset | None, class_weights: torch.Tensor
) -> dict[str, float]:
    """Loss, weighted as in the training, and lesion-wise AUC (NaN where a class is missing)."""
    if valid is None:
        return {"valid_loss": math.nan, "valid_auc": math.nan}
    logits = predict(network, valid)
    weights = class_weights[valid.targets] * valid.weights
    losses = cross_entropy(logits, valid.targets, reduction="none")
    one_hot = functional.one_hot(valid.targets, network.classes).double()
    truth, scores = (
        lesion_means(values.cpu(), valid.lesions.cpu())  # a GPU's sums vary in their last bits
        for values in (one_hot, probabilities(logits))
    )
    return {
        "valid_loss": ((weights @ losses.to(weights)) / weights.sum()).item(),
        "valid_auc": auc(truth.argmax(dim=1), scores) if scores.isfinite().all() else math.nan,
    }


def _digest(
    identity: str,
    network: Network,
    config: TrainingConfig,
    generator: torch.Generator,
    train: LesionDataset,
    valid: LesionDataset | None,
) -> str:
    """A hash of everything that determines the result of a training."""
    digest = hashlib.sha256(identity.encode())
    digest.update(repr((config, generator.initial_seed(), torch.__version__)).encode())
    tensors = [*network.state_dict().values()]
    for dataset in (train, valid):
        tensors += vars(dataset).values() if dataset else [torch.zeros(0)]
    for tensor in tensors:
        digest.update(repr(tensor.shape).encode() + tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
