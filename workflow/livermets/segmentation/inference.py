"""Liver and lesion segmentation by a chain of models, case by case in one process.

The models run in the order of the configuration and their labels are merged. A model may be limited
to the bounding box of an earlier label and a margin, as lesion models that were trained on crops of
the liver need it. The models stay in memory from one CT to the next.
"""

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import SimpleITK as sitk

from livermets.core.exclusion import exclusion_of
from livermets.core.io import write_empty
from livermets.imaging.connected_pieces import largest_piece
from livermets.imaging.reorientation import image_like
from livermets.imaging.volumes import write_image
from livermets.masks.labels import LABEL_VALUES, Label
from livermets.segmentation.model_chain import ChainedModel
from livermets.segmentation.prediction import Prediction
from livermets.segmentation.volume_resampling import WHOLE

log = logging.getLogger(__name__)


class Segmentation(NamedTuple):
    """Mask of a CT, and how sure the models are of its lesions; both lie on the grid of the CT.

    Parameters
    ----------
    mask : SimpleITK.Image of uint8
        0 background, 1 liver, 2 lesion.
    lesion_probability : SimpleITK.Image of uint8
        Probability of the voxels of lesion in percent, 1 to 100; 0 elsewhere, and where a model
        gives none.
    """

    mask: sitk.Image
    lesion_probability: sitk.Image


def segment(
    ct: sitk.Image, chain: Sequence[ChainedModel], keep_largest_liver: bool = False
) -> Segmentation:
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
    Segmentation
        The mask and the probability of its lesions.
    """
    merged = np.zeros(ct.GetSize()[::-1], dtype=np.uint8)
    percent = np.zeros_like(merged)
    located: np.ndarray | None = None  # the labels of models that only say where to look
    for chained in chain:
        crop = chained.crop
        box = crop.box(merged if located is None else located, ct.GetSpacing()) if crop else WHOLE
        if box is None:
            log.warning("%s: no %s to crop to, not run", chained.name, crop and crop.to)
            continue
        start = time.monotonic()
        region = ct[box[::-1]]
        predicted = chained.predict(region, merged[box])
        part = np.zeros_like(predicted.labels, dtype=np.uint8)
        for label in sorted(chained.labels, key=LABEL_VALUES.__getitem__):
            part[np.isin(predicted.labels, chained.labels[label])] = LABEL_VALUES[label]
        target = merged
        if chained.only_locates:
            target = located = np.zeros_like(merged) if located is None else located
        else:
            np.maximum(percent[box], _lesion_percent(predicted, part), out=percent[box])
        np.maximum(target[box], part, out=target[box])
        if keep_largest_liver:
            _keep_largest_liver(target, chained.name)
        seconds = time.monotonic() - start
        log.info("%s: %s voxels (x, y, z) in %.1f s", chained.name, region.GetSize(), seconds)
    return Segmentation(image_like(merged, ct), image_like(percent, ct))


def segment_files(
    files: Sequence[tuple[Path, Path, Path, Path]],
    load: Callable[[], Sequence[ChainedModel]],
    keep_largest_liver: bool = False,
) -> list[Path]:
    """Segment one CT after the other with one chain in memory.

    A patient who is excluded already gets an empty file. Where there are several patients, one
    whose segmentation fails gets an empty file too, so that the others are still segmented; the
    selection of that patient's mask then stops with the reason.

    Parameters
    ----------
    files : sequence of (Path, Path, Path, Path)
        Of each patient: CT, record of its import, and the mask and the lesion probability to write.
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
    for ct, record, *outputs in files:
        for output in outputs:
            Path(output).parent.mkdir(parents=True, exist_ok=True)  # the folder of a batch
        if exclusion_of(record):
            for output in outputs:
                write_empty(output)
            continue
        chain = chain or load()
        try:
            images = segment(sitk.ReadImage(str(ct)), chain, keep_largest_liver)
            for output, image in zip(outputs, images, strict=True):
                write_image(output, image)
        except Exception:  # lack of memory or a damaged file of one patient
            if len(files) == 1:
                raise
            log.exception("%s could not be segmented:", ct)
            for output in outputs:
                write_empty(output)
            failed.append(Path(ct))
    return failed


def _lesion_percent(predicted: Prediction, part: np.ndarray) -> np.ndarray:
    """Probability in percent of the voxels that are lesion in `part`; 0 elsewhere."""
    percent = np.zeros_like(part)
    if predicted.lesion_probability is not None:
        lesion = part == Label.LESION
        percent[lesion] = np.rint(100 * predicted.lesion_probability[lesion]).clip(1, 100)
    return percent


def _keep_largest_liver(merged: np.ndarray, name: str) -> None:
    """Set to background the liver that is not connected, by faces, to the largest piece."""
    stray = (merged == Label.LIVER) & ~largest_piece(merged > 0)
    if stray.any():
        merged[stray] = 0
        log.info("%s: %d voxels of liver beside the largest piece removed", name, stray.sum())
