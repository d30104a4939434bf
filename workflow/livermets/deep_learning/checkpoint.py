"""Checkpoint: the state of a training after an epoch, on disk, and whose training it is.

A killed job goes on from it to the bytes of an uninterrupted one. A checkpoint of another training,
such as one with other settings, is not used.
"""

import hashlib
import io
import logging
import pickle
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from livermets.core.io import atomic_path

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """A file with the state of a training.

    Parameters
    ----------
    path : path
        The file.
    identity : mapping of str to str
        Everything that decides the result of the training, such as {"settings": "...", "training
        slices": a hash}. The keys are words for a person.
    """

    path: Path
    identity: Mapping[str, str]

    def write(self, state: Mapping[str, Any]) -> None:
        """Write the state; a killed job leaves the one before."""
        content = {"identity": dict(self.identity), **state}
        with atomic_path(self.path) as unfinished, unfinished.open("wb") as file:
            torch.save(content, file)

    def read(self) -> dict[str, Any] | None:
        """Read the state, or None where there is none of this very training."""
        if not self.path.exists():
            return None
        try:
            state: dict[str, Any] = torch.load(self.path, map_location="cpu", weights_only=True)
            identity = state.pop("identity")
        except (RuntimeError, EOFError, KeyError, pickle.UnpicklingError) as problem:
            log.warning("%s cannot be read (%r); starting anew", self.path, problem)
            return None
        changed = [key for key in self.identity if self.identity[key] != identity.get(key)]
        if changed:
            log.warning(
                "%s is from another training (changed: %s); starting anew",
                self.path, ", ".join(changed),
            )  # fmt: skip
            return None
        return state


def copy_to_cpu(state: Mapping[str, Any]) -> dict[str, Any]:
    """Copy the state of a training to the CPU, so that later steps do not change it."""
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    buffer.seek(0)
    copied: dict[str, Any] = torch.load(buffer, map_location="cpu", weights_only=True)
    return copied


def hash_tensors(tensors: Iterable[torch.Tensor]) -> str:
    """Hash the shapes and values of tensors, as hexadecimal digits."""
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(repr(tensor.shape).encode())
        digest.update(tensor.cpu().contiguous().numpy().data)
    return digest.hexdigest()
