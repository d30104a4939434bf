"""Attention over slices: DenseNet-121 and attention trained together on lesions.

The trained DenseNet-121 of the split is the start, with equal attention: the logit of a lesion is
the mean of its slices' logits. From there all weights are trained on, on lesions instead of slices.
Validation patients choose the epoch, the start among them.
"""

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from livermets.deep_learning.augmentation import apply_affine, random_maps
from livermets.deep_learning.dataset import LesionDataset
from livermets.deep_learning.embeddings import take_last_layer
from livermets.deep_learning.inference import predict
from livermets.deep_learning.losses import cross_entropy
from livermets.deep_learning.network import LesionNet
from livermets.deep_learning.optimisation import TrainingConfig
from livermets.pooling.gated_attention import GatedAttention, fill_up

log = logging.getLogger(__name__)

HIDDEN = 64
MAX_SLICES = 8  # of a lesion in one step; all of them count where lesions are scored


@dataclass(frozen=True)
class AttentionTraining:
    """The settings of the training.

    Parameters
    ----------
    epochs : int
        Passes over the training lesions.
    config : TrainingConfig
        The settings of DenseNet-121: batch size in slices, augmentation, weight decay and learning
        rate. Trained weights learn at a tenth of that rate, the new attention at ten times it.
    """

    epochs: int
    config: TrainingConfig


class SliceAttention(nn.Module):
    """A trained DenseNet-121 with attention over the slices of a lesion.

    Parameters
    ----------
    network : LesionNet
        The trained network; it is taken apart.
    """

    def __init__(self, network: LesionNet) -> None:
        super().__init__()
        self.classify = take_last_layer(network)
        self.network = network
        self.attention = GatedAttention(self.classify.in_features, HIDDEN)

    def pool(self, embedded: torch.Tensor, lesion: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Logits of lesions as in `losses`, and the attention of each slice.

        Parameters
        ----------
        embedded : tensor of float32, shape (slices, features)
            What the network makes of slices before its last layer.
        lesion : tensor of int64, shape (slices,)
            Number of the lesion of each slice, ascending from 0.
        """
        members, mask = fill_up(embedded, lesion)
        weights = self.attention(members, mask)
        logits = self.classify((weights[..., None] * members).sum(dim=1))
        return logits.squeeze(1) if logits.shape[1] == 1 else logits, weights[mask]

    @torch.inference_mode()
    def score(self, dataset: LesionDataset) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits of the lesions of a dataset on the network's device, and attention of slices."""
        self.eval()
        embedded = predict(self.network, dataset)
        lesion = dataset.lesions.unique(return_inverse=True)[1]
        logits, weights = self.pool(embedded, lesion)
        return logits, weights


def train_slice_attention(
    model: SliceAttention,
    train: LesionDataset,
    valid: LesionDataset | None,
    training: AttentionTraining,
    generator: torch.Generator,
) -> list[dict[str, Any]]:
    """Train network and attention on lesions, and leave the model with its best weights.

    Parameters
    ----------
    model : SliceAttention
        It is changed in place.
    train, valid : LesionDataset
        Lesions of training and validation patients, on the device of the model. Without validation
        patients the weights of the last epoch stay.
    training : AttentionTraining
        How to train.
    generator : torch.Generator
        CPU generator of all random numbers.

    Returns
    -------
    list of dict
        epoch (0 is the mean), train_loss, valid_loss and best.
    """
    weights = train.class_weights(model.network.classes)
    rate, decay = training.config.learning_rate, training.config.weight_decay
    groups = [
        {"params": [*model.network.parameters(), *model.classify.parameters()], "lr": rate / 10},
        {"params": model.attention.parameters(), "lr": rate * 10},
    ]
    optimiser = torch.optim.AdamW(groups, rate, weight_decay=decay)
    history: list[dict[str, Any]] = []
    best: dict[str, torch.Tensor] = {}
    for epoch in range(training.epochs + 1):
        loss = _run_epoch(model, train, training, weights, optimiser, generator) if epoch else None
        row = {"epoch": epoch, "train_loss": math.nan if loss is None else loss}
        row["valid_loss"] = _loss(model, valid, weights) if valid is not None else math.nan
        lowest = min((earlier["valid_loss"] for earlier in history), default=math.inf)
        row["best"] = valid is None or row["valid_loss"] < lowest
        history.append(row)
        log.info(
            "attention over slices, epoch %d of %d: training loss %.3f, validation loss %.3f",
            *(epoch, training.epochs, row["train_loss"], row["valid_loss"]),
        )
        if row["best"]:
            best = {name: part.detach().clone() for name, part in model.state_dict().items()}
    model.load_state_dict(best)
    return history


def _run_epoch(
    model: SliceAttention,
    train: LesionDataset,
    training: AttentionTraining,
    class_weights: torch.Tensor,
    optimiser: torch.optim.Optimizer,
    generator: torch.Generator,
) -> float:
    """Train once on every lesion and return the mean loss."""
    model.train()
    losses = []
    for index in _batches(train, training.config.batch_size, generator):
        maps = random_maps(len(index), training.config.augmentation, generator)
        index = index.to(train.targets.device)
        images = apply_affine(model.network.prepare(train.batch(index)), maps.to(index.device))
        lesion = train.lesions[index].unique_consecutive(return_inverse=True)[1]
        logits, _ = model.pool(model.network(images), lesion)
        first = torch.cat([lesion.new_ones(1, dtype=torch.bool), lesion.diff() > 0])
        loss = cross_entropy(logits, train.targets[index][first], class_weights)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        losses.append(loss.detach())
    return torch.stack(losses).mean().item()


def _batches(
    train: LesionDataset, batch_size: int, generator: torch.Generator
) -> Iterator[torch.Tensor]:
    """Indices of the slices of a few lesions at a time, lesion after lesion, in random order."""
    counts = train.lesions.cpu().unique(return_counts=True)[1]
    first = counts.cumsum(0) - counts
    together = max(2, batch_size // int(counts.max().clamp(max=MAX_SLICES)))
    order = torch.randperm(len(counts), generator=generator)
    # a batch of one slice has no spread to normalise by: the last lesions join the batch before
    parts = max(1, len(order) // together)
    for lesions in order.tensor_split(parts):
        yield torch.cat(
            [
                first[lesion]
                + torch.randperm(int(counts[lesion]), generator=generator)[:MAX_SLICES].sort()[0]
                for lesion in lesions
            ]
        )


def _loss(model: SliceAttention, valid: LesionDataset, class_weights: torch.Tensor) -> float:
    """Cross-entropy of the lesions, weighted by class as in the training."""
    logits, _ = model.score(valid)
    lesion = valid.lesions.unique_consecutive(return_inverse=True)[1]
    first = torch.cat([lesion.new_ones(1, dtype=torch.bool), lesion.diff() > 0])
    targets = valid.targets[first]
    weights = class_weights[targets]
    losses = cross_entropy(logits, targets, reduction="none")
    return ((weights @ losses) / weights.sum()).item()
