"""Model chain: the configured segmentation models, checked, unpacked and loaded into memory.

A model is an nnU-Net, v2 or v1 (Isensee et al. 2021, doi:10.1038/s41592-020-01008-z), or the pair
of networks of KU Leuven (Tang et al. 2020, doi:10.1007/s00259-020-04800-3). Each kind has a loader,
which gives the function that predicts a CT; `inference` runs these functions one after the other.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import SimpleITK as sitk

from livermets.core.devices import pick_device
from livermets.core.errors import BadInput
from livermets.imaging.geometry import bounding_box
from livermets.masks.labels import LABEL_VALUES, Label
from livermets.segmentation.model_archive import model_file, model_folder
from livermets.segmentation.nnunet_environment import nnunet_environment
from livermets.segmentation.nnunet_v1_archive import CHECKPOINT as V1_CHECKPOINT
from livermets.segmentation.nnunet_v1_archive import is_v1_model
from livermets.segmentation.prediction import Prediction

if TYPE_CHECKING:
    import torch

    from livermets.segmentation.nnunet_model import TrainedModel

V2_CHECKPOINT = "checkpoint_final.pth"  # nnU-Net v2's name of a finished training
TOTALSEGMENTATOR = "totalsegmentator"


class Crop(NamedTuple):
    """The part of a CT in which a model runs: the box around an earlier label, and a margin.

    Parameters
    ----------
    to : {"liver", "lesion"}
        The label. The liver includes its lesions, as everywhere in this study.
    margin_mm : float
        How much wider the box is on each side.
    round_down : bool
        Whether a part of a voxel is left out of the margin; otherwise it counts as a whole one.
    """

    to: str
    margin_mm: float = 0
    round_down: bool = False

    def box(
        self, mask: np.ndarray, spacing_mm: tuple[float, float, float]
    ) -> tuple[slice, ...] | None:
        """Find the box (z, y, x) in a mask with this voxel size (x, y, z), if there is one."""
        wanted = mask >= Label.LIVER if self.to == "liver" else mask == LABEL_VALUES[self.to]
        voxels = self.margin_mm / np.array(spacing_mm[::-1])
        whole = np.floor(voxels) if self.round_down else np.ceil(voxels)
        return bounding_box(wanted, whole.astype(int).tolist())


@dataclass(frozen=True)
class ChainedModel:
    """One model of the chain, in memory.

    Parameters
    ----------
    name : str
        Its name in the configuration.
    predict : callable
        Called with a CT (SimpleITK.Image) and the mask of the models before (z, y, x), on the grid
        of that CT. Gives a `Prediction`.
    labels : mapping of str to int or list of int
        The study's names (liver, lesion) and the model's values of each.
    crop : Crop, optional
        The part of the CT in which the model runs; by default everywhere.
    only_locates : bool
        The labels only tell later models where to look, and do not enter the mask.
    """

    name: str
    predict: Callable[[sitk.Image, np.ndarray], Prediction]
    labels: Mapping[str, Any]
    crop: Crop | None = None
    only_locates: bool = False


def load_chain(
    models: Sequence[Mapping[str, Any]],
    device: str = "auto",
    mirroring: bool = True,
    step_size: float = 0.5,
    *,
    cache_dir: Path = Path("resources/models"),
    threads: int | None = None,
) -> list[ChainedModel]:
    """Check, unpack and load the models of a chain, to run on one CT after the other.

    Parameters
    ----------
    models : sequence of mapping
        The chain as in the configuration. Each model has `kind` (nnunet or leuven), `path` and
        `sha256` (see `model_archive`) and `labels` (liver, lesion -> the model's values, one or
        a list). Optional: `name`, `folds` (default [0]), `checkpoint` (default that of a finished
        training), `configuration` (of nnU-Net v1, see `nnunet_v1_archive`), `crop` ({to: liver,
        margin_mm: 10}), `only_locates`, `preprocessing` (totalsegmentator), `orientation` (default:
        the one in the model's dataset.json, or as the CT lies), `mirroring` and `step_size`
        (default: those of the chain).
    device : {"auto", "cpu", "cuda"}
        Where the networks run.
    mirroring : bool
        Average over the flips that the model was trained with (up to 8 times the work).
    step_size : float
        Distance of neighbouring patches as a fraction of the patch.
    cache_dir : Path
        Where zipped models are unpacked.
    threads : int, optional
        CPU threads of PyTorch; by default PyTorch decides.

    Returns
    -------
    list of ChainedModel
        The loaded models, in the same order.

    Raises
    ------
    BadInput
        For a model that does not match its hash or lacks a fold or a label.
    """
    if not models:
        raise BadInput("segmentation: models is empty; name at least one model")
    # All hashes are checked before any model is loaded.
    checked = [_checked(model, cache_dir) for model in models]
    import torch  # takes seconds, which a refused model above should not cost

    if threads:
        torch.set_num_threads(threads)
    chosen = pick_device(device, "segmentation.device")
    defaults = {"mirroring": mirroring, "step_size": step_size}
    chain = []
    for model, path in zip(models, checked, strict=True):
        given = {key: value for key, value in model.items() if value is not None}
        load = _loader(model, path)
        chain.append(load({**defaults, **given}, path, chosen))
    return chain


def _checked(model: Mapping[str, Any], cache_dir: Path) -> Path:
    """Check the hash of a model; gives the folder of an nnU-Net, or the file of another kind."""
    name = model.get("name", "")
    if model.get("kind") == "leuven":
        return model_file(model["path"], model["sha256"], name)
    chosen = model.get("configuration")
    return model_folder(model["path"], model["sha256"], cache_dir, name, chosen)


def _loader(model: Mapping[str, Any], path: Path) -> Callable[..., ChainedModel]:
    """Choose the function that loads a kind of model; nnU-Net v1 is known by its files."""
    if model.get("kind") == "leuven":
        return _load_leuven
    return _load_nnunet_v1 if is_v1_model(path) else _load_nnunet


def _load_leuven(model: Mapping[str, Any], wheel: Path, device: "torch.device") -> ChainedModel:
    """Load the networks of KU Leuven that the labels of a model ask for."""
    from livermets.segmentation.leuven_model import load_leuven_model

    probability = model.get("min_probability", 0.5)
    loaded = load_leuven_model(wheel, model["labels"], device, probability, model["name"])
    labels = {label: LABEL_VALUES[label] for label in model["labels"]}
    return _chained(model, model["name"], loaded.predict, labels)


def _load_nnunet(model: Mapping[str, Any], folder: Path, device: "torch.device") -> ChainedModel:
    """Load one nnU-Net of the chain; BadInput where its folds, labels or crop do not fit."""
    name = model.get("name", folder.name)
    _refuse_wrong_keys(model, name)
    _refuse_wrong_folds(model, folder, name)
    with nnunet_environment():
        from livermets.segmentation.nnunet_model import load_model
        from livermets.segmentation.nnunet_prediction import predict
        from livermets.segmentation.totalsegmentator import predict_like_totalsegmentator

        loaded = load_model(
            folder,
            model.get("folds", [0]),
            model.get("checkpoint", V2_CHECKPOINT),
            device,
            model["mirroring"],
            model["step_size"],
            name,
        )
    lesions = _lesion_labels(model, loaded, name)
    if model.get("preprocessing") == TOTALSEGMENTATOR:
        function = partial(predict_like_totalsegmentator, loaded, lesions=lesions)
    else:
        orientation = model.get("orientation")
        function = partial(predict, loaded, orientation=orientation, lesions=lesions)
    return _chained(model, name, lambda ct, _: function(ct), model["labels"])


def _load_nnunet_v1(model: Mapping[str, Any], folder: Path, device: "torch.device") -> ChainedModel:
    """Load one nnU-Net v1 of the chain; BadInput where its folds, labels or crop do not fit."""
    name = model.get("name", folder.name)
    _refuse_wrong_keys(model, name)
    if model.get("preprocessing") == TOTALSEGMENTATOR:
        raise BadInput(
            f"segmentation model {name}: preprocessing {TOTALSEGMENTATOR} is for nnU-Net v2; "
            "leave it out, a model of v1 has its own"
        )
    checkpoint = model.get("checkpoint", V2_CHECKPOINT)
    with nnunet_environment():
        from livermets.segmentation.nnunet_v1_model import load_v1_model, predict_v1

        loaded = load_v1_model(
            folder,
            model.get("folds", [0]),
            V1_CHECKPOINT if checkpoint == V2_CHECKPOINT else checkpoint,
            device,
            model["mirroring"],
            model["step_size"],
            name,
        )
    lesions = _lesion_labels(model, loaded.trained, name)
    orientation = model.get("orientation")
    function = partial(predict_v1, loaded, orientation=orientation, lesions=lesions)
    return _chained(model, name, lambda ct, _: function(ct), model["labels"])


def _lesion_labels(model: Mapping[str, Any], loaded: "TrainedModel", name: str) -> list[int]:
    """Look up the model's values of lesion; BadInput where a value is none of the model's."""
    for label, values in model["labels"].items():
        if not set(np.atleast_1d(values).tolist()) <= loaded.labels:
            raise BadInput(
                f"segmentation model {name}: labels maps {label} to {values}, but the model's "
                f"labels are {loaded.dataset['labels']}; correct the map"
            )
    lesions: list[int] = np.atleast_1d(model["labels"].get("lesion", [])).tolist()
    return lesions


def _chained(
    model: Mapping[str, Any],
    name: str,
    predict: Callable[[sitk.Image, np.ndarray], Prediction],
    labels: Mapping[str, Any],
) -> ChainedModel:
    """Join a loaded model and the keys that say where it runs and what becomes of its labels."""
    crop = model.get("crop")
    return ChainedModel(
        name,
        predict,
        labels,
        Crop(**crop, round_down=model.get("preprocessing") == TOTALSEGMENTATOR) if crop else None,
        bool(model.get("only_locates", False)),
    )


def _refuse_wrong_keys(model: Mapping[str, Any], name: str) -> None:
    """Refuse a crop and names of labels that do not fit."""
    crop = model.get("crop")
    if crop and crop["to"] not in LABEL_VALUES:
        raise BadInput(
            f"segmentation model {name}: crop.to is {crop['to']!r}; "
            f"give one of {list(LABEL_VALUES)}"
        )
    if unknown := set(model["labels"]) - set(LABEL_VALUES):
        raise BadInput(
            f"segmentation model {name}: labels names {sorted(unknown)}; "
            f"only {list(LABEL_VALUES)} can be mapped"
        )


def _refuse_wrong_folds(model: Mapping[str, Any], folder: Path, name: str) -> None:
    """Refuse a fold or checkpoint of an nnU-Net v2 that is not there."""
    checkpoint = model.get("checkpoint", V2_CHECKPOINT)
    for fold in model.get("folds", [0]):
        if not (folder / f"fold_{fold}" / checkpoint).is_file():
            present = sorted(str(file.relative_to(folder)) for file in folder.glob("fold_*/*.pth"))
            raise BadInput(
                f"segmentation model {name} has no fold_{fold}/{checkpoint}; "
                f"set folds and checkpoint to one of {present}"
            )
