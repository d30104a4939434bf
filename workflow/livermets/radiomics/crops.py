"""Lesions cut from a CT, in a file from which the job of a lesion reads its own and no more.

An uncompressed `.npz`: for each lesion and feature set the grey values, mask and grid of its
region, or the reason why there is none. It is written lesion by lesion, so that memory does not
grow with their number.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from zipfile import ZipFile

import numpy as np

from livermets.radiomics.regions import Region


def write_cuts(path: str | Path, cuts: Iterable[tuple[int, Mapping[str, Region | str]]]) -> None:
    """Write `(lesion, {set: region or reason})`; the same cuts give the same bytes."""
    with ZipFile(path, "w") as file:
        for lesion, regions in cuts:
            for name, region in regions.items():
                for part, array in _parts(region).items():
                    member = f"{lesion}/{name}/{part}.npy"
                    with file.open(member, "w", force_zip64=True) as target:
                        np.lib.format.write_array(target, array, allow_pickle=False)


def read_cuts(path: str | Path, lesion: int) -> dict[str, Region | str]:
    """One lesion's `{set: region or reason}`, empty where the file does not have the lesion."""
    with np.load(path) as file:
        parts: dict[str, dict[str, np.ndarray]] = {}
        for member in file.files:
            number, name, part = member.split("/")
            if int(number) == lesion:
                parts.setdefault(name, {})[part] = file[member]
    return {name: _region(**found) for name, found in parts.items()}


def lesions(path: str | Path) -> list[int]:
    """The lesions in a file of cuts."""
    with np.load(path) as file:
        return sorted({int(member.split("/")[0]) for member in file.files})


def _parts(region: Region | str) -> dict[str, np.ndarray]:
    if isinstance(region, str):
        return {"reason": np.array(region)}
    grid = np.array([*region.spacing, region.axial])
    return {"image": region.image, "mask": region.mask, "grid": grid}


def _region(
    image: np.ndarray | None = None,
    mask: np.ndarray | None = None,
    grid: np.ndarray | None = None,
    reason: np.ndarray | None = None,
) -> Region | str:
    if reason is not None:
        return str(reason)
    *spacing, axial = grid.tolist()
    return Region(image, mask, tuple(spacing), int(axial))
