"""A small network in DenseNet-121's place, for tests in which the network does not matter."""

import pytest
import torch
from helpers.lesion_textures import Tiny
from livermets.deep_learning import network


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(network, "DenseNet121", Tiny)
