"""One synthetic study for all tests of the report: made once, and only read."""

import pytest
from helpers.classes import CLASSES, POSITIVE
from helpers.prediction_tables import make_cohort, make_importance, make_predictions, make_splits
from helpers.report import Study
from livermets.evaluation.confusion import confusion
from livermets.evaluation.evaluate import evaluate
from livermets.evaluation.paired_differences import compare_arms
from livermets.report.flow_diagram import draw_flow
from livermets.report.study_results import StudyResults


@pytest.fixture(scope="session")
def study() -> Study:
    cohort = make_cohort(14)
    splits = make_splits(cohort)
    predictions = make_predictions(cohort, splits, ["knn"])
    parts = (evaluate, confusion, compare_arms)
    tables = [compute(predictions, CLASSES, POSITIVE) for compute in parts]
    return Study(cohort, splits, predictions, *tables)


@pytest.fixture(scope="session")
def results(study, tmp_path_factory) -> StudyResults:
    """The results that the report is made from, without differences."""
    figures = tmp_path_factory.mktemp("figures")
    draw_flow(figures / "flow.svg", cohort=study.cohort, splits=study.splits, classes=CLASSES)
    config = {
        "title": "Which primary tumour?",
        "classes": CLASSES,
        "positive": POSITIVE,
        "seed": 2023,
        "clinical": ["age", "sex"],
        "features": None,
        "evaluation": {"threshold": 0.5},
    }
    return StudyResults(
        config=config,
        cohort=study.cohort,
        splits=study.splits,
        metrics=study.metrics,
        figures=figures,
        confusion=study.confusion,
        importance=make_importance(),
    )
