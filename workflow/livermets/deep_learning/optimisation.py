"""Optimisation: the steps of a training, each of which changes the weights by one batch's gradient.

Batches are cut, augmented and standardised where the network is: no workers, no queue, no waiting
for data (benchmarks/bench_densenet.py). A batch that does not fit in the memory of the GPU is
computed in parts, whose gradients are added up, so the number of images in a step stays the same.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from livermets.deep_learning.augmentation import AffineRanges, apply_affine, random_maps
from livermets.deep_learning.checkpoint import copy_to_cpu
from livermets.deep_learning.dataset import LesionDataset
from livermets.deep_learning.inference import Network, forward, halve, precision
from livermets.deep_learning.losses import cross_entropy


@dataclass(frozen=True)
class TrainingConfig:
    """The settings of a training; the defaults are for a whole cohort at 224 x 224 on a GPU.

    Parameters
    ----------
    epochs : int
        Largest number of epochs.
    batch_size : int
        Images of a step.
    learning_rate : float
        Peak of a one-cycle schedule.
    warm_up : float
        Share of the steps in which the learning rate rises to its peak.
    weight_decay : float
        Of AdamW.
    patience : int or None
        Number of epochs without a lower validation loss after which the training ends; None runs
        every epoch.
    mixed_precision : bool
        Whether a GPU computes with 16 bits.
    augmentation : AffineRanges
        Ranges of the random maps.
    """

    epochs: int = 30
    batch_size: int = 32
    learning_rate: float = 1e-4
    warm_up: float = 0.3
    weight_decay: float = 1e-2
    patience: int | None = 8
    mixed_precision: bool = True
    augmentation: AffineRanges = field(default_factory=AffineRanges)


class Optimisation:
    """All that the steps of a training change: weights, optimiser, schedule, random numbers.

    Parameters
    ----------
    network : Network
        It is changed in place.
    config : TrainingConfig
        How to train.
    steps : int
        Number of steps of an epoch.
    generator : torch.Generator
        CPU generator of all random numbers.
    """

    def __init__(
        self, network: Network, config: TrainingConfig, steps: int, generator: torch.Generator
    ) -> None:
        self.network, self.config, self.steps, self.generator = network, config, steps, generator
        self.device = next(network.parameters()).device
        self.optimiser = torch.optim.AdamW(
            network.parameters(),
            config.learning_rate,
            weight_decay=config.weight_decay,
            fused=True,
        )
        total = config.epochs * steps
        rising = 0 if config.warm_up * total == 1 else config.warm_up  # PyTorch would divide by 0
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, config.learning_rate, total_steps=total, pct_start=float(rising)
        )
        half = precision(self.device, config.mixed_precision) is torch.float16
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=half)
        self.at_a_time = config.batch_size  # images that the device gets at a time

    def run_epoch(
        self, train: LesionDataset, class_weights: torch.Tensor, tell: Callable[[int], None]
    ) -> float:
        """Train for one epoch and return its mean loss.

        An epoch in which the GPU runs out of memory is run again from its start, with half as many
        images at a time, so that nothing of the interrupted batch is left in the weights.

        Parameters
        ----------
        train : LesionDataset
            Training examples, on the device of the network.
        class_weights : tensor of float, shape (classes,)
            Weight of each class.
        tell : callable
            Gets the number of steps done, before each step.

        Returns
        -------
        float
            Mean loss of the steps.

        Raises
        ------
        BadInput
            Two images do not fit in the memory of the GPU.
        """
        start = self.state()
        while True:
            try:
                return self._run_steps(train, class_weights, tell)
            except torch.OutOfMemoryError:
                smaller = halve(self.at_a_time, smallest=2)  # batch normalisation needs two
            self.restore(start)
            self.at_a_time = smaller

    def _run_steps(
        self, train: LesionDataset, class_weights: torch.Tensor, tell: Callable[[int], None]
    ) -> float:
        self.network.train()
        size = self.config.batch_size
        total = torch.zeros((), device=self.device)  # read once an epoch: reading waits for the GPU
        order = train.draw(self.steps * size, self.generator)
        maps = random_maps(len(order), self.config.augmentation, self.generator).to(self.device)
        for step, batch in enumerate(zip(order.split(size), maps.split(size), strict=True)):
            tell(step)
            total += self._step(train, class_weights, *batch)
        return total.item() / self.steps

    def _step(
        self,
        train: LesionDataset,
        class_weights: torch.Tensor,
        index: torch.Tensor,
        maps: torch.Tensor,
    ) -> torch.Tensor:
        """Change the weights by the gradient of a batch, and return its loss."""
        self.optimiser.zero_grad(set_to_none=True)
        total = torch.zeros((), device=self.device)
        parts = max(1, len(index) // self.at_a_time)
        for part, part_maps in zip(
            index.tensor_split(parts), maps.tensor_split(parts), strict=True
        ):
            images = apply_affine(self.network.prepare(train.batch(part)), part_maps)
            logits = forward(self.network, images, self.config.mixed_precision)
            targets = train.targets[part.to(self.device, non_blocking=True)]
            loss = cross_entropy(logits, targets, class_weights) * (len(part) / len(index))
            self.scaler.scale(loss).backward()
            total += loss.detach()
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.schedule.step()
        return total

    @property
    def _stateful(self) -> dict[str, Any]:
        return {
            "network": self.network,
            "optimiser": self.optimiser,
            "schedule": self.schedule,
            "scaler": self.scaler,
        }

    def state(self) -> dict[str, Any]:
        """Copy all that changes to the CPU."""
        content = {name: part.state_dict() for name, part in self._stateful.items()}
        content |= {"at_a_time": self.at_a_time, "generator": self.generator.get_state()}
        return copy_to_cpu(content)

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a state."""
        for name, part in self._stateful.items():
            part.load_state_dict(state[name])
        self.generator.set_state(state["generator"])
        self.at_a_time = state["at_a_time"]
        self.optimiser.zero_grad(set_to_none=True)
