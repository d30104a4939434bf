"""Liver and lesion segmentation by a chain of models, case by case in one process.

A model is an nnU-Net v2 (Isensee et al. 2021, doi:10.1038/s41592-020-01008-z) or the pair of
networks of KU Leuven (Tang et al. 2020, doi:10.1007/s00259-020-04800-3). The models run in the
order of the configuration and their labels are merged. A model may be limited to the bounding box
of an earlier label and a margin, as lesion models that were trained on crops of the liver need it.
The models stay in memory from one CT to the next.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from livermets.core.devices import pick_device
from livermets.core.errors import BadInput
from livermets.core.exclusion import exclusion_of
from livermets.core.io import write_empty
from livermets.imaging.geometry import bounding_box
from livermets.imaging.volumes import write_image
from livermets.masks.labels import LABEL_VALUES, Label
from livermets.segmentation.model_archive import model_file, model_folder
from livermets.segmentation.nnunet_environment import nnunet_environment

if TYPE_CHECKING:
    import torch

    from livermets.segmentation.leuven_model import LeuvenModel
    from livermets.segmentation.nnunet_model import TrainedModel

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ChainedModel:
    """One model of the chain, in memory.

    Parameters
    ----------
    name : str
        Its name in the configuration.
    model : TrainedModel or LeuvenModel
        The networks.
    labels : mapping of str to int or list of int
        The study's names (liver, lesion) and the model's values of each.
    crop : mapping, optional
        `to` (an earlier label) and `margin_mm`: the model runs in that bounding box alone.
    orientation : str, optional
        How the model wants its voxels to lie, for instance LPS or RAS.
    """

    name: str
    model: "TrainedModel | LeuvenModel"
    labels: Mapping[str, Any]
    crop: Mapping[str, Any] | None
    orientation: str | None

    def predict(self, ct: sitk.Image, earlier: np.ndarray) -> np.ndarray:
        """The model's labels (z, y, x) of a CT, of which `earlier` models gave this mask."""
        from livermets.segmentation.leuven_model import LeuvenModel
        from livermets.segmentation.nnunet_model import predict

        if isinstance(self.model, LeuvenModel):
            return self.model.predict(ct, earlier)
        return predict(self.model, ct, self.orientation)


def load_chain(
    models: Sequence[Mapping[str, Any]],
    device: str = "auto",
    mirroring: bool = True,
    step_size: float = 0.5,
    *,
    cache_dir: Path = Path("resources/models"),
    threads: int | None = None,
) -> list[ChainedModel]:
    """Check, unpack and load the models of a chain, for `segment` to run on one CT after the other.

    Parameters
    ----------
    models : sequence of mapping
        The chain as in the configuration. Each model has `kind` (nnunet or leuven), `path` and
        `sha256` (see `model_archive`) and `labels` (liver, lesion -> the model's values, one or
        a list). Optional: `name`, `folds` (default [0]), `checkpoint` (default
        checkpoint_final.pth), `crop` ({to: liver, margin_mm: 10}) and `orientation` (default: the
        one in the model's dataset.json, or as the CT lies).
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
    return [
        _load_leuven(model, path, chosen)
        if model.get("kind") == "leuven"
        else _load_nnunet(model, path, chosen, mirroring, step_size)
        for model, path in zip(models, checked, strict=True)
    ]


def segment(
    ct: sitk.Image, chain: Sequence[ChainedModel], keep_largest_liver: bool = False
) -> sitk.Image:
    """Segment liver and lesions of one CT.

    Where models disagree, a lesion is never overwritten by liver.

    Parameters
    ----------
    ct : SimpleITK.Image of int16
        Hounsfield units.
    chain : sequence of ChainedModel
        The loaded models.
    keep_largest_liver : bool
        Remove pieces of liver beside the largest one after each model, so that a later model is
        not cropped to them. Lesions stay: `lesions.components` judges whether they touch the liver.

    Returns
    -------
    SimpleITK.Image of uint8
        On the grid of the CT: 0 background, 1 liver, 2 lesion.
    """
    merged = np.zeros(ct.GetSize()[::-1], dtype=np.uint8)
    for chained in chain:
        box = _box(merged, ct, chained.crop)
        if box is None:
            assert chained.crop is not None
            log.warning("%s: no %s to crop to, not run", chained.name, chained.crop["to"])
            continue
        start = time.monotonic()
        region = ct[box[::-1]]
        predicted = chained.predict(region, merged[box])
        part = np.zeros_like(predicted, dtype=np.uint8)
        for label in sorted(chained.labels, key=LABEL_VALUES.__getitem__):
            part[np.isin(predicted, chained.labels[label])] = LABEL_VALUES[label]
        np.maximum(merged[box], part, out=merged[box])
        if keep_largest_liver:
            _keep_largest_liver(merged, chained.name)
        seconds = time.monotonic() - start
        log.info("%s: %s voxels (x, y, z) in %.1f s", chained.name, region.GetSize(), seconds)
    mask = sitk.GetImageFromArray(merged)
    mask.CopyInformation(ct)
    return mask


def segment_files(
    files: Sequence[tuple[Path, Path, Path]],
    load: Callable[[], Sequence[ChainedModel]],
    keep_largest_liver: bool = False,
) -> list[Path]:
    """Segment one CT after the other with one chain in memory.

    A patient who is excluded already gets an empty file. Where there are several patients, one
    whose segmentation fails gets an empty file too, so that the others are still segmented; the
    selection of that patient's mask then stops with the reason.

    Parameters
    ----------
    files : sequence of (Path, Path, Path)
        CT, record of its import, and mask to write, of each patient.
    load : callable
        Gives the chain; called once, and only if there is a CT to segment.
    keep_largest_liver : bool
        See `segment`.

    Returns
    -------
    list of Path
        The CTs that could not be segmented.
    """
    chain: Sequence[ChainedModel] | None = None
    failed = []
    for ct, record, output in files:
        Path(output).parent.mkdir(parents=True, exist_ok=True)  # the folder of a batch
        if exclusion_of(record):
            write_empty(output)
            continue
        chain = chain or load()
        try:
            mask = segment(sitk.ReadImage(str(ct)), chain, keep_largest_liver)
            write_image(output, mask)
        except Exception:  # lack of memory or a damaged file of one patient
            if len(files) == 1:
                raise
            log.exception("%s could not be segmented:", ct)
            write_empty(output)
            failed.append(Path(ct))
    return failed


def _keep_largest_liver(merged: np.ndarray, name: str) -> None:
    """Set to background the liver that is not connected, by faces, to the largest piece."""
    pieces, n = ndimage.label(merged > 0)
    if n > 1:
        largest = np.bincount(pieces.ravel())[1:].argmax() + 1
        stray = (merged == Label.LIVER) & (pieces != largest)
        merged[stray] = 0
        log.info("%s: %d voxels of liver beside the largest piece removed", name, stray.sum())


def _box(
    merged: np.ndarray, ct: sitk.Image, crop: Mapping[str, Any] | None
) -> tuple[slice, ...] | None:
    """Where to run a model, as slices (z, y, x): everywhere, or around an earlier label."""
    if not crop:
        return tuple(slice(0, n) for n in merged.shape)
    # The liver includes its lesions, as everywhere in this study.
    wanted = merged >= 1 if crop["to"] == "liver" else merged == LABEL_VALUES[crop["to"]]
    margin = np.ceil(crop.get("margin_mm", 0) / np.array(ct.GetSpacing()[::-1])).astype(int)
    return bounding_box(wanted, margin.tolist())


def _checked(model: Mapping[str, Any], cache_dir: Path) -> Path:
    """The folder of an nnU-Net model, or the file of another kind, once its hash was checked."""
    name = model.get("name", "")
    if model.get("kind") == "leuven":
        return model_file(model["path"], model["sha256"], name)
    return model_folder(model["path"], model["sha256"], cache_dir, name)


def _load_leuven(model: Mapping[str, Any], wheel: Path, device: "torch.device") -> ChainedModel:
    """Load the networks of KU Leuven that the labels of a model ask for."""
    from livermets.segmentation.leuven_model import load_leuven_model

    probability = model.get("min_probability") or 0.5
    loaded = load_leuven_model(wheel, model["labels"], device, probability, model["name"])
    labels = {label: LABEL_VALUES[label] for label in model["labels"]}
    return ChainedModel(model["name"], loaded, labels, model.get("crop"), None)


def _load_nnunet(
    model: Mapping[str, Any],
    folder: Path,
    device: "torch.device",
    mirroring: bool,
    step_size: float,
) -> ChainedModel:
    """Load one model of the chain; BadInput where its folds, labels or crop do not fit."""
    name = model.get("name") or folder.name
    checkpoint = model.get("checkpoint") or "checkpoint_final.pth"
    folds, crop = model.get("folds") or [0], model.get("crop")
    if crop and crop["to"] not in LABEL_VALUES:
        raise BadInput(
            f"segmentation model {name}: crop.to is {crop['to']!r}; "
            f"give one of {list(LABEL_VALUES)}"
        )
    for fold in folds:
        if not (folder / f"fold_{fold}" / checkpoint).is_file():
            present = sorted(str(file.relative_to(folder)) for file in folder.glob("fold_*/*.pth"))
            raise BadInput(
                f"segmentation model {name} has no fold_{fold}/{checkpoint}; "
                f"set folds and checkpoint to one of {present}"
            )
    if unknown := set(model["labels"]) - set(LABEL_VALUES):
        raise BadInput(
            f"segmentation model {name}: labels names {sorted(unknown)}; "
            f"only {list(LABEL_VALUES)} can be mapped"
        )
    with nnunet_environment():
        from livermets.segmentation.nnunet_model import load_model

        loaded = load_model(folder, folds, checkpoint, device, mirroring, step_size, name)
    for label, values in model["labels"].items():
        if not set(np.atleast_1d(values).tolist()) <= loaded.labels:
            raise BadInput(
                f"segmentation model {name}: labels maps {label} to {values}, but the model's "
                f"labels are {loaded.dataset['labels']}; correct the map"
            )
    return ChainedModel(name, loaded, model["labels"], crop, model.get("orientation"))
