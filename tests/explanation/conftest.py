"""One thread for PyTorch, and a network whose cue is known in DenseNet-121's place."""

import os

import pytest
import torch
from helpers.planted_networks import BrightSpots
from livermets.deep_learning import network

# shap compiles its loops when it is first used, which takes longer than these tests
os.environ.setdefault("NUMBA_DISABLE_JIT", "1")


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture
def bright_spots(monkeypatch):
    monkeypatch.setattr(network, "DenseNet121", BrightSpots)
