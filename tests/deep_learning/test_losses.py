"""The AUC of the validation against each class's own, to the last bit."""

import math

import numpy as np
import pytest
import torch
from livermets.deep_learning.losses import auc
from sklearn.metrics import roc_auc_score


def scored(classes, rows=60):
    generator = torch.Generator().manual_seed(classes)
    truth = torch.arange(rows) % classes
    logits = torch.randn(rows, classes, generator=generator)
    logits[torch.arange(rows), truth] += 0.5
    return truth, logits.softmax(dim=1)


def test_three_classes_have_the_mean_of_each_against_the_rest():
    truth, scores = scored(3)
    of_classes = [roc_auc_score(truth == k, scores[:, k]) for k in range(3)]
    assert auc(truth, scores) == pytest.approx(np.mean(of_classes))


def test_two_classes_have_that_of_the_second():
    truth, scores = scored(2)
    assert auc(truth, scores) == roc_auc_score(truth == 1, scores[:, 1])


def test_without_an_example_of_a_class_there_is_none():
    truth, scores = scored(3)
    assert math.isnan(auc(truth.clamp(max=1), scores))
