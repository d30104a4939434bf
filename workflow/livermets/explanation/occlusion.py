"""Occlusion: scores of lesions of which the network sees a part alone.

What is occluded gets the value 0 of the prepared image: the mean of the training patients' lesions,
which is also what black surroundings are to the network. So an occluded rim is neither texture nor
outline; the visible lesion ends further inside.

The silhouette is the opposite: every lesion is filled with one and the same grey, so that nothing
but its outline and its size in the image is left. The fill is one standard deviation of the
training lesions' pixels above the mean, and once more one below it; the score is the mean of both,
so that a bright or a dark lesion alone decides nothing.
"""

from collections.abc import Mapping

import numpy as np
import torch

from livermets.deep_learning.inference import lesion_means
from livermets.deep_learning.lesion_slices import MASKS
from livermets.deep_learning.network import LesionNet
from livermets.explanation.image_probabilities import BATCH, chances
from livermets.explanation.lesion_regions import read_slices, rims_of
from livermets.explanation.variants import AS_IS


def occlude(
    prepared: torch.Tensor, masks: np.ndarray, rim_share: float, surroundings: bool
) -> dict[str, list[torch.Tensor]]:
    """Occlude a part of each image in turn.

    Parameters
    ----------
    prepared : tensor of float32, shape (n, channels, size, size)
        What `network.prepare` returns.
    masks : ndarray of bool, of the same shape
        The lesion in each channel.
    rim_share : float
        Share of the lesion's pixels that belong to its rim.
    surroundings : bool
        Whether the images show what is around the lesion.

    Returns
    -------
    dict
        A key of `VARIANTS` -> the images; where there are several, their scores are averaged.
    """
    lesion = torch.from_numpy(masks).to(prepared.device)
    rim = torch.from_numpy(rims_of(masks, rim_share)).to(prepared.device)
    nothing = torch.zeros_like(prepared)
    images = {
        AS_IS: [prepared],
        "rim": [torch.where(rim, nothing, prepared)],
        "inside": [torch.where(lesion & ~rim, nothing, prepared)],
        "silhouette": [lesion.to(prepared.dtype) * grey for grey in (1.0, -1.0)],
    }
    if surroundings:
        images["lesion"] = [torch.where(lesion, nothing, prepared)]
        images["surroundings"] = [torch.where(lesion, prepared, nothing)]
    return images


def occluded_scores(
    network: LesionNet, arrays: Mapping[str, np.ndarray], rim_share: float
) -> dict[str, np.ndarray]:
    """Score all lesions of a patient with each part of them occluded.

    Parameters
    ----------
    network : LesionNet
        As `trained_network` gives it.
    arrays : mapping
        The patient's slices.
    rim_share : float
        Share of the lesion's pixels that belong to its rim.

    Returns
    -------
    dict of ndarray, shape (lesions, classes)
        A key of `VARIANTS` -> the mean probabilities of each lesion's slices, in the order of the
        lesions' numbers.
    """
    numbers = torch.from_numpy(np.asarray(arrays["lesion"], np.int64))
    parts: dict[str, list[torch.Tensor]] = {}
    for index in np.array_split(np.arange(len(numbers)), -(-len(numbers) // BATCH)):
        images, masks = read_slices(arrays, index)
        prepared = network.prepare(images)
        for name, versions in occlude(prepared, masks, rim_share, MASKS in arrays).items():
            scores = torch.stack([chances(network, version) for version in versions]).mean(0)
            parts.setdefault(name, []).append(scores)
    return {
        name: lesion_means(torch.cat(scores), numbers).numpy() for name, scores in parts.items()
    }
