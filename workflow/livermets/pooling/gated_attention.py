"""Gated attention: how much each member of a group counts, learned from the members themselves.

Ilse, Tomczak & Welling 2018, "Attention-based deep multiple instance learning" (arXiv 1802.04712),
equations 8 and 9. Groups are the lesions of a patient or the slices of a lesion. They differ in
size, so a group is filled up with rows of zeros, which a mask leaves out.
"""

import torch
from torch import nn


class GatedAttention(nn.Module):
    """Attention over the members of groups; untrained, every member counts alike.

    Parameters
    ----------
    features : int
        Number of values of a member.
    hidden : int
        Width of the two layers whose product is the gate.
    """

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.values = nn.Linear(features, hidden)
        self.gates = nn.Linear(features, hidden)
        self.weigh = nn.Linear(hidden, 1, bias=False)
        nn.init.zeros_(self.weigh.weight)  # the training starts at the mean

    def forward(self, members: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Weights (groups, members), 0 outside the mask, of float members (groups, members, n)."""
        gated = torch.tanh(self.values(members)) * torch.sigmoid(self.gates(members))
        energy: torch.Tensor = self.weigh(gated).squeeze(-1)
        return energy.masked_fill(~mask, -torch.inf).softmax(dim=1)


class AttentionClassifier(nn.Module):
    """A linear classifier of the attention-weighted mean of a group's members.

    Parameters
    ----------
    features : int
        Number of values of a member.
    classes : int
        Number of classes; two have one logit, that of the second, as in `deep_learning.losses`.
    hidden : int
        See `GatedAttention`.
    """

    def __init__(self, features: int, classes: int, hidden: int) -> None:
        super().__init__()
        self.attention = GatedAttention(features, hidden)
        self.classify = nn.Linear(features, 1 if classes == 2 else classes)

    def forward(self, members: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Logits of groups: (groups,) of two classes, (groups, classes) of more."""
        weights = self.attention(members, mask)
        logits: torch.Tensor = self.classify((weights[..., None] * members).sum(dim=1))
        return logits.squeeze(1) if logits.shape[1] == 1 else logits


def fill_up(values: torch.Tensor, group: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Arrange the members of groups side by side; gradients pass.

    Parameters
    ----------
    values : tensor of float, shape (rows, n)
        The members.
    group : tensor of int64, shape (rows,)
        Number of the group of each row, ascending from 0.

    Returns
    -------
    members : tensor of float, shape (groups, members, n)
        Zeros where a group has fewer members than the largest.
    mask : tensor of bool, shape (groups, members)
        Whether there is a member.
    """
    counts = group.bincount()
    first = counts.cumsum(0) - counts
    place = torch.arange(len(group), device=group.device) - first[group]
    members = values.new_zeros(len(counts), int(counts.max()), values.shape[1])
    mask = torch.zeros(members.shape[:2], dtype=torch.bool, device=group.device)
    members[group, place] = values
    mask[group, place] = True
    return members, mask
