"""The training loop: examples, a network and a recipe in, weights and their history out.

The examples are one tensor of bytes that lies where the network does, and a batch is cut, moved
and normalised there: no workers, no queue, no loading to wait for (benchmarks/bench_densenet.py).
"""

import hashlib
import logging
import math
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from livermets.core.code_digest import code_digest
from livermets.core.errors import BadInput
from livermets.deep_learning.augmentation import Moves, move, random_maps
from livermets.deep_learning.losses import auc, cross_entropy, probabilities

log = logging.getLogger("livermets")


@dataclass(frozen=True)
class Recipe:
    """How to train; the defaults are for a whole cohort at 224 x 224 on a GPU.

    ``patience`` is the number of epochs without a better validation loss after which it ends.
    """

    epochs: int = 30
    batch_size: int = 32
    learning_rate: float = 1e-4  # the peak of a one-cycle schedule
    weight_decay: float = 1e-2
    patience: int = 8
    moves: Moves = field(default_factory=Moves)


@dataclass(frozen=True)
class Examples:
    """Images with what is known of them; each tensor's first axis is the image.

    ``images`` uint8 (n, size, size); ``targets`` int64 (n,) the number of the class; ``lesions``
    int64 (n,) tells which images belong together; ``weights`` float64 (n,) is the share each has in
    the training.
    """

    images: torch.Tensor
    targets: torch.Tensor
    lesions: torch.Tensor
    weights: torch.Tensor

    def __len__(self) -> int:
        return len(self.targets)

    def to(self, device: torch.device) -> "Examples":
        """On `device`; the images stay behind where they would fill half of its free memory."""
        stay = device.type == "cuda" and (
            2 * self.images.nbytes > torch.cuda.mem_get_info(device)[0]
        )
        rest = (part.to(device) for part in (self.targets, self.lesions, self.weights))
        return Examples(self.images if stay else self.images.to(device), *rest)

    def batch(self, index: torch.Tensor) -> torch.Tensor:
        """The images at `index`, where the targets are."""
        return self.images[index.to(self.images.device)].to(self.targets.device)

    def draw(self, n: int, generator: torch.Generator) -> torch.Tensor:
        """N indices in random order, each image about n x its share of the weights times.

        One draw from each n-th of the total weight: equal weights and n images give every image
        once; with a weight of 1 / images of the lesion, n lesions give one image of each.
        """
        edges = self.weights.cpu().cumsum(0)
        spots = (torch.arange(n) + torch.rand(n, generator=generator, dtype=torch.float64)) / n
        index = torch.searchsorted(edges, spots * edges[-1], right=True).clamp(max=len(self) - 1)
        return index[torch.randperm(n, generator=generator)]

    def class_weights(self, classes: int) -> torch.Tensor:
        """(classes,) what an image of each class must count for all classes to weigh the same."""
        total = self.weights.sum()
        others = [self.weights @ (self.targets == k).to(self.weights) for k in range(1, classes)]
        shares = torch.stack([total - sum(others), *others])
        return (total / classes / shares).float()


class Network(nn.Module):
    """What `fit` trains: tells ``classes`` apart by its logits, see `livermets.deep_learning.losses`."""

    classes: int

    def prepare(self, images: torch.Tensor) -> torch.Tensor:
        """uint8 (n, size, size) as what it takes, and what augmentation moves."""
        raise NotImplementedError


def fit(
    network: Network,
    train: Examples,
    valid: Examples | None,
    recipe: Recipe,
    generator: torch.Generator,
    checkpoint: Path | None = None,
) -> tuple[dict[str, torch.Tensor], list[dict]]:
    """Train `network` where it lies; return its best weights and one row per epoch.

    Parameters
    ----------
    valid : examples of other patients; the epoch of their lowest loss is the best one, and too
        long without a better one ends the training. None: every epoch is run, the last is best.
    generator : a CPU generator; all that is random comes from it
    checkpoint : written after each epoch and taken up where it is from this very training, so
        that a killed run ends with the weights of an uninterrupted one

    Returns
    -------
    state_dict on the CPU; rows with epoch, train_loss, valid_loss, valid_auc (lesion-wise, of three
    or more classes the mean of each against the rest), best
    """
    device = next(network.parameters()).device
    steps = max(1, round(len(train) / recipe.batch_size))
    optimiser = torch.optim.AdamW(
        network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, recipe.learning_rate, total_steps=recipe.epochs * steps
    )
    scaler = torch.amp.GradScaler(device.type, enabled=precision(device) is torch.float16)
    parts: dict[str, Any] = {
        "network": network,
        "optimiser": optimiser,
        "schedule": schedule,
        "scaler": scaler,
    }
    identity = checkpoint and _identity(network, recipe, generator, train, valid)
    best, history = _resume(checkpoint, identity, parts, generator)
    train, valid = train.to(device), valid and valid.to(device)
    class_weights = train.class_weights(network.classes)

    def run_epoch() -> float:
        network.train()
        total = torch.zeros((), device=device)  # read once an epoch: reading waits for the GPU
        order = train.draw(steps * recipe.batch_size, generator).to(device)
        maps = random_maps(len(order), recipe.moves, generator).to(device)
        batches = zip(order.split(recipe.batch_size), maps.split(recipe.batch_size), strict=True)
        for index, how in batches:
            logits = forward(network, move(network.prepare(train.batch(index)), how))
            targets = train.targets[index]
            loss = cross_entropy(logits, targets, class_weights)
            optimiser.zero_grad(set_to_none=True)
            scaler.scale(loss).backward()
            scaler.step(optimiser)
            scaler.update()
            schedule.step()
            total += loss.detach()
        return total.item() / steps

    for epoch in range(len(history) + 1, recipe.epochs + 1):
        if _epochs_since_best(history) >= recipe.patience:
            break
        started = time.perf_counter()
        row = {"epoch": epoch, "train_loss": run_epoch()}
        speed = steps * recipe.batch_size / (time.perf_counter() - started)
        row |= _validate(network, valid, class_weights)
        losses = [row["train_loss"]] + [row["valid_loss"]] * (valid is not None)
        if not all(map(math.isfinite, losses)):
            raise BadInput(
                f"the training of DenseNet-121 diverged in epoch {epoch}. "
                "Lower densenet.learning_rate."
            )
        row["best"] = valid is None or row["valid_loss"] < min(
            (earlier["valid_loss"] for earlier in history), default=math.inf
        )
        history.append(row)
        if row["best"]:
            best = {name: part.cpu().clone() for name, part in network.state_dict().items()}
        log.info(
            "epoch %d of %d: training loss %.3f, validation loss %.3f, AUC %.3f; %.0f images/s",
            *(epoch, recipe.epochs, row["train_loss"], row["valid_loss"], row["valid_auc"], speed),
        )
        if checkpoint:
            state = {name: part.state_dict() for name, part in parts.items()}
            state |= {"identity": identity, "best": best, "history": history}
            save(state | {"generator": generator.get_state()}, checkpoint)
    return best, history


def forward(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Logits float32 of prepared images, computed as fast as the device can."""
    with torch.autocast(images.device.type, precision(images.device), images.is_cuda):
        return network(images.contiguous(memory_format=torch.channels_last)).float()


def precision(device: torch.device) -> torch.dtype:
    """What the network is computed in: half of float32's bits on a GPU, float32 on a CPU."""
    if device.type != "cuda":
        return torch.float32
    native = torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if native else torch.float16


@torch.inference_mode()
def predict(network: Network, examples: Examples, batch_size: int = 64) -> torch.Tensor:
    """Logits of one example or more, unmoved, on the device of their targets."""
    network.eval()
    indices = torch.arange(len(examples), device=examples.targets.device).split(batch_size)
    return torch.cat(
        [forward(network, network.prepare(examples.batch(index))) for index in indices]
    )


def lesion_means(values: torch.Tensor, lesions: torch.Tensor) -> torch.Tensor:
    """Means (lesions, m) of the values (n, m) of each lesion, in the order of their numbers."""
    _, place, count = lesions.unique(return_inverse=True, return_counts=True)
    sums = values.new_zeros(len(count), values.shape[1]).index_add(0, place, values)
    return sums / count[:, None]


def save(state: dict, path: Path) -> None:
    """Write with torch, all of it or nothing: a killed run leaves the file before this one."""
    unfinished = path.with_name(path.name + ".unfinished")
    torch.save(state, unfinished)
    os.replace(unfinished, path)


def _validate(network: Network, valid: Examples | None, class_weights: torch.Tensor) -> dict:
    """Loss, weighted as in the training, and lesion-wise AUC (NaN where a class is missing)."""
    if valid is None:
        return {"valid_loss": math.nan, "valid_auc": math.nan}
    logits = predict(network, valid)
    weights = class_weights[valid.targets] * valid.weights
    losses = cross_entropy(logits, valid.targets, reduction="none")
    truth = functional.one_hot(valid.targets, network.classes).double()
    truth, scores = (
        lesion_means(values.cpu(), valid.lesions.cpu())  # a GPU's sums vary in their last bits
        for values in (truth, probabilities(logits))
    )
    return {
        "valid_loss": ((weights @ losses.to(weights)) / weights.sum()).item(),
        "valid_auc": auc(truth.argmax(dim=1), scores) if scores.isfinite().all() else math.nan,
    }


def _epochs_since_best(history: list[dict]) -> int:
    return next((n for n, row in enumerate(reversed(history)) if row["best"]), len(history))


def _resume(checkpoint, identity, parts, generator) -> tuple[dict, list[dict]]:
    """Best weights and history so far; everything in `parts` as it was after the last epoch."""
    if checkpoint is None or not checkpoint.exists():
        return {}, []
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    if state["identity"] != identity:
        log.info("%s is from another training; starting anew", checkpoint.name)
        return {}, []
    for name, part in parts.items():
        part.load_state_dict(state[name])
    generator.set_state(state["generator"])
    log.info("going on after epoch %d of %s", len(state["history"]), checkpoint.name)
    return state["best"], state["history"]


def _identity(network, recipe, generator, train, valid) -> str:
    """A digest of all that decides what the training comes to."""
    digest = hashlib.sha256(code_digest(Path(__file__).with_name("densenet.py")).encode())
    digest.update(repr((recipe, generator.initial_seed(), torch.__version__)).encode())
    tensors = [*network.state_dict().values()]
    for examples in (train, valid):
        tensors += vars(examples).values() if examples else [torch.zeros(0)]
    for tensor in tensors:
        digest.update(repr(tensor.shape).encode() + tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
