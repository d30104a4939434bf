"""Feature importance over the splits, and how often each feature is selected (Table 2)."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier
from threadpoolctl import threadpool_limits

from livermets.classification.permutation_importance import held_out_importance
from livermets.classification.pipeline import build_pipeline, selected_features
from livermets.core.seeds import derive_seed
from livermets.features.features_table import feature_columns, stable_columns
from livermets.study.names import lesion_key


def feature_importance(
    features: pd.DataFrame,
    splits: pd.DataFrame,
    classes: Sequence[str],
    correlation: float | None,
    seed: int,
    columns: Sequence[str] | None = None,
    unstable: Mapping[str, Sequence[str]] | None = None,
    weigh: str = "lesions",
) -> pd.DataFrame:
    """Average each feature's permutation importance over the splits, with its stability.

    In each split the redundancy filter and the importance see training rows alone. Importance is
    measured on training patients that the forest has not seen (`held_out_importance`, by which
    `max_features` selects, too). A feature that the filter drops, or that `unstable` names for the
    split, counts 0 there and is not selected. Folds of the cross-validation are used, or all splits
    where there is none.

    Parameters
    ----------
    features : data frame
        One row per lesion: patient, lesion, label and features.
    splits : data frame
        The table of splits.
    classes : sequence of str
        Class names.
    correlation : float or None
        Threshold of the redundancy filter; None goes without it.
    seed : int
        The study's seed.
    columns : sequence of str, optional
        Columns to rank; by default those of `feature_columns`.
    unstable : mapping, optional
        Features to leave out of each split, as in `livermets.classification.training.train_arm`.
    weigh : {"lesions", "patients"}
        What counts alike in the filter and the importance.

    Returns
    -------
    data frame
        Columns feature, importance (mean loss of AUC), sd (over splits; 0 for one split),
        selected_share (of splits, 0 to 1), rank (1 is the most important); sorted by rank.
    """
    columns = feature_columns(features) if columns is None else columns
    rows = features.sort_values(lesion_key(features), ignore_index=True)
    y = rows["label"].map({name: code for code, name in enumerate(classes)}).to_numpy(int)
    names = pd.Series(splits["split"].unique())
    folds = names[names.str.startswith("cv")]
    importance = pd.DataFrame(
        0.0, index=list(columns), columns=list(folds if len(folds) else names)
    )
    selected = importance.copy()
    with threadpool_limits(1):
        for split in importance.columns:
            part = splits[(splits["split"] == split) & (splits["role"] != "test")]
            train = rows["patient"].isin(part["patient"]).to_numpy()
            stable = stable_columns(columns, unstable, split)
            patients = rows.loc[train, "patient"].to_numpy()
            pipeline = build_pipeline(DummyClassifier(), correlation=correlation, weigh=weigh)
            pipeline.fit(rows.loc[train, stable], y[train], patients)
            X = pipeline[:-2].transform(rows.loc[train, stable])
            kept = selected_features(pipeline, stable)
            split_seed = derive_seed(seed, "importance", split)
            importance.loc[kept, split] = held_out_importance(
                X, y[train], patients, split_seed, weigh
            )
            selected.loc[kept, split] = 1.0
    table = pd.DataFrame(
        {
            "feature": list(columns),
            "importance": importance.mean(axis=1).to_numpy(),
            "sd": importance.std(axis=1, ddof=1).fillna(0.0).to_numpy(),
            "selected_share": selected.mean(axis=1).to_numpy(),
        }
    )
    order = np.lexsort((-table["selected_share"], -table["importance"]))
    table = table.iloc[order].reset_index(drop=True)
    return table.assign(rank=np.arange(1, len(table) + 1))
