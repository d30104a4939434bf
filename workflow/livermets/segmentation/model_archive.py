"""Segmentation models as files: what they must hash to, and how they are unpacked.

A checkpoint is a pickle, so loading a model runs whatever it holds. Nothing is loaded, and not
even unpacked, unless its sha256 is the one that the configuration names.
"""

import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from livermets.core.errors import BadInput


def cache_path(sha256: str) -> Path:
    """Where a downloaded model lies, for all studies of this user."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "livermets/models" / f"{sha256}.zip"


def hash_model(path: Path) -> str:
    """sha256 of a model: of the file, or of a folder's sorted relative paths and file hashes."""
    path = Path(path)
    if path.is_file():
        with path.open("rb") as stream:
            return _digest(stream)
    whole = hashlib.sha256()
    for name, file in _files(path):
        with file.open("rb") as stream:
            whole.update(f"{_digest(stream)}  {name}\n".encode())
    return whole.hexdigest()


def model_folder(path: Path, sha256: str, cache_dir: Path, name: str = "") -> Path:
    """The folder with `plans.json` and `dataset.json` of a model whose hash has been checked.

    Parameters
    ----------
    path : zip file or folder of a trained nnU-Net v2 model, itself or some folders down
    sha256 : what `hash_model` must give for it
    cache_dir : where a zip is unpacked, once for each hash; jobs may do so at the same time
    name : the model's name in the configuration, for messages

    Raises `BadInput` where the model is missing, hashes to something else, holds members that
    point out of its folder, or is no nnU-Net v2 model.
    """
    path, title = Path(path), f"segmentation model {name or Path(path).name}"
    if not path.exists():
        raise BadInput(f"{title}: {path} does not exist; correct its path or fetch the model")
    found = hash_model(path)
    if found != str(sha256).lower():
        raise BadInput(
            f"{title}: {path} has the sha256 {found} where the configuration names {sha256}. "
            "Loading a model runs code, so fetch it again from a source you trust; "
            "if you changed it yourself, write its sha256 into the configuration"
        )
    if path.is_dir():
        return _find_plans(path, title)
    if not zipfile.is_zipfile(path):
        raise BadInput(f"{title}: {path} is neither a folder nor a zip file; give one of these")
    return _find_plans(_unpack(path, Path(cache_dir) / found[:32], title), title)


def _unpack(archive: Path, target: Path, title: str) -> Path:
    """Unpack beside `target` and move into place, so that no job ever sees half a model."""
    with zipfile.ZipFile(archive) as members:
        for member in members.namelist():
            inside = PurePosixPath(member.replace("\\", "/"))
            if inside.is_absolute() or ".." in inside.parts or ":" in inside.parts[0]:
                raise BadInput(
                    f"{title}: {archive} holds {member!r}, which points out of its folder; "
                    "do not use this file, fetch the model from a source you trust"
                )
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))
            try:
                members.extractall(partial)
                os.replace(partial, target)
            except OSError:
                if not target.exists():  # else another job was first: use what it unpacked
                    raise
            finally:
                shutil.rmtree(partial, ignore_errors=True)
        for member in members.infolist():  # what is loaded must be what was hashed
            if member.is_dir():
                continue
            file = target / member.filename
            if file.is_file():
                with members.open(member) as given, file.open("rb") as unpacked:
                    if _digest(given) == _digest(unpacked):
                        continue
            raise BadInput(
                f"{title}: {file} differs from the one in {archive}; delete {target} and run again"
            )
    return target


def _find_plans(folder: Path, title: str) -> Path:
    found = [file.parent for file in sorted(folder.rglob("plans.json"))]
    found = [parent for parent in found if (parent / "dataset.json").is_file()]
    if len(found) == 1:
        return found[0]
    if found:
        raise BadInput(
            f"{title} holds {len(found)} trained models "
            f"({', '.join(str(one.relative_to(folder)) for one in found)}); give one of them"
        )
    if any(folder.rglob("plans.pkl")):
        raise BadInput(f"{title} is an nnU-Net v1 model; only v2 models load, give one of those")
    raise BadInput(
        f"{title} has no plans.json and dataset.json; give the folder of a trained nnU-Net v2 "
        "configuration, e.g. nnUNetTrainer__nnUNetPlans__3d_fullres, or a zip of it"
    )


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return iter(sorted((file.relative_to(folder).as_posix(), file) for file in files))


def _digest(stream: BinaryIO) -> str:
    return hashlib.file_digest(stream, "sha256").hexdigest()
