"""Liver and lesion segmentation by a chain of nnU-Net v2 models, in process and case by case.

Isensee et al. 2021, doi:10.1038/s41592-020-01008-z. Models of the chain are merged in order; each
may be run inside the surroundings of what an earlier one found, as lesion models trained on liver
crops need it. Models stay in memory from one CT to the next; nothing is written.
"""

import contextlib
import io
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from livermets.core.devices import pick_device
from livermets.core.errors import BadInput
from livermets.core.exclusion import exclusion_of
from livermets.imaging.geometry import bounding_box
from livermets.masks.labels import LABEL_VALUES, Label
from livermets.segmentation.model_archive import model_folder

if TYPE_CHECKING:
    import torch

    from livermets.segmentation.nnunet_model import Model

log = logging.getLogger(__name__)


@dataclass
class Link:
    """One model of the chain, in memory."""

    name: str
    model: "Model"
    labels: Mapping[str, Any]
    crop: Mapping[str, Any] | None
    orientation: str | None


def load_chain(
    models: Sequence[Mapping[str, Any]],
    device: str = "auto",
    mirroring: bool = True,
    step_size: float = 0.5,
    *,
    cache_dir: Path = Path("resources/models"),
    threads: int | None = None,
) -> list[Link]:
    """Check, unpack and load models, for `segment` to run on one CT after the other.

    Parameters
    ----------
    models : the chain, each a mapping with
        path, sha256 : zip or folder, and what it must hash to (see `model_files`)
        labels : our names (liver, lesion) to the model's label values, one or a list
        name, folds ([0]), checkpoint (checkpoint_final.pth) : optional
        crop : optional {to: liver, margin_mm: 10}: run it in the bounding box of an earlier label
        orientation : optional, e.g. LPS or RAS: how the model wants its voxels to lie. By default
            what the model says itself (`orientation` in its dataset.json), or as the CT lies
    device : auto, cpu or cuda
    mirroring : average over the flips the model was trained with (up to 8 times the work)
    step_size : distance of neighbouring patches as a fraction of the patch
    cache_dir : where zipped models are unpacked
    threads : CPU threads of PyTorch; by default as many as it finds

    Raises `BadInput` naming the model that does not match its hash or lacks a fold or label.
    """
    if not models:
        raise BadInput("segmentation: models is empty; name at least one model")
    # All hashes are checked before anything of any model is loaded.
    found = [
        (model, model_folder(model["path"], model["sha256"], cache_dir, model.get("name", "")))
        for model in models
    ]
    import torch  # seconds of import that no refusal above should wait for

    if threads:
        torch.set_num_threads(threads)
    where = pick_device(device, "segmentation.device")
    return [_load(model, folder, where, mirroring, step_size) for model, folder in found]


def segment(ct: sitk.Image, chain: Sequence[Link], keep_largest_liver: bool = False) -> sitk.Image:
    """Segment liver and lesions of a CT in int16 HU.

    `keep_largest_liver` forgets pieces of liver beside the largest, before a later model is
    cropped to it. Lesions stay: whether they lie in the liver is judged where they are split.

    Returns
    -------
    uint8 image on the CT's own grid: 0 background, 1 liver, 2 lesion. Where models disagree a
    lesion is never overwritten by liver.
    """
    from livermets.segmentation.nnunet_model import predict  # torch, as in `load_chain`

    merged = np.zeros(ct.GetSize()[::-1], dtype=np.uint8)
    for link in chain:
        box = _box(merged, ct, link.crop)
        if box is None:
            log.warning("%s: no %s to crop to, not run", link.name, link.crop["to"])
            continue
        start = time.monotonic()
        region = ct[box[::-1]]
        found = predict(link.model, region, link.orientation)
        part = np.zeros_like(found, dtype=np.uint8)
        for ours in sorted(link.labels, key=LABEL_VALUES.__getitem__):
            part[np.isin(found, link.labels[ours])] = LABEL_VALUES[ours]
        np.maximum(merged[box], part, out=merged[box])
        if keep_largest_liver:
            _keep_largest(merged, link.name)
        seconds = time.monotonic() - start
        log.info("%s: %s voxels (x, y, z) in %.1f s", link.name, region.GetSize(), seconds)
    mask = sitk.GetImageFromArray(merged)
    mask.CopyInformation(ct)
    return mask


def segment_files(
    files: Sequence[tuple[Path, Path, Path]],
    load: Callable[[], Sequence[Link]],
    keep_largest_liver: bool = False,
) -> list[Path]:
    """Segment CT after CT with one chain in memory: (CT, its record, mask to write) for each.

    Who is out already gets an empty mask. So does, where there are several, a patient whose
    segmentation fails: the others go on, and the review of that patient ends with the reason.
    Returns the CTs that failed. `load` is called once, if at all.
    """
    chain: Sequence[Link] | None = None
    failed = []
    for ct, record, output in files:
        if exclusion_of(record):
            Path(output).write_bytes(b"")
            continue
        chain = chain or load()
        try:
            mask = segment(sitk.ReadImage(str(ct)), chain, keep_largest_liver)
            sitk.WriteImage(mask, str(output), useCompression=True)
        except Exception:  # memory, a damaged file: one patient's trouble is not the others'
            if len(files) == 1:
                raise
            log.exception("%s could not be segmented:", ct)
            Path(output).write_bytes(b"")
            failed.append(Path(ct))
    return failed


@contextlib.contextmanager
def quiet_nnunet(**settings: str) -> Iterator[None]:
    """Run nnU-Net with its environment variables, set here where nobody has, and its prints logged.

    `settings` take precedence over the environment; all is as before afterwards.
    """
    folders = ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")
    defaults = {**dict.fromkeys(folders, os.devnull), "nnUNet_n_proc_DA": "1"}
    wanted = {**defaults, **os.environ, **settings}
    before = dict(os.environ)
    os.environ.update(wanted)
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        for line in filter(None, map(str.strip, said.getvalue().splitlines())):
            log.debug("nnU-Net: %s", line)


def _keep_largest(merged: np.ndarray, name: str) -> None:
    """Make liver that does not hang together with the largest piece, by faces, background."""
    pieces, n = ndimage.label(merged > 0)
    if n > 1:
        largest = np.bincount(pieces.ravel())[1:].argmax() + 1
        stray = (merged == Label.LIVER) & (pieces != largest)
        merged[stray] = 0
        log.info("%s: %d voxels of liver beside the largest piece forgotten", name, stray.sum())


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


def _load(
    model: Mapping[str, Any],
    folder: Path,
    device: "torch.device",
    mirroring: bool,
    step_size: float,
) -> Link:
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
            there = sorted(str(file.relative_to(folder)) for file in folder.glob("fold_*/*.pth"))
            raise BadInput(
                f"segmentation model {name} has no fold_{fold}/{checkpoint}; "
                f"set folds and checkpoint to one of {there}"
            )
    if unknown := set(model["labels"]) - set(LABEL_VALUES):
        raise BadInput(
            f"segmentation model {name}: labels names {sorted(unknown)}; "
            f"only {list(LABEL_VALUES)} can be mapped"
        )
    with quiet_nnunet():
        from livermets.segmentation.nnunet_model import load_model

        loaded = load_model(folder, folds, checkpoint, device, mirroring, step_size, name)
    for ours, theirs in model["labels"].items():
        if not set(np.atleast_1d(theirs).tolist()) <= loaded.labels:
            raise BadInput(
                f"segmentation model {name}: labels maps {ours} to {theirs}, but the model's "
                f"labels are {loaded.dataset['labels']}; correct the map"
            )
    return Link(name, loaded, model["labels"], crop, model.get("orientation"))
