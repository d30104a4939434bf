"""Figures: every promised file, the same bytes twice, and the numbers they draw."""

import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from helpers.classes import CLASSES, POSITIVE
from helpers.prediction_tables import make_cohort, make_predictions, make_splits, write_slices
from livermets.evaluation.confusion import confusion
from livermets.evaluation.evaluate import evaluate
from livermets.evaluation.metrics import measure
from livermets.evaluation.scored_rows import ScoredRows
from livermets.predictions.predictions_table import with_scheme
from livermets.report.figures.all_figures import draw_figures
from livermets.report.figures.confusion import draw_confusion
from livermets.report.figures.curves import GRID, calibration, net_benefit, panels, roc, roc_band
from livermets.report.figures.lesions import WIDTH, _blocks, draw_lesion_map
from livermets.report.figures.style import class_colours
from livermets.report.flow_diagram import draw_flow, flow_steps
from livermets.study.arms import Arm
from livermets.study.outputs import figure_names
from sklearn.calibration import calibration_curve
from sklearn.metrics import roc_auc_score, roc_curve

COHORT = make_cohort(14)
SPLITS = make_splits(COHORT)
PREDICTIONS = make_predictions(COHORT, SPLITS, ["knn"])
SCHEMES = ["holdout", "cv"]
CONFUSION = confusion(PREDICTIONS, CLASSES, POSITIVE, draws=20)


@pytest.fixture(scope="module")
def metrics() -> pd.DataFrame:
    return evaluate(PREDICTIONS, CLASSES, POSITIVE, draws=20)


@pytest.fixture(scope="module")
def slices(tmp_path_factory) -> list:
    paths = write_slices(tmp_path_factory.mktemp("slices"), COHORT)
    paths[0].write_bytes(b"")  # what an excluded patient leaves
    return paths


def draw(folder, metrics, **options) -> list:
    given = {"schemes": SCHEMES, "classes": CLASSES, "positive": POSITIVE, "seed": 1}
    given |= {"predictions": PREDICTIONS, "metrics": metrics, "cohort": COHORT, "splits": SPLITS}
    given |= {"confusion": CONFUSION}
    return draw_figures(folder, **given | options)


def test_every_promised_figure_is_written_and_two_runs_give_the_same_bytes(
    tmp_path, metrics, slices
):
    first = draw(tmp_path / "one", metrics, slices=slices)
    again = draw(tmp_path / "two", metrics, slices=slices)
    assert [path.name for path in first] == figure_names(SCHEMES, images=True)
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == sorted(
        path.name for path in first
    )
    for one, two in zip(first, again, strict=True):
        assert one.read_bytes() == two.read_bytes(), one.name
        if one.suffix == ".svg":
            ET.parse(one)
            assert "<dc:date>" not in one.read_text()


def test_a_scheme_without_predictions_says_so(tmp_path, metrics):
    holdout = PREDICTIONS[PREDICTIONS["split"] == "holdout"]
    paths = draw(tmp_path, metrics, predictions=holdout)
    assert all(path.stat().st_size for path in paths)
    assert not (tmp_path / "examples.png").exists()


def test_a_curve_is_scikit_learns_roc_curve():
    one = with_scheme(PREDICTIONS.query("arm == 'knn-none' and split == 'holdout'"))
    fpr, tpr, _ = roc_curve(one["label"] == POSITIVE, one["score"], drop_intermediate=False)
    np.testing.assert_allclose(roc(one, POSITIVE), np.interp(GRID, fpr, tpr))


def test_the_band_holds_the_curve_and_stays_between_0_and_1():
    rows = with_scheme(PREDICTIONS.query("arm == 'knn-smote' and split.str.startswith('cv')"))
    low, high = roc_band(rows, POSITIVE, 200, 1)
    middle = slice(20, 180)
    curve = roc(rows, POSITIVE)
    assert min(low) >= 0
    assert max(high) <= 1
    assert ((low <= curve + 1e-9) & (curve <= high + 1e-9))[middle].mean() > 0.95
    area = np.trapezoid(curve, GRID)
    repeats = [rows[rows["repeat"] == repeat] for repeat in (1, 2)]
    auc = np.mean([roc_auc_score(r["label"] == POSITIVE, r["score"]) for r in repeats])
    assert area == pytest.approx(auc, abs=0.02)


def test_calibration_points_are_those_of_scikit_learn_and_equal_scores_stay_together():
    rng = np.random.default_rng(1)
    score = rng.random(100)
    truth = rng.random(100) < score
    share, mean = calibration_curve(truth, score, n_bins=10, strategy="quantile")
    np.testing.assert_allclose(calibration(score, truth), [mean, share])
    two = np.repeat([0.2, 0.7], 50)
    np.testing.assert_allclose(
        calibration(two, truth), [[0.2, 0.7], [truth[:50].mean(), truth[50:].mean()]]
    )
    np.testing.assert_allclose(
        calibration(np.full(100, 0.4), truth), [[0.4], [truth.mean()]]
    )  # what the majority baseline draws


def test_the_decision_curve_is_the_net_benefit_of_the_tables():
    rng = np.random.default_rng(2)
    score, truth = rng.random(60), rng.random(60) < 0.3
    thresholds = np.array([0.05, 0.3, 0.5, 0.9])
    rows, once = ScoredRows(truth, score, np.arange(60), np.ones(60)), np.ones((1, 60))
    expected = [measure(rows, once, limit)["net_benefit"][0] for limit in thresholds]
    np.testing.assert_allclose(net_benefit(score, truth, thresholds), expected)
    everyone = net_benefit(np.ones(60), truth, thresholds)  # and by hand, with all called
    share = truth.mean()
    np.testing.assert_allclose(everyone, share - (1 - share) * thresholds / (1 - thresholds))


def test_panels_hold_one_model_each_and_the_baselines_together():
    found = panels(["baseline_volume", "densenet121", "knn-smote", "knn-none", "mine"])
    assert found == [
        ("K-nearest neighbours", ["knn-none", "knn-smote"]),
        ("DenseNet-121", ["densenet121"]),
        ("mine", ["mine"]),
        ("Baselines", ["baseline_volume"]),
    ]


def test_arms_are_named_for_people():
    assert Arm.parse("kernel_svm-smote") == Arm("kernel_svm", "smote")
    assert Arm.parse("my-own-model") == Arm("my-own-model")
    assert Arm.parse("xgboost-none").title == "XGBoost"
    assert Arm.parse("xgboost-undersample").title == "XGBoost, undersampling"
    assert Arm.parse("my-own-model").family == "other"


def test_the_lesion_map_wraps_many_lesions_without_splitting_a_patient():
    keys = [("a", f"P{p}") for p in range(78) for _ in range(17)]
    blocks = _blocks(keys)
    assert [start for start, _ in blocks[1:]] == [stop for _, stop in blocks[:-1]]
    assert blocks[0][0] == 0
    assert blocks[-1][1] == len(keys)
    assert all(stop - start <= WIDTH for start, stop in blocks)
    assert all(keys[stop - 1] != keys[stop] for _, stop in blocks[:-1])
    assert _blocks([("a", "P1")] * (WIDTH + 50)) == [(0, WIDTH + 50)]


def test_the_lesion_map_takes_unscored_lesions(tmp_path):
    table = with_scheme(PREDICTIONS[PREDICTIONS["split"] == "holdout"])
    first = table["patient"].iloc[0]
    part = table[(table["arm"] != "densenet121") | (table["patient"] != first)]
    path = draw_lesion_map(part, CLASSES, POSITIVE, 0.5, tmp_path / "map.svg")
    assert path.stat().st_size


def test_confusion_matrices_of_many_arms_fit_a_page(tmp_path):
    one = CONFUSION[CONFUSION["scheme"] == "cv"]
    many = pd.concat([one[one["arm"] == "knn-none"].assign(arm=f"arm{i}") for i in range(40)])
    ET.parse(draw_confusion(many, CLASSES, tmp_path / "confusion.svg"))


def test_classes_have_different_colours():
    colours = class_colours(["a", "b", "c", "d"], "c")
    assert len(set(colours.values())) == 4


def test_the_flow_counts_every_patient_and_lesion():
    steps, schemes = flow_steps(COHORT, SPLITS, CLASSES)
    sheet, masks, kept = steps
    assert sheet.title == "Cohort sheet: 16 patients"
    assert sheet.out_title == "Excluded: 2 patients"
    assert "1 at the import of the CT:" in sheet.out
    used = COHORT[COHORT["included"]]
    assert kept.title == f"Analysed: 14 patients, {used['n_lesions'].sum():.0f} lesions"
    assert f"{used['n_components'].sum():.0f} lesions found" in masks.lines
    assert masks.out_title == f"Dropped: {used['n_dropped'].sum():.0f} lesions"
    assert [scheme.title for scheme in schemes] == [
        "Hold-out",
        "Cross-validation: 5 folds, 2 repeats",
    ]
    assert any(line.startswith("test: 8 patients") for line in schemes[0].lines)


def test_a_patient_without_a_lesion_leaves_the_flow_after_the_lesions():
    cohort = COHORT.copy()
    cohort.loc[0, ["included", "stage", "reason", "n_lesions"]] = [False, "lesions", "none", 0]
    steps, _ = flow_steps(cohort, SPLITS, CLASSES)
    assert steps[0].out_title == "Excluded: 2 patients"
    assert "1 patient without a lesion to classify" in steps[1].out


def test_the_flow_of_a_feature_table_has_no_images(tmp_path):
    cohort = COHORT[COHORT["included"]][["patient", "label", "included"]]
    cohort = cohort.assign(stage="", reason="", n_lesions=3)
    steps, _ = flow_steps(cohort, SPLITS, CLASSES, from_features=True)
    assert [step.title for step in steps] == [
        "Feature table: 14 patients",
        "Analysed: 14 patients, 42 lesions",
    ]
    path = draw_flow(
        tmp_path / "flow.svg", cohort=cohort, splits=SPLITS, classes=CLASSES, from_features=True
    )
    ET.parse(path)


def test_the_flow_escapes_what_a_person_wrote(tmp_path):
    path = draw_flow(tmp_path / "flow.svg", cohort=COHORT, splits=SPLITS, classes=CLASSES)
    assert "&lt;b&gt;&amp;" in path.read_text()
    ET.parse(path)
