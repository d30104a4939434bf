"""A study of three origins from prepared slices and their features to the report, arm by arm."""

import numpy as np
import pandas as pd
import pytest
import torch
from helpers.classes import POSITIVE
from helpers.classes import THREE_CLASSES as THREE
from helpers.fold_auc import auc_within_folds
from helpers.prediction_tables import make_cohort
from helpers.run_study import snakemake, write_phantom_study, write_sheet
from livermets.classification.baselines import train_baseline
from livermets.classification.importance_table import feature_importance
from livermets.classification.training import train_arm
from livermets.deep_learning.densenet import Run, run_split
from livermets.deep_learning.lesion_slices import save_slices
from livermets.deep_learning.mapped_slices import load_slices
from livermets.evaluation.confusion import confusion
from livermets.evaluation.evaluate import evaluate
from livermets.evaluation.paired_differences import compare_arms
from livermets.predictions.predictions_table import read_predictions
from livermets.predictions.task import Task
from livermets.report.figures.all_figures import FigureData, draw_figures
from livermets.report.formatting import with_interval
from livermets.report.paper_tables import write_tables
from livermets.report.render import render_report
from livermets.report.study_results import StudyResults
from livermets.splits.patient_splits import split_patients
from livermets.study.arms import Arm
from sklearn import metrics as sk

STUDY = {"classes": THREE, "positive": POSITIVE}
TASK = Task(THREE, POSITIVE)
GREY = dict(zip(THREE, (100, 140, 180), strict=True))
EACH = [f"score_{name}" for name in THREE]
COLUMNS = ["mean", "deviation", "area"]
DENSENET = {"epochs": 2, "batch_size": 8, "learning_rate": 2e-3, "device": "cpu"}


def write_slices(folder, cohort) -> dict:
    """Discs of 32 pixels, whose grey differs by origin less than from lesion to lesion."""
    y, x = np.indices((32, 32)) - 15.5
    files = {}
    for number, row in enumerate(cohort.itertuples()):
        rng = np.random.default_rng(number)
        radius = rng.uniform(7, 14, (3, 1, 1))
        grey = GREY[row.label] + rng.normal(0, 25, (3, 1, 1))
        images = np.clip(grey + rng.normal(0, 10, (3, 32, 32)), 1, 255) * (np.hypot(y, x) < radius)
        files[row.patient] = folder / f"{row.patient}.npz"
        arrays = {"images": images.astype(np.uint8), "lesion": np.arange(1, 4)}
        save_slices(arrays, files[row.patient])
    return files


def features_of(files, cohort) -> pd.DataFrame:
    rows = []
    for row in cohort.itertuples():
        slices = load_slices(files[row.patient])
        for lesion, image in zip(slices["lesion"], slices["images"], strict=True):
            inside = image[image > 0]
            values = (inside.mean(), inside.std(), float(len(inside)))
            rows.append((row.patient, lesion, row.label, len(inside) ** 1.5 / 1e3, *values))
    return pd.DataFrame(rows, columns=["patient", "lesion", "label", "volume_ml", *COLUMNS])


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The folder, cohort, splits, predictions and metrics, and the report as text."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("three")
    cohort = make_cohort(15)
    cohort = cohort[cohort["included"]].reset_index(drop=True)
    cohort = cohort.assign(label=np.resize(THREE, len(cohort)), n_lesions=3)
    files = write_slices(folder, cohort)
    features = features_of(files, cohort)
    splits = split_patients(
        cohort, {"test_per_class": 1, "validation": 3}, {"folds": 2, "validation": 0}, 1
    )
    tables = [
        train_arm(features, splits, Arm("naive_bayes", way), TASK, columns=COLUMNS)[0]
        for way in ("none", "smote")
    ]
    tables += [train_baseline(name, features, splits, TASK)[0] for name in ("majority", "volume")]
    labels = cohort.set_index("patient")["label"].to_dict()
    for split in splits["split"].unique():
        run = Run(split, seed=1)
        tables.append(run_split(files, splits, labels, TASK, DENSENET, run, folder / split))
    pd.concat(tables).to_parquet(folder / "all.parquet", index=False)
    predictions = read_predictions([folder / "all.parquet"], THREE)
    metrics = evaluate(predictions, THREE, POSITIVE, splits=splits)
    written = {
        "metrics": metrics,
        "confusion": confusion(predictions, THREE, POSITIVE),
        "differences": compare_arms(predictions, THREE, POSITIVE),
        "importance": feature_importance(features, splits, THREE, 0.6, 1, COLUMNS),
        "cohort": cohort,
    }
    write_tables(folder / "tables", classes=THREE, clinical=["age", "sex"], **written)
    pictures = {name: written[name] for name in ("metrics", "confusion", "cohort")}
    data = FigureData(
        predictions=predictions, splits=splits, schemes=["holdout", "cv"],
        slices=list(files.values()), **STUDY, **pictures,
    )  # fmt: skip
    draw_figures(folder / "figures", data)
    config = {
        **STUDY,
        "title": "Which primary tumour?",
        "seed": 1,
        "evaluation": {"threshold": 0.5},
    }
    config |= {"clinical": ["age", "sex"]}
    results = StudyResults(config, splits=splits, figures=folder / "figures", **written)
    return folder, predictions, metrics, render_report(results)


def pooled(predictions, arm="densenet121") -> tuple[pd.DataFrame, np.ndarray]:
    """The cross-validation's rows of an arm, and what each lesion was called."""
    rows = predictions[predictions["arm"] == arm]
    rows = rows[rows["split"].str.startswith("cv1")]
    return rows, np.array(THREE)[rows[EACH].to_numpy().argmax(axis=1)]


def of_densenet(metrics, metric, name="", level="lesion") -> pd.Series:
    rows = metrics.query("arm == 'densenet121' and scheme == 'cv' and level == @level")
    (row,) = rows[(rows["metric"] == metric) & (rows["class"] == name)].itertuples()
    return row


def test_every_arm_has_the_probability_of_every_origin(study):
    _, predictions, _, _ = study
    arms = ["baseline_majority", "baseline_volume", "densenet121", "naive_bayes-none",
            "naive_bayes-smote"]  # fmt: skip
    assert sorted(predictions["arm"].unique()) == arms
    np.testing.assert_allclose(predictions[EACH].sum(axis=1), 1, atol=1e-9)
    np.testing.assert_array_equal(predictions["score"], predictions[f"score_{POSITIVE}"])
    assert predictions.groupby(["arm", "split"]).size().groupby("split").nunique().eq(1).all()


def test_densenets_figures_are_scikit_learns_macro_averages(study):
    _, predictions, metrics, _ = study
    rows, called = pooled(predictions)
    aucs = {name: auc_within_folds(rows, name, f"score_{name}") for name in THREE}
    assert of_densenet(metrics, "auc").value == pytest.approx(np.mean(list(aucs.values())))
    f1 = sk.f1_score(rows["label"], called, average="macro", labels=THREE, zero_division=0)
    assert of_densenet(metrics, "f1").value == pytest.approx(f1)
    for name, auc in aucs.items():
        assert of_densenet(metrics, "auc", name).value == pytest.approx(auc)


def test_its_matrix_has_nine_cells_and_the_report_shows_them(study):
    folder, predictions, _, page = study
    rows, called = pooled(predictions)
    expected = sk.confusion_matrix(rows["label"], called, labels=THREE)
    table = pd.read_table(folder / "tables/confusion.tsv")
    mine = table.query("arm == 'densenet121' and scheme == 'cv' and level == 'lesion'")
    found = mine.pivot_table("count", "truth", "called").loc[THREE, THREE]
    np.testing.assert_array_equal(found, expected)
    for truth in THREE:
        for name in THREE:
            assert f"<th>{truth} called {name}</th>" in page


def test_the_report_holds_densenets_row_in_every_table_of_three_origins(study):
    folder, _, metrics, page = study
    for name in ("", *THREE):
        row = of_densenet(metrics, "auc", name, level="patient")
        assert with_interval(row.value, row.low, row.high) in page
    rest = pd.read_table(folder / "tables/one_vs_rest.tsv")
    assert set(rest.loc[rest["arm"] == "densenet121", "class"]) == set(THREE)
    assert "DenseNet-121 was not part of this run" not in page
    assert "none: the highest score" in page


@pytest.mark.slow
def test_phantoms_of_three_origins_become_a_report_with_densenet_in_it(tmp_path):
    each = dict(zip(THREE, (1, 2, 3), strict=True))
    phantoms = {"size": [20, 64, 64], "spacing_mm": [4.0, 4.0, 5.0], "lesions_per_class": each}
    few = {"models": ["naive_bayes"], "resampling": ["none"], "tuning": {"iterations": 0}}
    write_phantom_study(
        tmp_path, 9, classes=THREE, phantoms=phantoms, classification=few | {"baselines": []},
        splits={"holdout": None, "cv": {"folds": 3, "validation": 0}},
        slices={"size": 32, "max_per_lesion": 2}, densenet=DENSENET | {"epochs": 1},
        radiomics={"fan_out": "patient"},
    )  # fmt: skip
    names = [f"B{number}" for number in range(9)]
    rows = zip(names, np.resize(THREE, 9), strict=True)
    write_sheet(
        tmp_path,
        [(n, label, f"phantoms/{n}.ct.nii.gz", f"phantoms/{n}.mask.nii.gz") for n, label in rows],
    )
    done = snakemake(tmp_path)
    assert done.returncode == 0, done.stderr
    predictions = pd.read_parquet(tmp_path / "results/predictions/densenet121.parquet")
    np.testing.assert_allclose(predictions[EACH].sum(axis=1), 1, atol=1e-9)
    assert sorted(predictions["patient"].unique()) == names
    rest = pd.read_table(tmp_path / "results/tables/one_vs_rest.tsv")
    assert set(rest.loc[rest["arm"] == "densenet121", "class"]) == set(THREE)
    page = (tmp_path / "results/report.html").read_text()
    assert "Each class against the rest" in page and "DenseNet-121" in page
