"""Crops: the file from which the job of one lesion reads that lesion's voxels and no others.

An uncompressed `.npz`. For each lesion and feature set it holds the grey values, mask and grid of
the region, or the reason why there is none. Lesions are written one by one, so that memory does
not grow with their number.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from zipfile import ZipFile

import numpy as np

from livermets.core.io import atomic_path
from livermets.radiomics.regions import Region

Crops = Mapping[str, Region | str]  # by feature set: its region, or why there is none


def write_crops(path: str | Path, crops: Iterable[tuple[int, Crops]]) -> None:
    """Write the crops of lesions; the same crops give the same bytes.

    Parameters
    ----------
    path : str or Path
        File to write.
    crops : iterable of tuple
        Number of each lesion and its crops.
    """
    with atomic_path(path) as unfinished, ZipFile(unfinished, "w") as file:
        for lesion, regions in crops:
            for name, region in regions.items():
                for part, array in _to_arrays(region).items():
                    member = f"{lesion}/{name}/{part}.npy"
                    with file.open(member, "w", force_zip64=True) as target:
                        np.lib.format.write_array(target, array, allow_pickle=False)


def read_crops(path: str | Path, lesion: int) -> Crops:
    """Read the crops of one lesion; empty if the file does not have the lesion."""
    with np.load(path) as file:
        parts: dict[str, dict[str, np.ndarray]] = {}
        for member in file.files:
            number, name, part = member.split("/")
            if int(number) == lesion:
                parts.setdefault(name, {})[part] = file[member]
    return {name: _from_arrays(arrays) for name, arrays in parts.items()}


def lesions_in(path: str | Path) -> list[int]:
    """List the numbers of the lesions in a file of crops."""
    with np.load(path) as file:
        return sorted({int(member.split("/")[0]) for member in file.files})


def _to_arrays(region: Region | str) -> dict[str, np.ndarray]:
    if isinstance(region, str):
        return {"reason": np.array(region)}
    grid = np.array([*region.spacing, region.axial])
    return {"image": region.image, "mask": region.mask, "grid": grid}


def _from_arrays(arrays: Mapping[str, np.ndarray]) -> Region | str:
    if "reason" in arrays:
        return str(arrays["reason"])
    *spacing, axial = arrays["grid"].tolist()
    return Region(arrays["image"], arrays["mask"], tuple(spacing), int(axial))
