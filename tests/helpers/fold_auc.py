"""The AUC that counts pairs within a fold, by scikit-learn, for comparison."""

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score


def auc_within_folds(
    table: pd.DataFrame, positive: str, score: str = "score", weight: pd.Series | None = None
) -> float:
    """Wins of all folds over pairs of all folds; a fold with one class has none."""
    weight = pd.Series(np.ones(len(table)), index=table.index) if weight is None else weight
    wins = pairs = 0.0
    for _, fold in table[weight > 0].groupby("split"):
        truth, weights = fold["label"] == positive, weight[fold.index]
        number = weights[truth].sum() * weights[~truth].sum()
        if number > 0:
            wins += number * roc_auc_score(truth, fold[score], sample_weight=weights)
            pairs += number
    return wins / pairs
