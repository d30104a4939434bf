"""Trainer: trains a network until its loss on validation patients falls no further.

It returns the weights of the best epoch. A killed training goes on from its checkpoint.
"""

import logging
import math
import time
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from livermets.deep_learning.checkpoint import Checkpoint, hash_tensors
from livermets.deep_learning.dataset import LesionDataset
from livermets.deep_learning.epoch_progress import EpochProgress
from livermets.deep_learning.inference import Network, lesion_means, predict
from livermets.deep_learning.losses import auc, cross_entropy, probabilities
from livermets.deep_learning.optimisation import Optimisation, TrainingConfig

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
    BadInput
        Two images do not fit in the memory of the GPU.
    """
    steps = max(1, round(len(train) / config.batch_size))
    training = Optimisation(network, config, steps, generator)
    file = checkpoint and Checkpoint(
        checkpoint, _identity(identity, network, config, generator, train, valid)
    )
    best: dict[str, torch.Tensor] = {}
    history: list[dict[str, Any]] = []
    if file and (state := file.read()):
        training.restore(state)
        best, history = state["best"], state["history"]
        log.info("continuing after epoch %d of %s", len(history), file.path.name)
    train, valid = train.to(training.device), valid and valid.to(training.device)
    class_weights = train.class_weights(network.classes)
    progress = EpochProgress(config.epochs, steps, len(history))
    for epoch in range(len(history) + 1, config.epochs + 1):
        if config.patience is not None and _epochs_since_best(history) >= config.patience:
            break
        started = time.perf_counter()
        row = {
            "epoch": epoch,
            "train_loss": training.run_epoch(train, class_weights, progress.tell),
        }
        speed = steps * config.batch_size / (time.perf_counter() - started)
        row |= _validate(network, valid, class_weights, training)
        if _is_best(row, history, validated=valid is not None):
            best = {name: tensor.cpu().clone() for name, tensor in network.state_dict().items()}
        history.append(row)
        progress.finish_epoch()
        log.info(
            "epoch %d of %d: training loss %.3f, validation loss %.3f, AUC %.3f; %.0f images/s; "
            "at most %s left",
            *(epoch, config.epochs, row["train_loss"], row["valid_loss"], row["valid_auc"], speed),
            progress.left(),
        )
        if file:
            file.write(training.state() | {"best": best, "history": history})
    return best, history


def _epochs_since_best(history: list[dict[str, Any]]) -> int:
    """Number of epochs since the lowest validation loss."""
    rows = enumerate(reversed(history))
    return next((n for n, row in rows if row["best"]), len(history))


def _is_best(row: dict[str, Any], history: list[dict[str, Any]], validated: bool) -> bool:
    """Whether an epoch is the best so far, which it also notes in its row."""
    losses = [row["train_loss"]] + [row["valid_loss"]] * validated
    if not all(map(math.isfinite, losses)):
        raise TrainingDiverged(row["epoch"])
    lowest = min((earlier["valid_loss"] for earlier in history), default=math.inf)
    row["best"] = not validated or row["valid_loss"] < lowest
    return bool(row["best"])


def _validate(
    network: Network,
    valid: LesionDataset | None,
    class_weights: torch.Tensor,
    training: Optimisation,
) -> dict[str, float]:
    """Loss, weighted as in the training, and lesion-wise AUC (NaN where a class is missing)."""
    if valid is None:
        return {"valid_loss": math.nan, "valid_auc": math.nan}
    at_a_time = 2 * training.at_a_time  # without gradients an image takes far less memory
    logits = predict(network, valid, at_a_time, training.config.mixed_precision)
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


def _identity(
    code: str,
    network: Network,
    config: TrainingConfig,
    generator: torch.Generator,
    train: LesionDataset,
    valid: LesionDataset | None,
) -> dict[str, str]:
    """Everything that determines the result of a training."""
    return {
        "code": code,
        "PyTorch": str(torch.__version__),
        "settings": repr(config),
        "seed": str(generator.initial_seed()),
        "first weights": hash_tensors(network.state_dict().values()),
        "training slices": hash_tensors(train.tensors()),
        "validation slices": hash_tensors(valid.tensors() if valid else []),
    }
