"""Devices: where a network runs, on a GPU or on the CPU."""

from typing import TYPE_CHECKING

from livermets.core.errors import BadInput

if TYPE_CHECKING:
    import torch


def pick_device(name: str, key: str) -> "torch.device":
    """Pick the device of `auto`, `cpu` or `cuda`: `auto` is the GPU where there is one.

    Parameters
    ----------
    name : str
        The value of a `device` key of the configuration.
    key : str
        That key ("densenet.device"), named where its value cannot be had.

    Raises
    ------
    BadInput
        For another name, and for `cuda` where PyTorch finds no GPU.
    """
    import torch  # takes seconds, and who only plans asks for no device

    if name not in ("auto", "cpu", "cuda"):
        raise BadInput(f"{key} is {name!r}. Use auto, cpu or cuda.")
    if name == "cuda" and not torch.cuda.is_available():
        raise BadInput(
            f"{key} is cuda, but PyTorch finds no GPU here. Set it to auto or cpu, or run on a "
            "machine with an NVIDIA GPU, its driver and a CUDA build of PyTorch."
        )
    return torch.device("cuda" if torch.cuda.is_available() and name != "cpu" else "cpu")
