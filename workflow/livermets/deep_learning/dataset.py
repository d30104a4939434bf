"""Dataset: lesion slices of several patients, in which every lesion or patient weighs the same.

The images stay where they are, for example in mapped files, until a batch takes them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from livermets.core.errors import BadInput
from livermets.deep_learning.lesion_slices import SMALLEST
from livermets.deep_learning.mapped_slices import StackedImages
from livermets.deep_learning.patient_slices import labels_of_slices

LESIONS, PATIENTS = "lesions", "patients"  # what weighs the same
Slices = Mapping[str, Mapping[str, np.ndarray]]  # patient -> arrays of `lesion_slices`


@dataclass(frozen=True)
class LesionDataset:
    """Images of lesions with class, lesion and weight of each.

    Parameters
    ----------
    images : StackedImages or tensor of uint8, shape (n, size, size) or (n, channels, size, size)
        Lesion slices.
    targets : tensor of int64, shape (n,)
        Class numbers.
    lesions : tensor of int64, shape (n,)
        Number of the lesion; images of one lesion share it.
    weights : tensor of float64, shape (n,)
        Share of each image in the training.
    """

    images: StackedImages | torch.Tensor
    targets: torch.Tensor
    lesions: torch.Tensor
    weights: torch.Tensor

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def channels(self) -> int:
        """Number of slices that an image holds."""
        return self.images.shape[1] if len(self.images.shape) == 4 else 1

    def to(self, device: torch.device) -> "LesionDataset":
        """Move to `device`; images stay off a GPU if they would fill half of its free memory."""
        fits = device.type == "cuda" and (
            2 * self.images.nbytes <= torch.cuda.mem_get_info(device)[0]
        )
        rest = (tensor.to(device) for tensor in (self.targets, self.lesions, self.weights))
        return LesionDataset(self.images.to(device) if fits else self.images, *rest)

    def batch(self, index: torch.Tensor) -> torch.Tensor:
        """Take the images at `index`, on the device of the targets."""
        where = self.images.device if isinstance(self.images, torch.Tensor) else "cpu"
        return self.images[index.to(where)].to(self.targets.device)

    def grey_levels(self) -> np.ndarray:
        """Count the pixels of each value from 0 to 255 in all images."""
        counts = [np.bincount(block.numpy().ravel(), minlength=256) for block in self._blocks()]
        return np.sum(counts, axis=0)

    def tensors(self) -> Iterator[torch.Tensor]:
        """Give all that the dataset holds, images a few at a time."""
        yield from self._blocks()
        yield from (self.targets, self.lesions, self.weights)

    def _blocks(self) -> Iterator[torch.Tensor]:
        if isinstance(self.images, torch.Tensor):
            return iter([self.images.cpu()])
        return self.images.blocks()

    def draw(self, n: int, generator: torch.Generator) -> torch.Tensor:
        """Draw n indices in random order, each image about n times its share of the weights.

        One index is drawn from each n-th of the total weight: equal weights and n images give every
        image once; with a weight of 1 / images of the lesion, n lesions give one image of each.
        """
        edges = self.weights.cpu().cumsum(0)
        spots = (torch.arange(n) + torch.rand(n, generator=generator, dtype=torch.float64)) / n
        index = torch.searchsorted(edges, spots * edges[-1], right=True).clamp(max=len(self) - 1)
        return index[torch.randperm(n, generator=generator)]

    def class_weights(self, classes: int) -> torch.Tensor:
        """Compute the weight of an image of each class that makes all classes equal: (classes,)."""
        total = self.weights.sum()
        others = [self.weights @ (self.targets == k).to(self.weights) for k in range(1, classes)]
        shares = torch.stack([total - sum(others), *others])
        return (total / classes / shares).float()


def lesion_dataset(
    slices: Slices,
    labels: Mapping[str, str] | None,
    patients: Sequence[str],
    outputs: Sequence[str],
    weigh: str = LESIONS,
) -> LesionDataset:
    """Gather all slices of the patients in one dataset.

    Parameters
    ----------
    slices : mapping
        Slices of each patient; a patient without lesions may be missing or have empty arrays.
    labels : mapping or None
        Class name of each scan, by its id (`core.scan_ids`); None where no network is
        trained, which takes the first class for every lesion.
    patients : sequence of str
        Patients to take.
    outputs : sequence of str
        Class names in the order of the network's outputs.
    weigh : {"lesions", "patients"}
        What has the same weight: every lesion, or every patient and within a patient every lesion.

    Returns
    -------
    LesionDataset
        In the order of patients and slices.

    Raises
    ------
    BadInput
        Slices of different sizes, or an unknown word in `weigh`.
    """
    if weigh not in (LESIONS, PATIENTS):
        raise BadInput(f"densenet.weigh is {weigh!r}. Use {LESIONS} or {PATIENTS}.")
    with_slices = [p for p in patients if len(slices.get(p, {}).get("lesion", ()))]
    sizes = {patient: slices[patient]["images"].shape[1:] for patient in with_slices}
    if len(set(sizes.values())) > 1:
        raise BadInput(
            f"slices of different sizes: {sizes}. Remake all of them with one slices.size."
        )
    if not with_slices:
        empty = torch.zeros(0, dtype=torch.long)
        images = empty.byte().reshape(0, SMALLEST, SMALLEST)
        return LesionDataset(images, empty, empty, empty.double())
    counts = [len(slices[patient]["lesion"]) for patient in with_slices]
    targets = np.zeros(sum(counts), np.int64)
    if labels is not None:
        named = [labels_of_slices(p, slices[p], labels) for p in with_slices]
        targets[:] = [outputs.index(name) for of_patient in named for name in of_patient]
    owners = np.repeat(np.arange(len(with_slices)), counts)
    keys = np.stack([owners, np.concatenate([slices[p]["lesion"] for p in with_slices])])
    unique, lesions, sizes_of_lesions = np.unique(
        keys, axis=1, return_inverse=True, return_counts=True
    )
    weights = 1 / sizes_of_lesions[lesions]
    if weigh == PATIENTS:
        weights /= np.bincount(unique[0])[owners]
    return LesionDataset(
        images=StackedImages([slices[patient]["images"] for patient in with_slices]),
        targets=torch.from_numpy(targets),
        lesions=torch.from_numpy(lesions),
        weights=torch.from_numpy(weights),
    )
