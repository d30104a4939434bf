"""Permutation importance: the loss of AUC on held-out patients when a feature is shuffled."""

import logging

import numpy as np
from scipy.stats import rankdata
from sklearn.ensemble import RandomForestClassifier

from livermets.classification.row_weights import scoring_weights
from livermets.splits.folds import grouped_folds

log = logging.getLogger(__name__)


def held_out_importance(
    X: np.ndarray,
    y: np.ndarray,
    groups: np.ndarray,
    seed: int,
    weigh: str = "lesions",
    trees: int = 100,
    shuffles: int = 5,
) -> np.ndarray:
    """Measure each feature's permutation importance on patients that are new to the forest.

    A random forest learns from two thirds of the patients, and each feature is shuffled in turn
    among the rows of the other third (Breiman 2001, 10.1023/A:1010933404324). The importance is
    the mean loss of AUC over the three folds. Where a class has one patient, none can be held out,
    and every importance is 0.

    Parameters
    ----------
    X : ndarray of float, shape (rows, features)
        Features without missing values.
    y : ndarray of int, shape (rows,)
        Class number of each row: 0, 1, ...
    groups : ndarray, shape (rows,)
        Patient of each row.
    seed : int
        Seed of folds, forest and shuffles.
    weigh : {"lesions", "patients"}
        What counts alike in the forest and in the AUC.
    trees : int
        Number of trees of the forest.
    shuffles : int
        Number of times each feature is shuffled in a fold.

    Returns
    -------
    ndarray of float, shape (features,)
        Mean loss of AUC.
    """
    losses = []
    for train, test in grouped_folds(groups, y, 3, seed, "importance"):
        forest = RandomForestClassifier(trees, min_samples_leaf=3, n_jobs=1, random_state=seed)
        forest.fit(X[train], y[train], sample_weight=scoring_weights(groups[train], weigh))
        orders = np.tile(np.arange(len(test)), (shuffles, 1))
        orders = np.random.default_rng(seed).permuted(orders, axis=1)
        weights = scoring_weights(groups[test], weigh)
        losses.append(permutation_losses(forest, X[test], y[test], orders, weights))
    if not losses:
        log.warning("a class has one patient among the training rows: importance is not measured")
        return np.zeros(X.shape[1])
    return np.mean(losses, axis=0)


def permutation_losses(
    forest: RandomForestClassifier,
    X: np.ndarray,
    y: np.ndarray,
    orders: np.ndarray,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Compute the mean loss of AUC when the rows of each feature are put in the given orders.

    It gives what `sklearn.inspection.permutation_importance` gives for these orders, some hundred
    times faster: shuffling a feature changes only the votes of trees that split on it.

    Parameters
    ----------
    forest : RandomForestClassifier
        A fitted forest.
    X : ndarray of float, shape (rows, features)
        Features without missing values.
    y : ndarray of int, shape (rows,)
        Class number of each row.
    orders : ndarray of int, shape (shuffles, rows)
        In each line a permutation of the rows of X.
    weights : ndarray of float, shape (rows,), optional
        Weight of each row in the AUC; by default all weigh the same.

    Returns
    -------
    ndarray of float, shape (features,)
        Mean loss of AUC over the orders.
    """
    X = np.ascontiguousarray(X, dtype=np.float32)  # as trees compare
    trees = [tree.tree_ for tree in forest.estimators_]
    votes = [tree.predict(X) for tree in trees]
    before = np.sum(votes, axis=0)
    auc = _auc_of_draws(before[None], y, weights)[0]
    shuffled = np.tile(X, (len(orders), 1))
    losses = np.zeros(X.shape[1])
    for feature in range(X.shape[1]):
        splitting = [number for number, tree in enumerate(trees) if feature in tree.feature]
        if not splitting:
            continue  # no tree uses the feature, so shuffling it changes nothing
        shuffled[:, feature] = X[orders, feature].ravel()
        after = np.repeat(before[None], len(orders), axis=0)
        for number in splitting:
            vote = trees[number].predict(shuffled)
            after += vote.reshape(after.shape) - votes[number]
        losses[feature] = auc - _auc_of_draws(after, y, weights).mean()
        shuffled[:, feature] = np.tile(X[:, feature], len(orders))
    return losses


def _auc_of_draws(
    votes: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """AUC of each of several draws of votes (draws, rows, classes), shape (draws,).

    For more than two classes it is the mean of each class against the rest. Ranks of all draws are
    taken at once, which `sklearn.metrics.roc_auc_score` cannot do.
    """
    # sums of equal votes in another order differ in their last bits and must stay ties
    votes = np.round(votes, 9)
    codes = range(votes.shape[2]) if votes.shape[2] > 2 else (1,)
    if weights is not None:
        return np.mean(
            [
                [_weighted_auc(draw[:, code], y == code, weights) for draw in votes]
                for code in codes
            ],
            axis=0,
        )
    ranks = rankdata(votes, axis=1)
    aucs = []
    for code in codes:
        positive = y == code
        n = positive.sum()
        aucs.append((ranks[:, positive, code].sum(axis=1) / n - (n + 1) / 2) / (len(y) - n))
    return np.mean(aucs, axis=0)


def _weighted_auc(score: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> float:
    """AUC in which each pair of rows counts the product of their weights."""
    level = np.unique(score, return_inverse=True)[1]
    of_positive = np.bincount(level, np.where(positive, weights, 0))
    of_rest = np.bincount(level, np.where(positive, 0, weights))
    below = np.cumsum(of_rest) - of_rest / 2  # with ties as a half
    return float((of_positive * below).sum() / (of_positive.sum() * of_rest.sum()))
