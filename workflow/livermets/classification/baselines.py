"""Baselines: the simple models that radiomics must beat.

Majority class, lesion size, disease burden, clinical columns and site. Welch 2019 (PMID 30416044):
much of published radiomics was lesion volume in disguise.
"""

from collections.abc import Callable
from dataclasses import dataclass
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
from threadpoolctl import threadpool_limits

from livermets.classification.row_weights import scoring_weights
from livermets.classification.split_training import FittedModels, Unstable, train_on_splits
from livermets.classification.thresholds import choose_threshold
from livermets.classification.training import ArmTrainer, TrainingSettings
from livermets.core.errors import BadInput
from livermets.features.features_table import feature_columns
from livermets.predictions.task import Task
from livermets.splits.folds import grouped_folds
from livermets.study.arms import BASELINES, baseline_arm
from livermets.study.baselines import available_baselines, volume_column
from livermets.study.classifiers import CLASSIFIERS
from livermets.study.clinical_columns import clinical_columns, is_numeric
from livermets.study.names import SITE

INNER_FOLDS = 3  # in which the threshold of a baseline is chosen


def train_baseline(
    name: str,
    features: pd.DataFrame,
    splits: pd.DataFrame,
    task: Task,
    settings: TrainingSettings | None = None,
    unstable: Unstable | None = None,
) -> tuple[pd.DataFrame, FittedModels, pd.DataFrame]:
    """Fit one baseline in every split.

    The baselines:

    - majority: the share of each class among the training lesions.
    - volume: logistic regression on the logarithm of a lesion's volume (`volume_ml` or a volume
      feature); without the logarithm if the column was standardised and has negative values.
    - burden: logistic regression on liver tumour burden and number of lesions, one row a patient.
    - clinical: logistic regression on the `clinical_` columns, one row a patient.
    - site: logistic regression on the site, one row a patient (`with_sites` adds the column).
    - radiomics_clinical: the arm logistic_regression-none with the clinical columns among its
      features.

    Parameters
    ----------
    name : str
        One of the baselines.
    features : data frame
        The features table.
    splits : data frame
        The table of splits.
    task : Task
        The classes.
    settings : TrainingSettings, optional
        Only radiomics_clinical uses all of them. The others are not tuned (ridge penalty C = 1 on
        standardised columns) and use `weigh`, `youden`, `threshold_level` and `seed` (which gives
        the inner folds).
    unstable : mapping, optional
        Features that radiomics_clinical leaves out of each split.

    Returns
    -------
    tuple
        Predictions, fitted models and report, as
        `livermets.classification.training.train_arm` returns them.

    Raises
    ------
    BadInput
        The features table lacks the baseline's columns.
    """
    if name not in available_baselines(features.columns):
        raise BadInput(
            f"the baseline {name} has no column in the features table:"
            f" leave it out of classification.baselines (known: {', '.join(BASELINES)})."
        )
    settings, arm = settings or TrainingSettings(), baseline_arm(name)
    if name == "radiomics_clinical":
        table, columns = _radiomics_clinical(features)
        classifier = CLASSIFIERS["logistic_regression"]
        tuned = ArmTrainer(classifier, "none", arm, task, settings)
        with threadpool_limits(settings.threads):
            return train_on_splits(arm, table, splits, columns, task, tuned, unstable)
    table, columns, model = _BUILDERS[name](features)
    by_patient = name in ("burden", "clinical", "site")
    return train_on_splits(
        arm, table, splits, columns, task, BaselineTrainer(model, by_patient, task, settings)
    )


@dataclass(frozen=True)
class BaselineTrainer:
    """Fits a baseline to the training rows of a split.

    Parameters
    ----------
    model : Pipeline
        The unfitted model.
    by_patient : bool
        Whether each patient counts once, because all their rows are equal.
    task : Task
        The classes.
    settings : TrainingSettings
        Of these `weigh`, `youden`, `threshold_level` and `seed` are used.
    """

    model: Pipeline
    by_patient: bool
    task: Task
    settings: TrainingSettings

    def __call__(
        self, X: pd.DataFrame, y: np.ndarray, patients: np.ndarray, split: str
    ) -> tuple[Any, dict[str, Any]]:
        """The fitted model of a split and its row of the report."""
        record = {
            "features": X.shape[1],
            "selected": X.shape[1],
            "parameters": "{}",
            "inner_auc": np.nan,
            "note": "",
        }
        if self.settings.youden:
            settings = self.settings
            folds = grouped_folds(patients, y, INNER_FOLDS, settings.seed, "inner", split)
            record |= choose_threshold(
                self.task,
                self._fit,
                X,
                y,
                patients,
                folds,
                settings.threshold_level,
                settings.weigh,
            )
        return self._fit(X, y, patients), record

    def _fit(self, X: pd.DataFrame, y: np.ndarray, patients: np.ndarray) -> Any:
        if self.by_patient:
            first = ~pd.Series(patients).duplicated().to_numpy()
            X, y, patients = X[first], y[first], patients[first]
        weights = scoring_weights(patients, self.settings.weigh)
        # the last step alone: the others standardise, and a patient's lesions count there
        classifier = self.model.steps[-1][0]
        return clone(self.model).fit(X, y, **{f"{classifier}__sample_weight": weights})


Built = tuple[pd.DataFrame, list[str], Pipeline]  # table, columns to learn from, model


def _majority(features: pd.DataFrame) -> Built:
    return features, ["lesion"], make_pipeline(DummyClassifier(strategy="prior"))


def _volume(features: pd.DataFrame) -> Built:
    column = volume_column(features.columns)
    assert column is not None, "available_baselines offers this baseline only with a volume"
    standardised = (features[column] <= 0).any()
    logarithm = FunctionTransformer(None if standardised else np.log)
    return features, [column], make_pipeline(logarithm, *_standardised(), LogisticRegression())


def _burden(features: pd.DataFrame) -> Built:
    if "n_lesions" not in features:
        count = features.groupby("patient")["lesion"].transform("size")
        features = features.assign(n_lesions=count)
    columns = ["burden", "n_lesions"]
    return features, columns, make_pipeline(*_standardised(), LogisticRegression())


def _clinical(features: pd.DataFrame) -> Built:
    table, numbers, categories = clinical_table(features)
    encode = make_column_transformer(
        (make_pipeline(*_standardised()), numbers),
        (OneHotEncoder(handle_unknown="ignore"), categories),
    )
    return table, [*numbers, *categories], make_pipeline(encode, LogisticRegression(max_iter=2000))


def _site(features: pd.DataFrame) -> Built:
    # a site of test patients alone adds nothing: they get the training patients' prior odds
    encode = OneHotEncoder(handle_unknown="ignore")
    return features, [SITE], make_pipeline(encode, LogisticRegression())


def with_sites(features: pd.DataFrame, cohort: pd.DataFrame) -> pd.DataFrame:
    """The features table with each patient's site of the cohort; "missing" where it is not known.

    Parameters
    ----------
    features : DataFrame
        The features table.
    cohort : DataFrame
        patient and site, one row for each patient.
    """
    sites = cohort.drop_duplicates("patient").set_index("patient")[SITE].replace("", None)
    site = features["patient"].map(sites).astype(object)
    return features.assign(**{SITE: site.where(site.notna(), "missing").astype(str)})


def _radiomics_clinical(features: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The table with a column of 0 and 1 for each category, and the columns to learn from."""
    radiomics = feature_columns(features)
    table, numbers, categories = clinical_table(features)
    # a category of test patients alone is constant in the training rows, so the filter drops it
    coded = pd.get_dummies(table, columns=categories, dtype=float)
    return coded, [*radiomics, *numbers, *coded.columns.difference(table.columns, sort=False)]


def clinical_table(features: pd.DataFrame) -> tuple[pd.DataFrame, list[str], list[str]]:
    """The table with its clinical columns as numbers or categories, and the names of both."""
    columns = clinical_columns(features)
    empty = [c for c in columns if features[c].isna().all()]
    numbers = [c for c in columns if c in empty or is_numeric(features[c])]
    categories = [c for c in columns if c not in numbers]
    table = features.assign(
        **{name: pd.to_numeric(features[name], errors="coerce") for name in numbers}
    )
    table = table.astype(dict.fromkeys(numbers, float) | dict.fromkeys(categories, object))
    table[categories] = table[categories].where(table[categories].notna(), "missing").astype(str)
    return table, numbers, categories


_BUILDERS: dict[str, Callable[[pd.DataFrame], Built]] = {
    "majority": _majority,
    "volume": _volume,
    "burden": _burden,
    "clinical": _clinical,
    "site": _site,
}


def _standardised() -> tuple[SimpleImputer, StandardScaler]:
    """Steps for columns of numbers: missing values become the median, then mean 0 and SD 1."""
    return SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
