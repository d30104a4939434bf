"""Model archive: a trained nnU-Net model as a zip or a folder; its hash, unpacking and packing.

A checkpoint is a pickle, so loading a model runs whatever code it holds. No model is unpacked or
loaded unless its sha256 is the one that the configuration names.
"""

import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from livermets.core.errors import BadInput
from livermets.core.io import UNFINISHED, atomic_path, hash_file
from livermets.segmentation.nnunet_v1_archive import choose_v1_model

ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # a fixed date, so that equal weights give an equal zip
FILE_MODE = 0o644


def hash_model(path: Path) -> str:
    """Compute the sha256 of a model: of its file, or of a folder's sorted paths and file hashes."""
    path = Path(path)
    if path.is_file():
        return hash_file(path)
    digest = hashlib.sha256()
    for name, file in _sorted_files(path):
        digest.update(f"{hash_file(file)}  {name}\n".encode())
    return digest.hexdigest()


def model_folder(
    path: Path, sha256: str, cache_dir: Path, name: str = "", configuration: str | None = None
) -> Path:
    """Check the hash of a model and give the folder that holds its plans.

    Parameters
    ----------
    path : Path
        Zip file or folder of a trained nnU-Net model; the model may lie some folders down.
    sha256 : str
        The hash that `hash_model` must give for it.
    cache_dir : Path
        Where a zip is unpacked, once for each hash; several jobs may do so at the same time.
    name : str
        The model's name in the configuration, for messages.
    configuration : str, optional
        The configuration of a model of nnU-Net v1, see `choose_v1_model`.

    Returns
    -------
    Path
        The folder with plans.json and dataset.json, or with plans.pkl of nnU-Net v1.

    Raises
    ------
    BadInput
        Where the model is missing, has another hash, holds members that point out of its folder,
        or is no nnU-Net model.
    """
    title = f"segmentation model {name or Path(path).name}"
    path = model_file(path, sha256, name)
    if path.is_dir():
        return _folder_with_plans(path, title, configuration)
    if not zipfile.is_zipfile(path):
        raise BadInput(f"{title}: {path} is neither a folder nor a zip file; give one of these")
    unpacked = _unpack(path, Path(cache_dir) / sha256.lower()[:32], title)
    return _folder_with_plans(unpacked, title, configuration)


def model_file(path: Path, sha256: str, name: str = "") -> Path:
    """Check the hash of a model and give its path.

    Raises
    ------
    BadInput
        Where the model is missing, or has another hash.
    """
    path, title = Path(path), f"segmentation model {name or Path(path).name}"
    if not path.exists():
        raise BadInput(f"{title}: {path} does not exist; correct its path or fetch the model")
    actual = hash_model(path)
    if actual != str(sha256).lower():
        raise BadInput(
            f"{title}: {path} has the sha256 {actual} where the configuration names {sha256}. "
            "Loading a model runs code, so fetch it again from a source you trust; "
            "if you changed it yourself, write its sha256 into the configuration"
        )
    return path


def pack_model(folder: Path, output_zip: Path, fold: str = "all") -> None:
    """Write a zip of the files that inference needs of a trained model.

    The optimiser's state and the logs stay out. The checkpoint names nnU-Net's own trainer, so that
    it loads without this package. Equal weights give equal bytes.

    Parameters
    ----------
    folder : Path
        A trained configuration of nnU-Net, with `fold_{fold}/checkpoint_final.pth`. The checkpoint
        is unpickled: only pass a folder that this study trained.
    output_zip : Path
        The zip: dataset.json, plans.json and fold_0/checkpoint_final.pth with the weights alone.
    fold : str
        The fold that is packed.
    """
    import torch

    trained = torch.load(
        folder / f"fold_{fold}" / "checkpoint_final.pth", map_location="cpu", weights_only=False
    )
    weights_only = folder / "checkpoint_final.pth"  # torch.save stores the file's name as well
    torch.save(
        {
            "network_weights": {k: v.contiguous() for k, v in trained["network_weights"].items()},
            "init_args": {"configuration": trained["init_args"]["configuration"]},
            "trainer_name": "nnUNetTrainer",
            "inference_allowed_mirroring_axes": trained["inference_allowed_mirroring_axes"],
        },
        weights_only,
    )
    members = {
        "dataset.json": folder / "dataset.json",
        "plans.json": folder / "plans.json",
        "fold_0/checkpoint_final.pth": weights_only,
    }
    Path(output_zip).parent.mkdir(parents=True, exist_ok=True)
    with (
        atomic_path(output_zip) as unfinished,
        zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
    ):
        for name, file in members.items():
            entry = zipfile.ZipInfo(name, date_time=ZIP_DATE)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, FILE_MODE << 16
            archive.writestr(entry, file.read_bytes())


def _unpack(archive: Path, target: Path, title: str) -> Path:
    """Unpack beside `target` and move into place, so that no job ever sees half a model."""
    with zipfile.ZipFile(archive) as model:
        for name in model.namelist():
            inside = PurePosixPath(name.replace("\\", "/"))
            if inside.is_absolute() or ".." in inside.parts or ":" in inside.parts[0]:
                raise BadInput(
                    f"{title}: {archive} holds {name!r}, which points out of its folder; "
                    "do not use this file, fetch the model from a source you trust"
                )
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            unfinished = Path(
                tempfile.mkdtemp(prefix=f"{UNFINISHED}{target.name}.", dir=target.parent)
            )
            try:
                model.extractall(unfinished)
                os.replace(unfinished, target)
            except OSError:
                if not target.exists():  # else another job was first: its folder is used
                    raise
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)
        _refuse_changed(model, archive, target, title)
    return target


def _refuse_changed(model: zipfile.ZipFile, archive: Path, folder: Path, title: str) -> None:
    """Refuse an unpacked file that is not the one in the zip, whose hash has been checked."""
    for member in model.infolist():
        if member.is_dir():
            continue
        file = folder / member.filename
        if file.is_file():
            with model.open(member) as packed:
                if _sha256(packed) == hash_file(file):
                    continue
        raise BadInput(
            f"{title}: {file} differs from the one in {archive}; delete {folder} and run again"
        )


def _folder_with_plans(folder: Path, title: str, configuration: str | None) -> Path:
    """Find the one folder in `folder`, or `folder` itself, that holds a trained nnU-Net model."""
    models = [file.parent for file in sorted(folder.rglob("plans.json"))]
    models = [parent for parent in models if (parent / "dataset.json").is_file()]
    if len(models) == 1:
        return models[0]
    if models:
        raise BadInput(
            f"{title} holds {len(models)} trained models "
            f"({', '.join(str(model.relative_to(folder)) for model in models)}); give one of them"
        )
    if chosen := choose_v1_model(folder, configuration, title):
        return chosen
    raise BadInput(
        f"{title} has no plans.json and dataset.json, nor plans.pkl and checkpoints of nnU-Net v1; "
        "give the folder of a trained configuration, e.g. nnUNetTrainer__nnUNetPlans__3d_fullres, "
        "or a zip of it"
    )


def _sorted_files(folder: Path) -> Iterator[tuple[str, Path]]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return iter(sorted((file.relative_to(folder).as_posix(), file) for file in files))


def _sha256(stream: IO[bytes]) -> str:
    digest = hashlib.file_digest(stream, "sha256")  # type: ignore[arg-type] # IO has no readinto
    return digest.hexdigest()
