"""Against what is published: three real radiomics tables and the AUCs that radMLBench reports.

Each table enters as a user's own would. The published AUCs are of ten-fold cross-validation with
the features selected in the fold and the probabilities pooled; here the package's own pipeline,
with its steps set as radMLBench's, its loop over splits and its evaluation come to the same.
"""

from functools import cache

import pandas as pd
import pytest
from helpers.classes import CLASSES as TWO_CLASSES
from helpers.classes import POSITIVE as ONE_POSITIVE
from helpers.feature_tables import clustered_features
from helpers.run_study import snakemake, write_config
from livermets.classification.pipeline import build_pipeline
from livermets.classification.split_training import train_on_splits
from livermets.features.features_table import feature_columns
from livermets.features.user_table import read_features
from livermets.predictions.task import Task
from livermets.study.arms import RESAMPLINGS, classifier_arms
from livermets.study.baselines import volume_column
from livermets.study.classifiers import CLASSIFIERS
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import RepeatedStratifiedKFold

COLUMNS = {"patient": "ID", "lesion": "lesion", "label": "Target"}
CLASSES, POSITIVE = ["0", "1"], "1"
ALL_ARMS = len(classifier_arms(CLASSIFIERS, RESAMPLINGS))
TABLES = ["LNDb", "WORC-CRLM", "WORC-Lipo"]


@cache
def table(folder, name) -> pd.DataFrame:
    return read_features(folder / f"{name}.csv.gz", COLUMNS, CLASSES)


def published(folder, name) -> pd.DataFrame:
    """ANOVA + logistic regression: number of features, cost, AUC; 49 settings a table."""
    trials = pd.read_csv(folder / f"trial_{name}_1.0.csv.gz")
    anova = trials["params_fs_method"] == "ANOVA"
    trials = trials[anova & (trials["params_clf_method"] == "LogisticRegression")]
    return trials[["params_N", "params_C_LR", "value"]]


def their_folds(features: pd.DataFrame) -> pd.DataFrame:
    """radMLBench's folds as a table of splits."""
    folds = RepeatedStratifiedKFold(n_splits=10, n_repeats=1, random_state=463)
    rows = []
    for number, (_, test) in enumerate(folds.split(features, features["label"]), start=1):
        role = pd.Series("train", index=features.index)
        role.iloc[test] = "test"
        part = {"split": f"cv1-fold{number}", "patient": features["patient"], "role": role}
        rows.append(pd.DataFrame(part))
    return pd.concat(rows, ignore_index=True)


def auc_of(features: pd.DataFrame, splits: pd.DataFrame, n: int, C: float) -> float:
    """The AUC through this package's pipeline and loop over splits, pooled as it was published.

    The published values rank patients of different folds, which this package's own AUC does not.
    """
    pipeline = build_pipeline(
        LogisticRegression(max_iter=500, solver="liblinear", C=C, random_state=42)
    ).set_params(scale="passthrough", correlation=SelectKBest(f_classif, k=n))  # scaled already

    def learn(X, y, patients, split):
        return pipeline.fit(X, y), {}

    columns = feature_columns(features)
    predictions, _, _ = train_on_splits(
        "lr", features, splits, columns, Task(CLASSES, POSITIVE), learn
    )
    return float(roc_auc_score(predictions["label"] == POSITIVE, predictions["score"]))


@pytest.mark.parametrize(
    ("name", "costs"),
    [*((name, (0.03125, 2.0)) for name in TABLES)]
    + [pytest.param(name, None, marks=pytest.mark.slow) for name in TABLES],
    ids=[*TABLES, *(f"{name}, all costs" for name in TABLES)],
)
def test_published_aucs_are_reproduced_to_six_digits(real_data, name, costs):
    """Of 147 settings 140 are; the others, with plain scikit-learn as well, miss by one pair.

    (Two patients whose scores all but agree stand the other way round: versions of liblinear.)
    """
    folder = real_data / "radmlbench"
    features, trials = table(folder, name), published(folder, name)
    assert len(trials) == 49
    trials = trials[trials["params_C_LR"].isin(costs)] if costs else trials
    splits = their_folds(features)
    found = [
        auc_of(features, splits, int(n), C)
        for n, C in zip(trials["params_N"], trials["params_C_LR"], strict=True)
    ]
    away = (trials["value"] - found).abs()
    one_pair = 1 / features["label"].value_counts().prod()
    assert (away < 5e-7).mean() >= 0.89
    assert away.max() < 1.01 * one_pair


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_a_published_table_comes_out_as_a_full_table_3(real_data, tmp_path, name):
    """One row a patient; every arm, lightly tuned. The range is that of what was published."""
    folder = real_data / "radmlbench"
    write_study(tmp_path, str(folder / f"{name}.csv.gz"), CLASSES, POSITIVE, COLUMNS)
    auc = table3_of(tmp_path)["auc"]
    volume = volume_column(table(folder, name).columns) is not None
    assert len(auc) == ALL_ARMS + len(["selected", "baseline_majority"]) + volume
    published = pd.read_csv(folder / f"trial_{name}_1.0.csv.gz")["value"]
    ours = auc[~auc.index.str.startswith("baseline")]
    assert ours.between(published.min() - 0.05, published.max() + 0.05).all()
    assert published.quantile(0.05) < ours.median() < published.max()
    assert auc["baseline_majority"] == pytest.approx(0.5, abs=0.05)


@pytest.mark.slow
def test_a_table_of_many_lesions_a_patient_comes_out_as_a_full_table_3(tmp_path):
    clustered = clustered_features(40, (4, 9), 20, gain=1.5).drop(columns=["burden"])
    clustered.to_csv(tmp_path / "lesions.csv", index=False)
    ours = {"patient": "patient", "lesion": "lesion", "label": "label"}
    write_study(tmp_path, "lesions.csv", TWO_CLASSES, ONE_POSITIVE, ours)
    table3 = table3_of(tmp_path)
    assert len(table3) == ALL_ARMS + len(["selected", "baseline_majority", "baseline_volume"])
    assert (table3["n_lesions"] == len(clustered)).all()
    assert (table3["n_patients"] == 40).all()
    radiomics = table3[~table3.index.str.startswith("baseline")]
    assert (radiomics["auc"] > 0.7).mean() > 0.8


def write_study(folder, features: str, classes, positive, columns) -> None:
    """A study from this table: five folds, every arm, three settings tried on two inner folds."""
    write_config(
        folder,
        {
            "patients": None,
            "features": features,
            "feature_columns": columns,
            "classes": classes,
            "positive": positive,
            "splits": {"holdout": None, "cv": {"validation": 0}},
            "classification": {"tuning": {"iterations": 3, "folds": 2}},
        },
    )


def table3_of(folder) -> pd.DataFrame:
    """Run the study; its Table 3 by lesion in cross-validation, one row an arm."""
    done = snakemake(folder, "results/tables/table3.tsv")
    assert done.returncode == 0, done.stderr
    rows = pd.read_table(folder / "results/tables/table3.tsv")
    rows = rows[(rows["scheme"] == "cv") & (rows["level"] == "lesion")].set_index("arm")
    print(rows[["auc", "auc_low", "auc_high", "accuracy"]].round(3).to_string())
    return rows
