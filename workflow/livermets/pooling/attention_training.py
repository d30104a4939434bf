"""Training of attention over lesions on the training patients of one split.

With some sixty patients a network with attention learns the patients by heart, and then does worse
than the mean of their lesions even where every lesion tells the class (simulated: AUC .69 against
.96). So the training starts at the mean: a logistic regression on lesions, with equal attention,
is the network before its first step. Inner folds over patients say for how many steps it is
trained; unless the gain over the mean is larger than its standard error, for none.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from livermets.classification.row_weights import patient_weights
from livermets.deep_learning.losses import cross_entropy, probabilities
from livermets.pooling.gated_attention import AttentionClassifier, fill_up
from livermets.splits.folds import grouped_folds

STEPS = (0, 10, 20, 40, 80, 160)  # of which the inner folds choose
HIDDEN = 16
LEARNING_RATE = 0.01
WEIGHT_DECAY = 1.0


@dataclass(frozen=True)
class Lesions:
    """The lesions of some patients, sorted by patient.

    Parameters
    ----------
    values : ndarray of float, shape (lesions, features)
        Standardised features.
    target : ndarray of int, shape (lesions,)
        Class number of the patient.
    patient : ndarray of str, shape (lesions,)
        Patient of each lesion.
    """

    values: np.ndarray
    target: np.ndarray
    patient: np.ndarray

    def of(self, rows: np.ndarray) -> "Lesions":
        """The lesions of some rows."""
        return Lesions(self.values[rows], self.target[rows], self.patient[rows])

    @property
    def groups(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Members and mask of the patients in sorted order (`fill_up`)."""
        group = np.unique(self.patient, return_inverse=True)[1]
        return fill_up(torch.as_tensor(self.values).float(), torch.as_tensor(group))

    @property
    def patient_targets(self) -> torch.Tensor:
        """Class number of each patient, in sorted order."""
        first = np.unique(self.patient, return_index=True)[1]
        return torch.as_tensor(self.target[first])


def fit_attention(
    lesions: Lesions, classes: int, folds: int, seed: int
) -> tuple[AttentionClassifier, int]:
    """Fit attention over lesions; the number of its steps is chosen by inner folds over patients.

    Parameters
    ----------
    lesions : Lesions
        The lesions of training patients.
    classes : int
        Number of classes.
    folds : int
        Number of inner folds.
    seed : int
        Seed of the folds and of the first weights.

    Returns
    -------
    AttentionClassifier
        The network.
    int
        Number of steps: 0 where attention is no better than the mean.
    """
    steps = _choose_steps(lesions, classes, folds, seed)
    network = _start_at_mean(lesions, classes, seed)
    list(_train(network, lesions, (steps,)))
    return network, steps


@torch.inference_mode()
def predict_attention(
    network: AttentionClassifier, lesions: Lesions
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the probabilities of patients, and how much each of their lesions counts.

    Returns
    -------
    ndarray of float, shape (patients, classes)
        Probabilities, by sorted patient.
    ndarray of float, shape (lesions,)
        Attention, which adds up to 1 in each patient.
    """
    members, mask = lesions.groups
    weights = network.attention(members, mask)[mask]
    chances = probabilities(network(members, mask).double())
    return chances.numpy(), weights.double().numpy()


def _choose_steps(lesions: Lesions, classes: int, folds: int, seed: int) -> int:
    """The number of steps with the lowest loss on held-out patients; 0 if it gains too little."""
    inner = grouped_folds(lesions.patient, lesions.target, folds, seed, "attention")
    if not inner:
        return 0
    losses = []  # of each held-out patient (columns), after each number of steps (rows)
    for train, test in inner:
        network = _start_at_mean(lesions.of(train), classes, seed)
        held_out = lesions.of(test)
        trained = _train(network, lesions.of(train), STEPS)
        losses.append([_patient_losses(network, held_out) for _ in trained])
    table = np.concatenate(losses, axis=1)
    best = int(table.mean(axis=1).argmin())
    gain = table[0] - table[best]
    worth = gain.mean() > gain.std(ddof=1) / np.sqrt(len(gain))
    return STEPS[best] if worth else 0


@torch.inference_mode()
def _patient_losses(network: AttentionClassifier, lesions: Lesions) -> np.ndarray:
    """Cross-entropy of each patient."""
    logits = network(*lesions.groups).double()
    losses: np.ndarray = cross_entropy(logits, lesions.patient_targets, reduction="none").numpy()
    return losses


def _start_at_mean(lesions: Lesions, classes: int, seed: int) -> AttentionClassifier:
    """The network whose logits are those of the mean of a patient's lesions.

    A logistic regression separates the lesions, every patient alike, and a second one turns the
    mean distance of a patient's lesions into logits: signs of a patient add up over the lesions.
    """
    weights = patient_weights(lesions.patient)
    first = LogisticRegression(max_iter=2000)
    first.fit(lesions.values, lesions.target, sample_weight=weights / weights.mean())
    distance = first.decision_function(lesions.values).reshape(len(lesions.values), -1)
    group = np.unique(lesions.patient, return_inverse=True)[1]
    sums = np.zeros((group.max() + 1, distance.shape[1]))
    np.add.at(sums, group, distance)
    means = sums / np.bincount(group)[:, None]
    scale = means.std() or 1.0
    second = LogisticRegression(max_iter=2000).fit(means / scale, lesions.patient_targets.numpy())
    slope = second.coef_ / scale
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        network = AttentionClassifier(lesions.values.shape[1], classes, HIDDEN)
        bias = slope @ first.intercept_ + second.intercept_
        network.classify.weight.copy_(torch.as_tensor(slope @ first.coef_))
        network.classify.bias.copy_(torch.as_tensor(bias))
    return network


def _train(
    network: AttentionClassifier, lesions: Lesions, checkpoints: Sequence[int]
) -> Iterator[int]:
    """Train on all patients at once; stop for the caller after each number of steps."""
    optimiser = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    members, mask = lesions.groups
    targets = lesions.patient_targets
    for step in count():
        if step in checkpoints:
            yield step
        if step == max(checkpoints):
            return
        loss = cross_entropy(network(members, mask), targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
