"""The report where lesions carry the label: by lesion, and why there is nothing by patient."""

from dataclasses import replace

import pandas as pd
import pytest
from helpers.classes import CLASSES, POSITIVE
from helpers.report import render
from livermets.evaluation.confusion import confusion
from livermets.evaluation.evaluate import evaluate
from livermets.evaluation.paired_differences import compare_arms
from livermets.evaluation.per_split import auc_per_split
from livermets.report.figures.all_figures import FigureData, draw_figures
from livermets.report.formatting import with_interval
from livermets.report.main_result import main_result
from livermets.report.patient_flow import flow_steps
from livermets.report.sections.cautions import capacity
from livermets.study.patient_labels import patient_label

PRIMARY = ("knn-none", "baseline_volume")


@pytest.fixture(scope="module")
def mixed(results, study):
    """The study of the report's tests, but the first lesion of most patients is of class one."""
    predictions = study.predictions.copy()
    predictions.loc[predictions["lesion"] == 1, "label"] = CLASSES[0]
    task = {"classes": CLASSES, "positive": POSITIVE}
    labels = predictions.groupby("patient")["label"].agg(patient_label)
    cohort = study.cohort.assign(
        label=study.cohort["patient"].map(labels).fillna(study.cohort["label"])
    )
    changed = replace(
        results,
        config=results.config | {"label_of": "lesion", "features": "mine.csv"},
        cohort=cohort,
        metrics=evaluate(predictions, **task),
        differences=compare_arms(predictions, primary=PRIMARY, **task),
        confusion=confusion(predictions, **task),
        split_aucs=auc_per_split(predictions, **task),
    )
    return changed, predictions


def test_the_first_page_is_by_lesion_and_says_why(mixed):
    results, _ = mixed
    page = render(results)
    first_page = page[: page.index('class="folds"')]
    main = main_result(results.metrics, PRIMARY)
    assert main.level == "lesion"
    assert with_interval(*main.aucs["knn-none"]) in first_page
    assert "AUC by lesion" in first_page
    assert "AUC by patient" not in first_page
    several = results.included["label"].str.contains(" + ", regex=False).sum()
    assert several > 3
    assert f"{several} of {len(results.included)} patients have lesions of several" in first_page


def test_table_3_has_no_row_by_patient_and_gives_the_reason(mixed):
    results, _ = mixed
    page = render(results)
    assert "there are no results by patient" in page
    assert "<h3>By patient</h3>" not in page
    assert "<h3>By lesion</h3>" in page


def test_patients_of_both_classes_are_a_group_of_their_own_in_the_flow(mixed):
    results, _ = mixed
    steps, _ = flow_steps(results.cohort, results.splits, CLASSES, from_features=True)
    both = f"{CLASSES[0]} + {CLASSES[1]}"
    number = (results.included["label"] == both).sum()
    assert any(line.startswith(f"{both}: {number} patients") for line in steps[-1].lines)


def test_the_number_of_features_for_a_class_of_patients_is_not_claimed(mixed):
    assert capacity(mixed[0]) == ""


def test_every_figure_is_drawn_and_that_by_patient_says_why_it_is_empty(mixed, tmp_path):
    results, predictions = mixed
    data = FigureData(
        predictions=predictions,
        metrics=results.metrics,
        confusion=results.confusion,
        cohort=results.cohort,
        splits=results.splits,
        schemes=["cv"],
        classes=CLASSES,
        positive=POSITIVE,
        primary=PRIMARY,
        from_features=True,
    )
    files = draw_figures(tmp_path, data)
    assert all(path.stat().st_size > 1000 for path in files)
    sizes = pd.Series({path.stem: path.stat().st_size for path in files})
    assert sizes["roc_cv"] < sizes["roc_lesion_cv"] / 3  # a message, no curves
