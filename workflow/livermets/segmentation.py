"""Liver and lesion segmentation by a chain of nnU-Net v2 models, in process and case by case.

Isensee et al. 2021, doi:10.1038/s41592-020-01008-z. Models of the chain are merged in order; each
may be run inside the surroundings of what an earlier one found, as lesion models trained on liver
crops need it. Nothing is written; probabilities are never exported.
"""

import contextlib
import io
import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK as sitk

from .errors import BadInput
from .model_files import model_folder

if TYPE_CHECKING:
    import torch
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

LABELS = {"liver": 1, "lesion": 2}
log = logging.getLogger(__name__)


def segment(
    ct: sitk.Image,
    models: Sequence[Mapping[str, Any]],
    device: str = "auto",
    mirroring: bool = True,
    step_size: float = 0.5,
    progress: bool = False,
    *,
    cache_dir: Path = Path("resources/models"),
    threads: int | None = None,
) -> sitk.Image:
    """Segment liver and lesions.

    Parameters
    ----------
    ct : int16, HU
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
    progress : show a bar of the patches
    cache_dir : where zipped models are unpacked
    threads : CPU threads of PyTorch; by default as many as it finds

    Returns
    -------
    uint8 image on the CT's own grid: 0 background, 1 liver, 2 lesion. Where models disagree a
    lesion is never overwritten by liver.

    Raises `BadInput` naming the model that does not match its hash or lacks a fold or label.
    """
    if not models:
        raise BadInput("segmentation: models is empty; name at least one model")
    # All hashes are checked before anything of any model is loaded.
    chain = [
        (model, model_folder(model["path"], model["sha256"], cache_dir, model.get("name", "")))
        for model in models
    ]
    import torch  # seconds of import that no refusal above should wait for

    if threads:
        torch.set_num_threads(threads)
    where = pick_device(device)
    merged = np.zeros(ct.GetSize()[::-1], dtype=np.uint8)
    for model, folder in chain:
        name = model.get("name") or folder.name
        box = _box(merged, ct, model.get("crop"), name)
        if box is None:
            log.warning("%s: no %s to crop to, not run", name, model["crop"]["to"])
            continue
        start = time.monotonic()
        region = ct[tuple(box[::-1])]
        log.info("%s: %s voxels (x, y, z) on %s", name, region.GetSize(), where)
        predictor = _load(model, folder, where, mirroring, step_size, progress)
        found = _predict(predictor, region, model.get("orientation"))
        del predictor  # before the next one is loaded
        part = np.zeros_like(found, dtype=np.uint8)
        for ours in sorted(model["labels"], key=LABELS.__getitem__):
            part[np.isin(found, model["labels"][ours])] = LABELS[ours]
        np.maximum(merged[tuple(box)], part, out=merged[tuple(box)])
        log.info("%s: done in %.1f s", name, time.monotonic() - start)
    mask = sitk.GetImageFromArray(merged)
    mask.CopyInformation(ct)
    return mask


def pick_device(device: str) -> "torch.device":
    """`auto` takes a CUDA device where there is one."""
    import torch

    if device not in ("auto", "cpu", "cuda"):
        raise BadInput(f"device is {device!r}; set it to auto, cpu or cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise BadInput("device is cuda but PyTorch sees no CUDA device; set it to auto or cpu")
    return torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")


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


def _box(
    merged: np.ndarray, ct: sitk.Image, crop: Mapping[str, Any] | None, name: str
) -> list[slice] | None:
    """Where to run a model, as slices (z, y, x): everywhere, or around an earlier label."""
    if not crop:
        return [slice(0, n) for n in merged.shape]
    if crop["to"] not in LABELS:
        raise BadInput(
            f"segmentation model {name}: crop.to is {crop['to']!r}; give one of {list(LABELS)}"
        )
    # The liver includes its lesions, as everywhere in this study.
    wanted = merged >= 1 if crop["to"] == "liver" else merged == LABELS[crop["to"]]
    if not wanted.any():
        return None
    box = []
    for axis, step in enumerate(ct.GetSpacing()[::-1]):
        hit = np.flatnonzero(wanted.any(tuple({0, 1, 2} - {axis})))
        margin = int(np.ceil(crop.get("margin_mm", 0) / step))
        box.append(slice(max(0, int(hit[0]) - margin), int(hit[-1]) + 1 + margin))
    return [slice(s.start, min(s.stop, n)) for s, n in zip(box, merged.shape, strict=True)]


def _load(
    model: Mapping[str, Any],
    folder: Path,
    device: "torch.device",
    mirroring: bool,
    step_size: float,
    progress: bool,
) -> "nnUNetPredictor":
    name = model.get("name") or folder.name
    checkpoint = model.get("checkpoint") or "checkpoint_final.pth"
    folds = model.get("folds") or [0]
    for fold in folds:
        if not (folder / f"fold_{fold}" / checkpoint).is_file():
            there = sorted(str(file.relative_to(folder)) for file in folder.glob("fold_*/*.pth"))
            raise BadInput(
                f"segmentation model {name} has no fold_{fold}/{checkpoint}; "
                f"set folds and checkpoint to one of {there}"
            )
    if unknown := set(model["labels"]) - set(LABELS):
        raise BadInput(
            f"segmentation model {name}: labels names {sorted(unknown)}; "
            f"only {list(LABELS)} can be mapped"
        )
    with quiet_nnunet():
        from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

        predictor = nnUNetPredictor(
            tile_step_size=step_size,
            use_mirroring=mirroring,
            perform_everything_on_device=device.type == "cuda",
            device=device,
            allow_tqdm=progress,
        )
        predictor.initialize_from_trained_model_folder(str(folder), folds, checkpoint)
    known = set(predictor.label_manager.all_labels)
    for ours, theirs in model["labels"].items():
        if not set(np.atleast_1d(theirs).tolist()) <= known:
            raise BadInput(
                f"segmentation model {name}: labels maps {ours} to {theirs}, but the model's "
                f"labels are {predictor.dataset_json['labels']}; correct the map"
            )
    return predictor


def _predict(
    predictor: "nnUNetPredictor", image: sitk.Image, orientation: str | None
) -> np.ndarray:
    """The model's own labels, (z, y, x) as the image lies."""
    import torch

    orientation = orientation or predictor.dataset_json.get("orientation")
    if not orientation and "Reorient" in predictor.plans_manager.plans["image_reader_writer"]:
        orientation = "RAS"  # what nnU-Net's NibabelIOWithReorient turns every image to
    lying = sitk.DICOMOrient(image, orientation) if orientation else image
    properties = {"spacing": list(lying.GetSpacing()[::-1])}
    plans, setup = predictor.plans_manager, predictor.configuration_manager
    with quiet_nnunet():
        data, _, properties = setup.preprocessor_class(verbose=False).run_case_npy(
            sitk.GetArrayFromImage(lying)[None], None, properties, plans, setup,
            predictor.dataset_json,
        )  # fmt: skip
        logits = predictor.predict_logits_from_preprocessed_data(torch.from_numpy(data))
        del data
        labels = logits_to_labels(predictor, logits, properties)
    if not orientation:
        return labels
    result = sitk.GetImageFromArray(labels)
    result.CopyInformation(lying)
    back = sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(image.GetDirection())
    return sitk.GetArrayFromImage(sitk.DICOMOrient(result, back))


def logits_to_labels(
    predictor: "nnUNetPredictor", logits: "torch.Tensor", properties: dict[str, Any]
) -> np.ndarray:
    """Labels on the grid the image had before preprocessing, from logits (class, z, y, x).

    As nnU-Net's own export, but one class at a time: its peak memory is that of two classes on
    the original grid, not of all of them, which is what big CTs are killed for (nnU-Net #1572).
    """
    import torch
    from nnunetv2.inference.export_prediction import (
        convert_predicted_logits_to_segmentation_with_correct_shape as export,
    )

    plans, setup = predictor.plans_manager, predictor.configuration_manager
    manager = predictor.label_manager
    if manager.has_regions:  # overlapping regions have an order of their own: left to nnU-Net
        return export(
            logits, plans, setup, manager, properties, num_threads_torch=torch.get_num_threads()
        )
    shape = tuple(properties["shape_after_cropping_and_before_resampling"])
    before = [properties["spacing"][axis] for axis in plans.transpose_forward]
    after = list(setup.spacing)
    after = [before[0], *after] if len(after) < len(shape) else after
    labels, best = np.zeros(shape, dtype=np.uint16), None
    for label in range(logits.shape[0]):
        one = logits[label : label + 1]
        value = np.asarray(setup.resampling_fn_probabilities(one, shape, after, before)[0])
        if best is None:
            best = value
            continue
        better = value > best
        labels[better] = label
        best[better] = value[better]
    whole = np.zeros(properties["shape_before_cropping"], dtype=np.uint16)
    whole[tuple(slice(*edges) for edges in properties["bbox_used_for_cropping"])] = labels
    return whole.transpose(plans.transpose_backward)
