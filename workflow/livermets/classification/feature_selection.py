"""What happens to features before a classifier sees them; every step learns from training rows.

scikit-learn transformers on tables or arrays (rows, features); `y` is the class number per row.
"""

import logging
import warnings
from typing import Any, Self

import numpy as np
from scipy.stats import rankdata
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectorMixin, f_classif
from sklearn.utils.validation import validate_data

from livermets.core.errors import BadInput
from livermets.splits.patient_splits import grouped_folds

log = logging.getLogger(__name__)


class _Selector(SelectorMixin, BaseEstimator):
    """A transformer that keeps some columns: `keep_` is a mask over the columns it was given."""

    keep_: np.ndarray

    def _get_support_mask(self) -> np.ndarray:
        return self.keep_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class Informative(_Selector):
    """Drops features that are constant or wholly missing in the training rows.

    After fitting, `note_` names them, or is empty.
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        X = validate_data(self, X, ensure_all_finite="allow-nan", dtype=float)
        low = np.min(X, axis=0, where=~np.isnan(X), initial=np.inf)
        high = np.max(X, axis=0, where=~np.isnan(X), initial=-np.inf)
        # relative: a constant that went through arithmetic is not exactly one
        self.keep_ = (high - low) > 1e-12 * np.maximum(np.abs(low), np.abs(high))
        if not self.keep_.any():
            raise BadInput(
                f"none of the {X.shape[1]} features varies among the training rows:"
                " check the features table, or give more lesions."
            )
        names = getattr(self, "feature_names_in_", np.arange(X.shape[1]))[~self.keep_]
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        shown = ", ".join(map(str, names[:3])) + more
        self.note_ = f"left out, constant or empty: {shown}" if len(names) else ""
        return self


class CorrelationFilter(_Selector):
    """Redundancy filter: of two features with |Pearson r| > `threshold` the better one stays.

    Better is the higher ANOVA F between the classes, among the training rows; of equals, the
    first column. Features are taken from the best to the worst and kept unless they correlate
    with one kept before, so the result does not depend on chance or on the order of columns.
    """

    def __init__(self, threshold: float = 0.6) -> None:
        self.threshold = threshold

    def fit(self, X: Any, y: Any) -> Self:
        X = validate_data(self, X, dtype=float)
        with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # perfect separation: F is infinite
            separation = np.nan_to_num(f_classif(X, y)[0], nan=0.0)
            r = np.abs(np.nan_to_num(np.atleast_2d(np.corrcoef(X, rowvar=False)), nan=0.0))
        redundant = np.zeros(X.shape[1], dtype=bool)
        self.keep_ = np.zeros(X.shape[1], dtype=bool)
        for feature in np.argsort(-separation, kind="stable"):
            if not redundant[feature]:
                self.keep_[feature] = True
                redundant |= r[feature] > self.threshold
        return self


class MostImportant(_Selector):
    """Keeps the `max_features` features of highest held-out permutation importance."""

    def __init__(self, max_features: int, random_state: int = 0) -> None:
        self.max_features, self.random_state = max_features, random_state

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """`groups` is the patient of each row: no patient is learned from and scored."""
        if groups is None:
            raise ValueError("MostImportant needs groups, the patient of each row")
        X = validate_data(self, X, dtype=float)
        self.importance_ = held_out_importance(X, y, groups, self.random_state)
        best = np.argsort(-self.importance_, kind="stable")[: self.max_features]
        self.keep_ = np.isin(np.arange(X.shape[1]), best)
        return self


def held_out_importance(
    X: np.ndarray, y: np.ndarray, groups: np.ndarray, seed: int, trees: int = 100, shuffles: int = 5
) -> np.ndarray:
    """Permutation importance of each feature: loss of AUC on rows of patients held out.

    A random forest learns from two thirds of the patients, and each feature is shuffled in turn
    among the other third (Breiman 2001, 10.1023/A:1010933404324); the mean over three folds.
    Where a class has one patient nothing can be held out, and every importance is 0.
    """
    losses = []
    for train, test in grouped_folds(groups, y, 3, seed, "importance"):
        forest = RandomForestClassifier(trees, min_samples_leaf=3, n_jobs=1, random_state=seed)
        forest.fit(X[train], y[train])
        orders = np.tile(np.arange(len(test)), (shuffles, 1))
        orders = np.random.default_rng(seed).permuted(orders, axis=1)
        losses.append(permutation_losses(forest, X[test], y[test], orders))
    if not losses:
        log.warning("a class has one patient among the training rows: importance is not measured")
        return np.zeros(X.shape[1])
    return np.mean(losses, axis=0)


def permutation_losses(
    forest: RandomForestClassifier, X: np.ndarray, y: np.ndarray, orders: np.ndarray
) -> np.ndarray:
    """Mean loss of AUC when a feature's rows are put in each of `orders`, shape (features,).

    Gives what `sklearn.inspection.permutation_importance` gives for these orders, some hundred
    times faster: shuffling a feature changes the vote of those trees alone that split on it.

    orders : (shuffles, rows), each line a permutation of the rows of X
    """
    X = np.ascontiguousarray(X, dtype=np.float32)  # as trees compare
    trees = [tree.tree_ for tree in forest.estimators_]
    votes = [tree.predict(X) for tree in trees]
    before = np.sum(votes, axis=0)
    auc = _auc(before[None], y)[0]
    shuffled = np.tile(X, (len(orders), 1))
    losses = np.zeros(X.shape[1])
    for feature in range(X.shape[1]):
        asked = [number for number, tree in enumerate(trees) if feature in tree.feature]
        if not asked:
            continue  # no tree looks at it: nothing is lost
        shuffled[:, feature] = X[orders, feature].ravel()
        after = np.repeat(before[None], len(orders), axis=0)
        for number in asked:
            vote = trees[number].predict(shuffled)
            after += vote.reshape(after.shape) - votes[number]
        losses[feature] = auc - _auc(after, y).mean()
        shuffled[:, feature] = np.tile(X[:, feature], len(orders))
    return losses


def _auc(votes: np.ndarray, y: np.ndarray) -> np.ndarray:
    """AUC of each of several votes (draws, rows, classes), shape (draws,).

    For more than two classes the mean of one against the rest.
    """
    # sums of equal votes in another order differ in their last bits and must stay ties
    ranks = rankdata(np.round(votes, 9), axis=1)
    aucs = []
    for code in range(votes.shape[2]) if votes.shape[2] > 2 else (1,):
        mine = y == code
        n = mine.sum()
        aucs.append((ranks[:, mine, code].sum(axis=1) / n - (n + 1) / 2) / (len(y) - n))
    return np.mean(aucs, axis=0)


class Resampler(BaseEstimator):
    """Balances the training rows: `undersample` (random) or `smote` (Chawla 2002).

    With `none` and `weights` the rows stay as they are; weights are given to the classifier.

    SMOTE interpolates between a minority row and its k nearest of the same class; k is 5, or as
    many as there are. A class with a single row has no neighbour: its row is repeated instead.
    After fitting, `note_` says what was done otherwise than asked, or is empty.
    """

    def __init__(self, way: str = "none", random_state: int | None = None) -> None:
        self.way, self.random_state = way, random_state

    def fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:
        from imblearn.over_sampling import SMOTE, RandomOverSampler
        from imblearn.under_sampling import RandomUnderSampler

        self.note_ = ""
        if self.way in ("none", "weights"):
            return X, y
        counts = np.unique(y, return_counts=True)[1]
        if self.way == "undersample":
            sampler = RandomUnderSampler(random_state=self.random_state)
        elif self.way == "smote":
            neighbours = min(5, counts.min() - 1)
            sampler = SMOTE(k_neighbors=max(neighbours, 1), random_state=self.random_state)
            if neighbours == 0:
                sampler = RandomOverSampler(random_state=self.random_state)
                self.note_ = "SMOTE repeated the only row of a class"
            elif neighbours < 5:
                self.note_ = f"SMOTE with {neighbours} neighbours: a class has {counts.min()} rows"
        else:
            ways = "none, weights, undersample or smote"
            raise BadInput(f"no resampling {self.way!r}: give {ways}.")
        if self.note_:
            log.warning(self.note_)
        return sampler.fit_resample(X, y)
