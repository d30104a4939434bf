"""Mapped slices: the lesion slices of patients, of which only what is used lies in memory.

The images of a slice file are mapped into memory, not read. So a training needs as much memory for
ten patients as for ten thousand: the system may drop what is not used at the moment.
"""

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from livermets.core.errors import BadPatient
from livermets.deep_learning.lesion_slices import Arrays

_IMAGES = "images.npy"  # name of the images within a slice file
_BLOCK = 1 << 20  # bytes that are read at a time while a file is checked
_IMAGES_AT_A_TIME = 256


def load_slices(path: Path) -> Arrays:
    """Read the arrays of a file of `save_slices`; the images are mapped into memory.

    Parameters
    ----------
    path : path
        The file of a patient, named `{patient}.npz`.

    Returns
    -------
    dict of ndarray
        See `livermets.deep_learning.lesion_slices.lesion_slices`. Changing the images does not
        change the file.

    Raises
    ------
    BadPatient
        If the file is empty or damaged: every byte is compared with the file's checksums.
    """
    try:
        with zipfile.ZipFile(path) as archive, np.load(path, allow_pickle=False) as arrays:
            slices = {name: arrays[name] for name in arrays.files if name != "images"}
            with archive.open(_IMAGES) as member:
                while member.read(_BLOCK):  # compares the checksum at the end
                    pass
            return {"images": _map_images(path, archive.getinfo(_IMAGES))} | slices
    except FileNotFoundError:
        raise
    except (zipfile.BadZipFile, ValueError, KeyError, EOFError, OSError) as problem:
        raise BadPatient(
            path.stem,
            f"the file of lesion slices {path} is damaged ({problem})",
            "Delete it and run the workflow again, which makes it anew",
        ) from problem


def _map_images(path: Path, info: zipfile.ZipInfo) -> np.ndarray:
    """The images as an array that the system reads from the file when they are used."""
    if info.compress_type != zipfile.ZIP_STORED:
        raise ValueError("its images are compressed")
    with path.open("rb") as file:
        file.seek(info.header_offset + 26)  # where the lengths of name and extra field stand
        lengths = np.frombuffer(file.read(4), "<u2")
        file.seek(int(lengths.sum()), 1)
        np.lib.format.read_magic(file)
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        start = file.tell()
    if dtype != np.uint8:
        raise ValueError(f"its images are {dtype}, not 8-bit")
    n = int(np.prod(shape))
    # PyTorch closes a file that it has mapped. NumPy keeps it open, and often 1024 are the most.
    content = torch.from_file(str(path), shared=False, size=path.stat().st_size, dtype=torch.uint8)
    return content[start : start + n].numpy().reshape(shape)


class StackedImages:
    """Images of several arrays as if they were one, without a copy of them.

    Parameters
    ----------
    parts : sequence of ndarray of uint8, shape (n, size, size) or (n, channels, size, size)
        Images, for example of each patient; or images that are stacked already.
    """

    def __init__(self, parts: "Sequence[np.ndarray | StackedImages]") -> None:
        self._parts: list[np.ndarray] = []
        for part in parts:
            self._parts += part._parts if isinstance(part, StackedImages) else [part]
        self._ends = np.cumsum([len(part) for part in self._parts])
        self.shape = (int(self._ends[-1]), *self._parts[0].shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def nbytes(self) -> int:
        """Bytes of all images."""
        return int(np.prod(self.shape))

    def __getitem__(self, index: torch.Tensor) -> torch.Tensor:
        """Copy the images at an index, a tensor of int64 on the CPU."""
        images = np.empty((len(index), *self.shape[1:]), np.uint8)
        owners = np.searchsorted(self._ends, index.numpy(), side="right")
        for place, (row, owner) in enumerate(zip(index.tolist(), owners, strict=True)):
            part = self._parts[owner]
            images[place] = part[row - self._ends[owner] + len(part)]
        return torch.from_numpy(images)

    def blocks(self) -> Iterator[torch.Tensor]:
        """Give all images in order, a few at a time, of which the last may be fewer."""
        for part in self._parts:
            for start in range(0, len(part), _IMAGES_AT_A_TIME):
                yield torch.from_numpy(part[start : start + _IMAGES_AT_A_TIME])

    def to(self, device: torch.device) -> torch.Tensor:
        """Copy all images to a device."""
        images = torch.empty(self.shape, dtype=torch.uint8, device=device)
        start = 0
        for block in self.blocks():
            images[start : start + len(block)] = block
            start += len(block)
        return images
