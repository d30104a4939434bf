"""Settings: the section `densenet` of the configuration, as the settings of a training."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from livermets.core.errors import BadInput
from livermets.deep_learning.augmentation import AffineRanges
from livermets.deep_learning.optimisation import TrainingConfig

_NOT_OF_TRAINING = ("device", "threads", "weigh", "weights")  # read where they are used


def read_settings(settings: Mapping[str, Any]) -> TrainingConfig:
    """Convert `densenet` of the configuration to a `TrainingConfig`.

    Parameters
    ----------
    settings : mapping
        The section; missing keys take the values of `TrainingConfig`.

    Returns
    -------
    TrainingConfig
        How to train.

    Raises
    ------
    BadInput
        An unknown key.
    """
    values = {key: value for key, value in settings.items() if key not in _NOT_OF_TRAINING}
    ranges = values.pop("augment", None) or {}
    known = {field.name for field in fields(TrainingConfig)} - {"augmentation"}
    known_ranges = {field.name for field in fields(AffineRanges)}
    unknown = [f"densenet.{key}" for key in values if key not in known]
    unknown += [f"densenet.augment.{key}" for key in ranges if key not in known_ranges]
    if unknown:
        raise BadInput(f"unknown key {', '.join(unknown)}. Remove it or correct its name.")
    return TrainingConfig(**values, augmentation=AffineRanges(**ranges))
