"""Losses: probabilities, cross-entropy and AUC from logits of two classes or more.

Two classes have one logit, that of the second class: a tensor (n,). Three or more have a logit
each: a tensor (n, classes).
"""

import math

import numpy as np
import torch
from torch.nn import functional

from livermets.predictions.auc import one_vs_rest_auc


def probabilities(logits: torch.Tensor) -> torch.Tensor:
    """Compute the probabilities of all classes, shape (n, classes)."""
    if logits.ndim == 1:
        second = logits.sigmoid()
        return torch.stack([1 - second, second], dim=1)
    return logits.softmax(dim=1)


def cross_entropy(
    logits: torch.Tensor,
    targets: torch.Tensor,
    class_weights: torch.Tensor | None = None,
    reduction: str = "mean",
) -> torch.Tensor:
    """Compute the cross-entropy of logits, weighted by class.

    Parameters
    ----------
    logits : tensor of float, shape (n,) or (n, classes)
        See the module.
    targets : tensor of int64, shape (n,)
        Class numbers.
    class_weights : tensor of float, shape (classes,), optional
        Weight of each class.
    reduction : {"mean", "none"}
        Mean of the weighted losses, or each of them.

    Returns
    -------
    tensor
        One loss, or of shape (n,).
    """
    if logits.ndim == 1:
        weights = None if class_weights is None else class_weights[targets]
        return functional.binary_cross_entropy_with_logits(
            logits, targets.to(logits), weights, reduction=reduction
        )
    losses = functional.cross_entropy(logits, targets, class_weights, reduction="none")
    return losses.mean() if reduction == "mean" else losses  # PyTorch's mean divides by the weights


def auc(truth: torch.Tensor, scores: torch.Tensor) -> float:
    """Compute the AUC of the second of two classes, or the mean of each of more against the rest.

    Parameters
    ----------
    truth : tensor of int64, shape (n,)
        Class numbers.
    scores : tensor of float, shape (n, classes)
        Probabilities.

    Returns
    -------
    float
        AUC; NaN where a class has no example.
    """
    classes = scores.shape[1]
    if len(truth.unique()) < classes:
        return math.nan
    return one_vs_rest_auc(np.asarray(truth), np.asarray(scores), np.arange(classes))
