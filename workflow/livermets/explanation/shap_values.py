"""SHAP values of a classifier: what each feature adds to the score of each held-out lesion.

Lundberg & Lee 2017, arXiv:1705.07874, by the library shap. The score that is explained is the
probability of the positive class, as the prediction table has it. The values of a lesion add up to
its score minus the mean score of some training lesions (the base). They are computed from
permutations of the features in both directions, in the same way for every classifier.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from livermets.classification.pipeline import selected_features
from livermets.classification.split_training import checked_rows
from livermets.core.seeds import derive_seed
from livermets.explanation.feature_groups import correlated_groups
from livermets.features.features_table import feature_columns, stable_columns
from livermets.predictions.task import Task
from livermets.study.names import lesion_key

PERMUTATIONS = 10


@dataclass(frozen=True)
class ShapSettings:
    """How scores are explained.

    Parameters
    ----------
    lesions : int
        The most test lesions of a split; if there are more, random ones are taken.
    background : int
        The most training lesions whose mean score is the base.
    correlation : float
        Absolute Spearman correlation above which features belong to one group.
    seed : int
        The study's seed.
    """

    lesions: int = 60
    background: int = 30
    correlation: float = 0.7
    seed: int = 2023


def explain_arm(
    arm: str,
    fitted: Mapping[str, Any],
    features: pd.DataFrame,
    splits: pd.DataFrame,
    task: Task,
    settings: ShapSettings,
    unstable: Mapping[str, Sequence[str]] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Explain the scores of held-out lesions in every split.

    Parameters
    ----------
    arm : str
        Name of the arm.
    fitted : mapping
        Split -> fitted model, as `livermets.classification.training.train_arm` returns them.
    features : data frame
        The features table that the models learned from.
    splits : data frame
        The table of splits.
    task : Task
        The classes.
    settings : ShapSettings
        How to explain.
    unstable : mapping, optional
        Features left out of each split.

    Returns
    -------
    values : data frame
        A row for each lesion and feature that reaches the classifier: arm, split, patient, scan
        (where there is one), lesion, label, feature, value, shap, base and score.
    groups : data frame
        arm, split, feature and group, for all features of the split (`correlated_groups`).
    """
    columns = feature_columns(features)
    rows = checked_rows(features, splits, columns, task)
    values, groups = [], []
    for split, model in fitted.items():
        part = splits[splits["split"] == split].set_index("patient")["role"]
        role = rows["patient"].map(part)
        stable = stable_columns(columns, unstable, split)
        training = rows.loc[role.isin(["train", "validation"])]
        seed = derive_seed(settings.seed, "shap", split)
        rng = np.random.default_rng(seed)
        tested = _some(rows[role == "test"], settings.lesions, rng)
        background = _some(training, settings.background, rng)[stable]
        used = selected_features(model, stable)
        added, base = shap_values(model, tested[stable], background, used, task, seed)
        known = tested[[*lesion_key(tested), "label"]].assign(arm=arm, split=split)
        score = model.predict_proba(tested[stable])[:, task.positive_number]
        values += [
            known.assign(
                feature=name, value=tested[name].astype(float), shap=added[:, k], base=base,
                score=score,
            )
            for k, name in enumerate(used)
        ]  # fmt: skip
        of_split = correlated_groups(training[stable], settings.correlation)
        groups.append(of_split.rename_axis("feature").reset_index(name="group").assign(split=split))
    order = [
        "arm",
        "split",
        *lesion_key(rows),
        "label",
        "feature",
        "value",
        "shap",
        "base",
        "score",
    ]
    return (
        pd.concat(values, ignore_index=True)[order],
        pd.concat(groups, ignore_index=True).assign(arm=arm)[["arm", "split", "feature", "group"]],
    )


def shap_values(
    model: Any,
    lesions: pd.DataFrame,
    background: pd.DataFrame,
    used: Sequence[str],
    task: Task,
    seed: int,
) -> tuple[np.ndarray, float]:
    """Compute the SHAP values of a model's score.

    Parameters
    ----------
    model : estimator
        With `predict_proba`.
    lesions : data frame
        The lesions to explain, with all columns that the model takes.
    background : data frame
        Training lesions with the same columns.
    used : sequence of str
        The features to explain; the model must not depend on others.
    task : Task
        The classes.
    seed : int
        Seed of the permutations.

    Returns
    -------
    values : ndarray of float, shape (lesions, used)
        What each feature adds.
    base : float
        Mean score of the background.
    """
    import shap  # here, because loading it takes ten seconds

    others = background.iloc[:1]

    def score(table: np.ndarray) -> np.ndarray:
        whole = others.loc[others.index.repeat(len(table))].reset_index(drop=True).astype(float)
        whole[list(used)] = table
        return model.predict_proba(whole)[:, task.positive_number]

    masker = shap.maskers.Independent(
        background[list(used)].to_numpy(float), max_samples=len(background)
    )
    with threadpool_limits(1):
        explainer = shap.PermutationExplainer(score, masker, seed=seed % 2**32)
        found = explainer(
            lesions[list(used)].to_numpy(float),
            max_evals=PERMUTATIONS * (2 * len(used) + 1),
            silent=True,
        )
    return np.asarray(found.values, float), float(np.ravel(found.base_values)[0])


def _some(rows: pd.DataFrame, most: int, rng: np.random.Generator) -> pd.DataFrame:
    """At most that many random rows, in their order."""
    return rows.iloc[np.sort(rng.permutation(len(rows))[:most])]
