"""Three classes all the way: metrics against scikit-learn's, and a table that becomes a report."""

import numpy as np
import pandas as pd
import pytest
from helpers.classes import THREE_CLASSES as THREE
from helpers.prediction_tables import make_three_classes
from livermets.core.errors import BadInput
from livermets.evaluation.confusion import confusion
from livermets.evaluation.evaluate import evaluate
from livermets.evaluation.metrics import METRICS, measure
from livermets.evaluation.multiclass import measure_classes
from livermets.evaluation.paired_differences import compare_arms
from livermets.evaluation.scored_rows import ScoredRows
from livermets.report.figures.all_figures import FigureData, draw_figures
from livermets.report.formatting import with_interval
from livermets.report.paper_tables import write_tables
from livermets.report.render import render_report
from livermets.report.study_results import StudyResults
from livermets.study.outputs import figure_names, table_names
from sklearn import metrics as sk

COHORT, SPLITS, PREDICTIONS = make_three_classes()
POSITIVE = "pancreatic"


@pytest.fixture(scope="module")
def metrics() -> pd.DataFrame:
    return evaluate(PREDICTIONS, THREE, POSITIVE, splits=SPLITS)


def one_arm(arm: str = "knn-none") -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """The lesions of an arm, their scores and what they are called."""
    table = PREDICTIONS[PREDICTIONS["arm"] == arm]
    scores = table[[f"score_{name}" for name in THREE]].to_numpy()
    return table, scores, np.array(THREE)[scores.argmax(axis=1)]


def value(metrics, metric, name="", level="lesion", arm="knn-none") -> float:
    query = "arm == @arm and level == @level and metric == @metric and `class` == @name"
    rows = metrics.query(query)
    assert len(rows) == 1
    return rows["value"].iloc[0]


def rank_metrics_within_folds(table: pd.DataFrame, name: str) -> tuple[float, float]:
    """AUC and average precision of a class, from scikit-learn's values in each fold."""
    wins = pairs = precision = positives = 0.0
    for _, fold in table.groupby("split"):
        truth, score = fold["label"] == name, fold[f"score_{name}"]
        n = truth.sum() * (~truth).sum()
        wins, pairs = wins + n * sk.roc_auc_score(truth, score), pairs + n
        precision += truth.sum() * sk.average_precision_score(truth, score)
        positives += truth.sum()
    return wins / pairs, precision / positives


def test_together_they_equal_scikit_learns_macro_averages(metrics):
    table, scores, called = one_arm()
    truth = table["label"]
    ranked = np.mean([rank_metrics_within_folds(table, name) for name in THREE], axis=0)
    expected = {
        "auc": ranked[0],
        "average_precision": ranked[1],
        "accuracy": sk.accuracy_score(truth, called),
        "balanced_accuracy": sk.balanced_accuracy_score(truth, called),
        "sensitivity": sk.recall_score(truth, called, average="macro"),
        "f1": sk.f1_score(truth, called, average="macro"),
        "mcc": sk.matthews_corrcoef(truth, called),
        "brier": sk.brier_score_loss(truth, scores, labels=THREE, scale_by_half=True),
    }
    for name, number in expected.items():
        assert value(metrics, name) == pytest.approx(number, abs=1e-12), name


def test_each_class_is_measured_against_the_rest(metrics):
    table, _, called = one_arm()
    for name in THREE:
        truth = table["label"] == name
        expected = rank_metrics_within_folds(table, name)[0]
        assert value(metrics, "auc", name) == pytest.approx(expected)
        recall = sk.recall_score(truth, called == name)
        assert value(metrics, "sensitivity", name) == pytest.approx(recall)
        rows = metrics.query("`class` == @name and level == 'lesion'")
        assert set(rows["n_positive"]) == {int(truth.sum())}
    assert set(metrics["class"]) == {"", *THREE}


def test_patients_are_called_by_the_mean_of_their_lesions(metrics):
    table, _, _ = one_arm()
    columns = [f"score_{name}" for name in THREE]
    patients = table.groupby("patient").agg({"label": "first"} | dict.fromkeys(columns, "mean"))
    called = np.array(THREE)[patients[columns].to_numpy().argmax(axis=1)]
    expected = sk.accuracy_score(patients["label"], called)
    assert value(metrics, "accuracy", level="patient") == pytest.approx(expected)


def test_on_weighted_draws_they_still_equal_scikit_learn():
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(30), rng.integers(1, 6, 30))
    truth, scores = patient % 3, rng.dirichlet(np.ones(3), len(patient))
    called, ones = scores.argmax(axis=1), np.ones(len(patient))
    rows = [ScoredRows(truth == k, scores[:, k], patient, ones, called == k) for k in range(3)]
    counts = rng.multinomial(30, np.full(30, 1 / 30), size=20).astype(float)
    _, together = measure_classes(rows, counts)
    for draw, count in enumerate(counts):
        weight = {"sample_weight": count[patient]}
        assert together["mcc"][draw] == pytest.approx(sk.matthews_corrcoef(truth, called, **weight))
        auc = sk.roc_auc_score(truth, scores, multi_class="ovr", **weight)
        assert together["auc"][draw] == pytest.approx(auc)


def test_two_classes_against_the_rest_are_the_plain_metrics():
    rng = np.random.default_rng(1)
    positive, score = rng.random(60) < 0.4, rng.random(60)
    patient, ones = np.arange(60), np.ones(60)
    plain = ScoredRows(positive, score, patient, ones)
    both = [
        ScoredRows(~positive, 1 - score, patient, ones, score < 0.5),
        ScoredRows(positive, score, patient, ones, score >= 0.5),
    ]
    counts = rng.multinomial(60, np.full(60, 1 / 60), size=10).astype(float)
    _, together = measure_classes(both, counts)
    expected = measure(plain, counts)
    for name in ("auc", "accuracy", "balanced_accuracy", "mcc", "brier"):
        np.testing.assert_allclose(together[name], expected[name], atol=1e-12)


def test_intervals_stay_in_range(metrics):
    bounded = metrics[~metrics["metric"].isin(["calibration_slope", "calibration_intercept"])]
    inside = bounded[bounded["low"].notna()]
    assert inside["high"].le(1).all()
    signed = inside["metric"].isin(["mcc", "net_benefit"])
    assert inside.loc[~signed, "low"].ge(0).all()
    assert set(metrics["metric"]) == set(METRICS)


def test_the_confusion_matrix_has_a_cell_for_each_pair_of_classes():
    table, _, called = one_arm()
    cells = confusion(PREDICTIONS, THREE, POSITIVE)
    mine = cells.query("arm == 'knn-none' and level == 'lesion'")
    counts = mine.pivot_table("count", "truth", "called").loc[THREE, THREE]
    assert (counts.to_numpy() == sk.confusion_matrix(table["label"], called, labels=THREE)).all()


def test_differences_are_those_of_the_mean_auc(metrics):
    pairs = compare_arms(PREDICTIONS, THREE, POSITIVE)
    row = pairs.query("arm == 'knn-none' and level == 'lesion' and against == 'volume'").iloc[0]
    expected = value(metrics, "auc") - value(metrics, "auc", arm="baseline_volume")
    assert row["difference"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (PREDICTIONS.drop(columns="score_gastric"), "'score_gastric' is missing.*3 classes"),
        (PREDICTIONS.assign(score_gastric=2.0), r"score_gastric of arm 'knn-none' are outside"),
        (PREDICTIONS.assign(score_gastric=0.9), "do not add up to 1"),
    ],
    ids=["no probability of a class", "a probability of 2", "a sum that is not 1"],
)
def test_a_table_without_all_probabilities_is_refused(table, message):
    with pytest.raises(BadInput, match=message):
        evaluate(table, THREE, POSITIVE)


def test_a_table_of_three_classes_becomes_tables_figures_and_a_report(tmp_path, metrics):
    study = {"classes": THREE, "positive": POSITIVE}
    cells = confusion(PREDICTIONS, THREE, POSITIVE)
    pairs = compare_arms(PREDICTIONS, THREE, POSITIVE)
    tables = {"metrics": metrics, "confusion": cells, "cohort": COHORT}
    written = write_tables(tmp_path / "tables", differences=pairs, classes=THREE, **tables)
    assert list(written) == table_names(THREE)
    rest = pd.read_table(written["one_vs_rest"])
    assert set(rest["class"]) == set(THREE)
    given = {"predictions": PREDICTIONS, "splits": SPLITS, "schemes": ["cv"]}
    figures = draw_figures(tmp_path / "figures", FigureData(**given, **study, **tables))
    assert [path.stem for path in figures] == figure_names(["cv"], images=False)
    config = {
        **study,
        "title": "Which primary tumour?",
        "seed": 1,
        "features": "mine.csv",
        "evaluation": {"threshold": 0.5},
    }
    results = StudyResults(
        config, splits=SPLITS, differences=pairs, figures=tmp_path / "figures", **tables
    )
    page = render_report(results)
    gastric = metrics.query("arm == 'knn-none' and level == 'patient' and metric == 'auc'")
    gastric = gastric[gastric["class"] == "gastric"].iloc[0]
    found = with_interval(*gastric[["value", "low", "high"]])
    for text in ("Each class against the rest", "AUC, gastric", "gastric called colorectal",
                 "none: the highest score", found):  # fmt: skip
        assert text in page, text
