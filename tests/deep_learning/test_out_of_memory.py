"""A GPU without enough memory, played by a network that refuses large batches."""

import logging

import numpy as np
import pytest
import torch
from livermets.core.errors import BadInput
from livermets.deep_learning.dataset import LesionDataset
from livermets.deep_learning.inference import predict
from livermets.deep_learning.optimisation import TrainingConfig
from livermets.deep_learning.trainer import fit
from torch import nn

IMAGES = 24


class Linear(nn.Module):
    """Logistic regression of the pixels; more than `capacity` images at a time do not fit.

    Without batch normalisation the gradient of a batch is the sum of those of its parts.
    """

    classes = 2

    def __init__(self, capacity=IMAGES):
        super().__init__()
        self.capacity, self.refused = capacity, 0
        self.weight = nn.Parameter(torch.zeros(16))

    def prepare(self, images):
        return (images.float() / 255).unsqueeze(1)

    def forward(self, images):
        if len(images) > self.capacity:
            self.refused += 1
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return images.flatten(1) @ self.weight


def dataset() -> LesionDataset:
    images = torch.from_numpy(
        np.random.default_rng(1).integers(0, 256, (IMAGES, 4, 4)).astype(np.uint8)
    )
    targets = (images[:, 0, 0] > 127).long()
    return LesionDataset(images, targets, torch.arange(IMAGES), torch.ones(IMAGES).double())


def train(network, batch_size=12):
    config = TrainingConfig(epochs=3, batch_size=batch_size, learning_rate=0.1)
    return fit(network, dataset(), dataset(), config, torch.Generator().manual_seed(1))


def test_a_batch_that_does_not_fit_is_computed_in_parts_with_the_same_result(caplog):
    whole, whole_history = train(Linear())
    small = Linear(capacity=3)
    with caplog.at_level(logging.WARNING):
        parts, parts_history = train(small)
    torch.testing.assert_close(parts["weight"], whole["weight"], rtol=1e-5, atol=1e-7)
    for name in ("train_loss", "valid_loss"):
        np.testing.assert_allclose(
            [row[name] for row in parts_history], [row[name] for row in whole_history], rtol=1e-5
        )
    messages = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    said = "the GPU is out of memory with {} slices at a time; going on with {}"
    assert messages[:2] == [said.format(12, 6), said.format(6, 3)]
    assert small.refused == len(messages) == 2 + 3  # once in training, in each epoch's validation


def test_predictions_in_smaller_batches_are_those_of_one_batch():
    small, large = Linear(capacity=5), Linear()
    small.weight.data = large.weight.data = torch.linspace(-1, 1, 16)
    torch.testing.assert_close(predict(small, dataset()), predict(large, dataset()))


def test_a_gpu_too_small_for_two_images_is_refused_with_what_to_do():
    with pytest.raises(BadInput, match=r"with 3 slices at a time.*Lower slices.size"):
        train(Linear(capacity=1))
