"""What a network's logits mean: one tells two classes apart, from three on each class has its own.

A tensor (n,) holds the logits of the second of two classes, one of (n, classes) those of all.
"""

import math

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch.nn import functional


def probabilities(logits: torch.Tensor) -> torch.Tensor:
    """Probabilities (n, classes) of all classes."""
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
    """The mean of the weighted losses, or with the reduction "none" each of them (n,)."""
    if logits.ndim == 1:
        weights = None if class_weights is None else class_weights[targets]
        return functional.binary_cross_entropy_with_logits(
            logits, targets.to(logits), weights, reduction=reduction
        )
    losses = functional.cross_entropy(logits, targets, class_weights, reduction="none")
    return losses.mean() if reduction == "mean" else losses  # PyTorch's mean divides by the weights


def auc(truth: torch.Tensor, scores: torch.Tensor) -> float:
    """AUC of the second of two classes, or the mean of each of more against the rest.

    truth (n,) class numbers; scores (n, classes). NaN where a class has no example.
    """
    classes = scores.shape[1]
    if len(truth.unique()) < classes:
        return math.nan
    each = range(classes) if classes > 2 else [1]
    return float(np.mean([roc_auc_score(truth == k, scores[:, k]) for k in each]))
