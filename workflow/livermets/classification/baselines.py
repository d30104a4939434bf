"""What a radiomics model must beat: the majority class, lesion size, disease burden, the clinic.

Welch 2019 (PMID 30416044): much of published radiomics was lesion volume in disguise.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from livermets.classification.thresholds import held_out_threshold
from livermets.classification.training import Fitted, fit_arm, over_splits
from livermets.core.errors import BadInput
from livermets.features.features_table import feature_columns
from livermets.splits.patient_splits import grouped_folds
from livermets.study.arms import BASELINES, baseline_arm
from livermets.study.baselines import CLINICAL, available_baselines, volume_column


def fit_baseline(
    name: str,
    features: pd.DataFrame,
    splits: pd.DataFrame,
    *,
    classes: Sequence[str],
    positive: str,
    youden: bool = False,
    seed: int = 2023,
    **settings: Any,
) -> tuple[pd.DataFrame, Fitted, pd.DataFrame]:
    """A baseline fitted in every split; parameters and returns as of `livermets.classification.training.fit_arm`.

    majority : the share of the classes among the training lesions
    volume : logistic regression on the logarithm of a lesion's volume (`volume_ml` or a volume
        feature; not its logarithm where the column was standardised and has negative values)
    burden : logistic regression on liver tumour burden and number of lesions, one row a patient
    clinical : logistic regression on the `clinical_` columns, one row a patient
    radiomics_clinical : the arm logistic_regression-none with the clinical columns among its
        features; it alone takes `settings` (fit_arm's correlation, max_features, tuning)

    The others are not tuned (ridge penalty C = 1 on standardised columns) and draw nothing (with
    `youden` their inner folds are dealt by the seed).
    """
    if name not in available_baselines(features.columns):
        raise BadInput(
            f"the baseline {name} has no column in the features table:"
            f" leave it out of classification.baselines (known: {', '.join(BASELINES)})."
        )
    if name == "radiomics_clinical":
        table, columns = _radiomics_clinical(features)
        own = {"arm": baseline_arm(name), "columns": columns, **settings}
        study = {"classes": classes, "positive": positive, "youden": youden, "seed": seed}
        return fit_arm(table, splits, "logistic_regression", "none", **study, **own)
    table, columns, model = _BUILDERS[name](features)

    def fit(X: pd.DataFrame, y: np.ndarray, patients: np.ndarray) -> Any:
        if name in ("burden", "clinical"):  # what a patient has once counts once
            first = ~pd.Series(patients).duplicated().to_numpy()
            X, y = X[first], y[first]
        return clone(model).fit(X, y)

    def learn(X: pd.DataFrame, y: np.ndarray, patients: np.ndarray, split: str) -> tuple[Any, dict]:
        record = {"features": len(columns), "selected": len(columns), "parameters": "{}"}
        record |= {"inner_auc": np.nan, "note": ""}
        if youden and len(classes) == 2:
            folds = grouped_folds(patients, y, 3, seed, "inner", split)
            number = list(classes).index(positive)
            record["threshold"] = held_out_threshold(fit, X, y, patients, folds, number)
        return fit(X, y, patients), record

    return over_splits(baseline_arm(name), table, splits, columns, classes, positive, learn)


Built = tuple[pd.DataFrame, list[str], Pipeline]  # table, its columns to learn from, model


def _majority(features: pd.DataFrame) -> Built:
    return features, ["lesion"], make_pipeline(DummyClassifier(strategy="prior"))


def _volume(features: pd.DataFrame) -> Built:
    column = volume_column(features.columns)
    standardised = (features[column] <= 0).any()
    logarithm = FunctionTransformer(None if standardised else np.log)
    return features, [column], make_pipeline(logarithm, *_numbers(), LogisticRegression())


def _burden(features: pd.DataFrame) -> Built:
    if "n_lesions" not in features:
        count = features.groupby("patient")["lesion"].transform("size")
        features = features.assign(n_lesions=count)
    columns = ["burden", "n_lesions"]
    return features, columns, make_pipeline(*_numbers(), LogisticRegression())


def _clinical(features: pd.DataFrame) -> Built:
    table, numbers, words = _clinical_columns(features)
    encode = make_column_transformer(
        (make_pipeline(*_numbers()), numbers), (OneHotEncoder(handle_unknown="ignore"), words)
    )
    return table, [*numbers, *words], make_pipeline(encode, LogisticRegression(max_iter=2000))


def _radiomics_clinical(features: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The table with a column of 0 and 1 for each word, and its columns to learn from."""
    radiomics = feature_columns(features)
    table, numbers, words = _clinical_columns(features)
    # a word that only test patients have is constant among the training rows, and goes there
    coded = pd.get_dummies(table, columns=words, dtype=float)
    return coded, [*radiomics, *numbers, *(c for c in coded if c not in table)]


def _clinical_columns(features: pd.DataFrame) -> tuple[pd.DataFrame, list[str], list[str]]:
    """The table with its clinical columns as numbers or words, and which are which."""
    columns = [c for c in features.columns if c.startswith(CLINICAL)]
    numbers = [c for c in columns if pd.api.types.is_numeric_dtype(features[c])]
    words = [c for c in columns if c not in numbers]
    table = features.astype(dict.fromkeys(numbers, float) | dict.fromkeys(words, object))
    table[words] = table[words].where(table[words].notna(), "missing").astype(str)
    return table, numbers, words


_BUILDERS: dict[str, Callable[[pd.DataFrame], Built]] = {
    "majority": _majority,
    "volume": _volume,
    "burden": _burden,
    "clinical": _clinical,
}


def _numbers() -> tuple[SimpleImputer, StandardScaler]:
    return SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
