"""Fit an arm on every split and score the lesions of its test patients."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from threadpoolctl import threadpool_limits

import livermets.classification.estimators  # noqa: F401  the registry names its classes by their path
from livermets.classification.pipeline import (
    build_pipeline,
    fit_probabilities,
    fitted_pipeline,
    selected_features,
)
from livermets.classification.thresholds import held_out_threshold
from livermets.classification.tuning import tune
from livermets.core.errors import BadInput
from livermets.core.seeds import derive
from livermets.features.features_table import feature_columns, steady_columns
from livermets.predictions.predictions_table import score_columns
from livermets.splits.patient_splits import grouped_folds
from livermets.study.arms import RESAMPLINGS, Arm, takes_resampling
from livermets.study.classifiers import CLASSIFIERS

PREDICTIONS = ("arm", "split", "patient", "lesion", "label", "score")
Fitted = dict[str, Any]  # one fitted model per split, with `predict_proba`
# (rows, class number of each, patient of each, split) -> fitted model, what to report of it
Learn = Callable[[pd.DataFrame, np.ndarray, np.ndarray, str], tuple[Any, dict]]


def fit_arm(
    features: pd.DataFrame,
    splits: pd.DataFrame,
    model: str,
    resampling: str,
    *,
    classes: Sequence[str],
    positive: str,
    columns: Sequence[str] | None = None,
    correlation: float | None = 0.6,
    max_features: int | None = None,
    tuning: dict | None = None,
    unstable: Mapping[str, Sequence[str]] | None = None,
    seed: int = 2023,
    threads: int = 1,
    arm: str | None = None,
    youden: bool = False,
) -> tuple[pd.DataFrame, Fitted, pd.DataFrame]:
    """One radiomics classifier with one way of resampling, tuned and fitted anew in every split.

    Parameters
    ----------
    features : one row per lesion: patient, lesion, label and features
    splits : as `livermets.splits.patient_splits.divide` returns; trains on the roles train and validation
    model, resampling : names in `CLASSIFIERS` and `RESAMPLINGS`
    classes, positive : the class names, and the one whose probability is the score
    columns : the features; by default those that `livermets.features.features_table.feature_columns` finds
    correlation, max_features : see `livermets.classification.pipeline.build_pipeline`
    tuning : `iterations` of the search (1 measures the defaults, 0 does not) and inner `folds`;
        None: untuned
    unstable : the features to leave out of each split, found from its training patients alone
        (`livermets.radiomics.icc.unstable_features`)
    seed : the study's seed; inner folds, importance and resampling draw the same in all arms, so
        that models are compared on the same rows; what a classifier draws is the arm's own
    threads : at most so many; results may differ in the last bit where it changes
    arm : the arm's name; by default `{model}-{resampling}`. What follows an @ in it names its
        feature sets and changes no draw, so that sets are compared on the same draws
    youden : choose a threshold for calls in every split, on held-out training rows (two classes)

    Returns
    -------
    predictions : arm, split, patient, lesion, label, score, with three or more classes score_CLASS
        of each, with `youden` threshold; splits in their order, then sorted
    fitted : the fitted model of each split
    report : one row per split: arm, split, rows, patients, features, selected, parameters (JSON),
        inner_auc, note (what was done otherwise than asked, or empty)
    """
    if model not in CLASSIFIERS or not takes_resampling(model, resampling):
        raise BadInput(
            f"no arm {str(Arm(model, resampling))}: give one of the models"
            f" {', '.join(CLASSIFIERS)} and of the resamplings {', '.join(RESAMPLINGS)}"
            " (weights only for a classifier that can weigh rows)."
        )
    arm, classifier = arm or str(Arm(model, resampling)), CLASSIFIERS[model]
    tuning = tuning or {"iterations": 0, "folds": 3}
    columns = feature_columns(features) if columns is None else columns

    def learn(X: pd.DataFrame, y: np.ndarray, patients: np.ndarray, split: str) -> tuple[Any, dict]:
        own = derive(seed, str(Arm.parse(arm).plain), split)
        folds = grouped_folds(patients, y, tuning["folds"], seed, "inner", split)
        pipeline = build_pipeline(
            classifier.build(own),
            resampling=resampling,
            correlation=correlation,
            max_features=max_features,
            seed=derive(seed, "prepare", split),
        )
        tuned = tune(pipeline, classifier, X, y, patients, folds, tuning["iterations"], own)
        pipeline.set_params(classify=classifier.build(own, **tuned.parameters))
        fitted = fit_probabilities(pipeline, X, y, patients, folds)
        kept = selected_features(fitted, list(X.columns))
        steps = fitted_pipeline(fitted).named_steps
        notes = (tuned.note, steps["informative"].note_, steps["resample"].note_)
        record = {
            "features": X.shape[1],
            "selected": len(kept),
            "parameters": json.dumps(tuned.parameters),
            "inner_auc": tuned.auc,
            "note": "; ".join(note for note in notes if note),
        }
        if youden and len(classes) == 2:

            def again(X: pd.DataFrame, y: np.ndarray, patients: np.ndarray) -> Any:
                inner = grouped_folds(patients, y, tuning["folds"], seed, "threshold", split)
                return fit_probabilities(clone(pipeline), X, y, patients, inner)

            number = list(classes).index(positive)
            record["threshold"] = held_out_threshold(again, X, y, patients, folds, number)
        return fitted, record

    with threadpool_limits(threads):
        study = (features, splits, list(columns), classes, positive)
        return over_splits(arm, *study, learn, unstable)


def over_splits(
    arm: str,
    features: pd.DataFrame,
    splits: pd.DataFrame,
    columns: Sequence[str],
    classes: Sequence[str],
    positive: str,
    learn: Learn,
    unstable: Mapping[str, Sequence[str]] | None = None,
) -> tuple[pd.DataFrame, Fitted, pd.DataFrame]:
    """Let `learn` fit a model to each split's training rows, and score its test rows with it.

    The columns named in `unstable` for a split are left out there.

    Rows are sorted by patient and lesion first, so the order of the table changes nothing.
    Returns predictions, fitted models by split, and a report, as `fit_arm` does.
    """
    rows = _checked(features, splits, columns, classes, positive)
    codes = rows["label"].map({name: code for code, name in enumerate(classes)}).to_numpy(int)
    predictions, fitted, report = [], {}, []
    for split, part in splits.groupby("split", sort=False):
        role = rows["patient"].map(part.set_index("patient")["role"])
        train, test = role.isin(["train", "validation"]).to_numpy(), (role == "test").to_numpy()
        _assert_every_class(codes[train], classes, split)
        if not test.any():
            raise BadInput(f"{split}: none of its test patients has a lesion: divide again.")
        patients = rows.loc[train, "patient"].to_numpy()
        here = steady_columns(columns, unstable, split)
        fitted[split], record = learn(rows.loc[train, here], codes[train], patients, split)
        scores = fitted[split].predict_proba(rows.loc[test, here])
        scores = np.clip(scores.astype(float), 0, 1)
        tested = rows.loc[test, ["patient", "lesion", "label"]].assign(
            arm=arm, split=split, score=scores[:, list(classes).index(positive)]
        )[list(PREDICTIONS)]
        each = score_columns(list(classes))
        tested[each] = scores[:, : len(each)]
        if "threshold" in record:
            tested["threshold"] = record["threshold"]
        predictions.append(tested)
        sizes = {"rows": int(train.sum()), "patients": len(np.unique(patients))}
        report.append({"arm": arm, "split": split, **sizes, **record})
    table = pd.concat(predictions, ignore_index=True)
    assert np.isfinite(table["score"]).all(), f"{arm}: a score is not a number"
    return table, fitted, pd.DataFrame(report)


def _checked(
    features: pd.DataFrame,
    splits: pd.DataFrame,
    columns: Sequence[str],
    classes: Sequence[str],
    positive: str,
) -> pd.DataFrame:
    """The rows to learn from, sorted; refuses tables that do not fit together."""
    if positive not in classes:
        raise BadInput(f"positive is {positive}: give one of classes ({', '.join(classes)}).")
    if not columns:
        raise BadInput("the features table has no feature: give one numeric column or more.")
    unlabelled = features.loc[~features["label"].isin(list(classes)), ["patient", "label"]]
    if len(unlabelled):
        patient, label = unlabelled.iloc[0]
        raise BadInput(
            f"patient {patient} has the label {label} in the features table:"
            f" give one of classes ({', '.join(classes)})."
        )
    lost = features.loc[~features["patient"].isin(splits["patient"]), "patient"]
    if len(lost):
        raise BadInput(f"patient {lost.iloc[0]} has lesions and is in no split: divide again.")
    twice = splits.loc[splits.duplicated(["split", "patient"])]
    if len(twice):
        split, patient = twice.iloc[0][["split", "patient"]]
        raise BadInput(f"patient {patient} has two roles in {split}: give each patient one.")
    numbers = features[list(columns)].select_dtypes("number")
    infinite = np.isinf(numbers.to_numpy(float))
    if infinite.any():
        row, column = np.argwhere(infinite)[0]
        raise BadInput(
            f"feature {numbers.columns[column]} of patient {features['patient'].iloc[row]} is"
            " infinite: give a number, or leave it empty."
        )
    return features.sort_values(["patient", "lesion"], ignore_index=True)


def _assert_every_class(codes: np.ndarray, classes: Sequence[str], split: str) -> None:
    for code, name in enumerate(classes):
        if code not in codes:
            raise BadInput(
                f"{split}: no training patient of class {name} has a lesion:"
                " divide among patients with lesions, or add patients."
            )
