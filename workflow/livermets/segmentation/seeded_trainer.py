"""nnU-Net's trainer, made reproducible, resumable and silent; imported by training alone."""

import logging
import os
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from nnunetv2.training.lr_scheduler.polylr import PolyLRScheduler
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

from livermets.core.errors import BadInput
from livermets.core.seeds import derive

log = logging.getLogger(__name__)


class SeededTrainer(nnUNetTrainer):
    """Differs from `nnUNetTrainer` in what `prepare` sets. No `__init__`: nnU-Net inspects it."""

    seed = 0
    mirror_axes: Sequence[int] = (0, 1, 2)
    augment = True
    optimiser = "sgd"

    def prepare(
        self,
        iterations: int,
        iterations_per_epoch: int,
        learning_rate: float,
        foreground: float,
        seed: int,
        mirror_axes: Sequence[int],
        augment: bool,
        optimiser: str,
    ) -> None:
        self.num_iterations_per_epoch = min(iterations, iterations_per_epoch)
        self.num_epochs = -(-iterations // self.num_iterations_per_epoch)
        self.num_val_iterations_per_epoch = max(1, self.num_iterations_per_epoch // 25)
        self.initial_lr, self.oversample_foreground_percent = learning_rate, foreground
        self.seed, self.mirror_axes, self.augment = seed, tuple(mirror_axes), augment
        self.optimiser = optimiser
        # nnU-Net fills a share of every batch; of a batch of one that would be each patch, and the
        # network would never see a place without liver.
        self.probabilistic_oversampling = self.configuration_manager.batch_size == 1
        self.save_every = 1
        self._draw("start")
        self.initialize()
        latest = Path(self.output_folder) / "checkpoint_latest.pth"
        if latest.is_file():
            self.load_checkpoint(str(latest))
            log.info("resuming after epoch %d of %d", self.current_epoch, self.num_epochs)

    def _draw(self, *purpose: object) -> None:
        """Seed everything that draws. Once an epoch, so that a resumed run repeats a whole one."""
        seed = derive(self.seed, "segmentation training", *purpose)
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002  nnU-Net's loader draws from numpy's global state
        torch.manual_seed(seed)

    def configure_optimizers(self):
        optimiser, schedule = super().configure_optimizers()
        if self.optimiser == "adamw":  # SGD with nnU-Net's momentum of .99 is slow to get going
            optimiser = torch.optim.AdamW(self.network.parameters(), self.initial_lr)
            schedule = PolyLRScheduler(optimiser, self.initial_lr, self.num_epochs)
        return optimiser, schedule

    def on_epoch_start(self) -> None:
        super().on_epoch_start()
        self._draw(self.current_epoch)

    def on_epoch_end(self) -> None:
        super().on_epoch_end()
        loss, dice = (self.logger.get_value(key, -1) for key in ("train_losses", "mean_fg_dice"))
        if not np.isfinite(loss):
            raise BadInput(
                f"segmentation training: the loss is {loss} after epoch {self.current_epoch}; "
                "lower learning_rate, and start anew by removing the working folder"
            )
        log.info("epoch %d/%d: loss %.3f, Dice on patches %.3f",
                 self.current_epoch, self.num_epochs, loss, dice)  # fmt: skip

    def configure_rotation_dummyDA_mirroring_and_inital_patch_size(self):
        planned = super().configure_rotation_dummyDA_mirroring_and_inital_patch_size()
        rotation, flat, patch, _ = planned
        self.inference_allowed_mirroring_axes = self.mirror_axes or None
        if not self.augment:
            patch = np.array(self.configuration_manager.patch_size)
        return rotation, flat, patch, self.mirror_axes

    def get_training_transforms(self, *args, **kwargs):
        if self.augment:
            return nnUNetTrainer.get_training_transforms(*args, **kwargs)
        from batchgeneratorsv2.transforms.spatial.mirroring import MirrorTransform

        transforms = self.get_validation_transforms(args[2])
        if self.mirror_axes:
            transforms.transforms.insert(0, MirrorTransform(allowed_axes=self.mirror_axes))
        return transforms

    def save_checkpoint(self, filename: str) -> None:
        """Whole or not at all, so that a kill while saving loses one epoch, not the training."""
        super().save_checkpoint(f"{filename}.partial")
        os.replace(f"{filename}.partial", filename)

    def print_to_log_file(self, *args, also_print_to_console=True, add_timestamp=True) -> None:
        super().print_to_log_file(*args, also_print_to_console=False, add_timestamp=add_timestamp)

    def plot_network_architecture(self) -> None:
        """Nothing: it needs packages this study does not."""
