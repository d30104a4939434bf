"""nnU-Net's trainer with a seed for each epoch, whole checkpoints and its lines in the log.

Only `training` imports this module, since nnU-Net's trainer takes seconds to import.
"""

import logging
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from nnunetv2.training.lr_scheduler.polylr import PolyLRScheduler
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

from livermets.core.errors import BadInput
from livermets.core.io import atomic_path
from livermets.core.seeds import derive_seed

if TYPE_CHECKING:
    from livermets.segmentation.training import TrainingSettings

log = logging.getLogger(__name__)


class SeededTrainer(nnUNetTrainer):
    """`nnUNetTrainer` with the settings that `prepare` gives it.

    It has no `__init__`, because nnU-Net stores the arguments of that method in checkpoints.
    """

    settings: "TrainingSettings"

    def prepare(self, settings: "TrainingSettings") -> None:
        """Set everything up for `run_training`; load the last checkpoint, where there is one."""
        self.settings = settings
        self.num_iterations_per_epoch = min(settings.iterations, settings.iterations_per_epoch)
        self.num_epochs = -(-settings.iterations // self.num_iterations_per_epoch)
        self.num_val_iterations_per_epoch = max(1, self.num_iterations_per_epoch // 25)
        self.initial_lr = settings.learning_rate
        self.oversample_foreground_percent = settings.foreground
        # By default nnU-Net centres a fixed share of every batch on foreground. In a batch of one
        # that would be every patch, and the network would never see a place without liver.
        self.probabilistic_oversampling = self.configuration_manager.batch_size == 1
        self.save_every = 1
        self._seed_generators("start")
        self.initialize()
        latest = Path(self.output_folder) / "checkpoint_latest.pth"
        if latest.is_file():
            self.load_checkpoint(str(latest))
            log.info("resuming after epoch %d of %d", self.current_epoch, self.num_epochs)

    def _seed_generators(self, *purpose: object) -> None:
        """Seed all random generators; once an epoch, so that a resumed run repeats a whole one."""
        seed = derive_seed(self.settings.seed, "segmentation training", *purpose)
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002  nnU-Net's loader draws from numpy's global state
        torch.manual_seed(seed)

    def configure_optimizers(self) -> tuple[torch.optim.Optimizer, PolyLRScheduler]:
        """nnU-Net's SGD, or AdamW: with a momentum of 0.99, SGD needs long to start learning."""
        optimiser, schedule = super().configure_optimizers()
        if self.settings.optimiser == "adamw":
            optimiser = torch.optim.AdamW(self.network.parameters(), self.initial_lr)
            schedule = PolyLRScheduler(optimiser, self.initial_lr, self.num_epochs)
        return optimiser, schedule

    def on_epoch_start(self) -> None:
        """Seed the epoch."""
        super().on_epoch_start()
        self._seed_generators(self.current_epoch)

    def on_epoch_end(self) -> None:
        """Save a checkpoint and log the epoch; BadInput where the loss is no number."""
        super().on_epoch_end()
        loss, dice = (self.logger.get_value(key, -1) for key in ("train_losses", "mean_fg_dice"))
        if not np.isfinite(loss):
            raise BadInput(
                f"segmentation training: the loss is {loss} after epoch {self.current_epoch}; "
                "lower learning_rate, and start anew by removing the working folder"
            )
        log.info(
            "epoch %d/%d: loss %.3f, Dice on patches %.3f",
            self.current_epoch,
            self.num_epochs,
            loss,
            dice,
        )

    def configure_rotation_dummyDA_mirroring_and_inital_patch_size(self) -> tuple[Any, ...]:  # noqa: N802
        """nnU-Net's augmentation ranges with the mirror axes of the settings."""
        rotation, dummy_2d, patch, _ = (
            super().configure_rotation_dummyDA_mirroring_and_inital_patch_size()
        )
        axes = tuple(self.settings.mirror_axes)
        self.inference_allowed_mirroring_axes = axes or None
        if not self.settings.augment:
            patch = np.array(self.configuration_manager.patch_size)
        return rotation, dummy_2d, patch, axes

    def get_training_transforms(self, *args: Any, **kwargs: Any) -> Any:
        """nnU-Net's augmentation, or flips alone."""
        if self.settings.augment:
            return nnUNetTrainer.get_training_transforms(*args, **kwargs)
        from batchgeneratorsv2.transforms.spatial.mirroring import MirrorTransform

        transforms = self.get_validation_transforms(args[2])
        if axes := tuple(self.settings.mirror_axes):
            transforms.transforms.insert(0, MirrorTransform(allowed_axes=axes))
        return transforms

    def save_checkpoint(self, filename: str) -> None:
        """Save the whole checkpoint or none, so that a kill costs one epoch at most."""
        with atomic_path(filename) as unfinished:
            super().save_checkpoint(str(unfinished))

    def print_to_log_file(
        self, *args: Any, also_print_to_console: bool = True, add_timestamp: bool = True
    ) -> None:
        """nnU-Net's own log file, without its lines on the terminal."""
        super().print_to_log_file(*args, also_print_to_console=False, add_timestamp=add_timestamp)

    def plot_network_architecture(self) -> None:
        """Do nothing: nnU-Net's plot needs packages that the environment does not have."""
