"""ROC, calibration and decision curves: the numbers that they draw."""

import numpy as np
import pytest
from helpers.classes import POSITIVE
from livermets.evaluation.metrics import measure
from livermets.evaluation.scored_rows import ScoredRows
from livermets.predictions.predictions_table import with_scheme
from livermets.report.figures.curve_points import (
    FPR_GRID,
    calibration_points,
    mean_roc_curve,
    net_benefit_curve,
    roc_band,
)
from livermets.report.figures.curves import panels
from livermets.study.arms import Arm
from sklearn.calibration import calibration_curve
from sklearn.metrics import roc_auc_score, roc_curve


def test_a_curve_is_scikit_learns_roc_curve(study):
    one = with_scheme(study.predictions.query("arm == 'knn-none' and split == 'holdout'"))
    fpr, tpr, _ = roc_curve(one["label"] == POSITIVE, one["score"], drop_intermediate=False)
    np.testing.assert_allclose(mean_roc_curve(one, POSITIVE), np.interp(FPR_GRID, fpr, tpr))


def test_the_band_holds_the_curve_and_stays_between_0_and_1(study):
    rows = with_scheme(study.predictions.query("arm == 'knn-smote' and split.str.startswith('cv')"))
    low, high = roc_band(rows, POSITIVE, 200, 1)
    middle = slice(20, 180)
    curve = mean_roc_curve(rows, POSITIVE)
    assert min(low) >= 0
    assert max(high) <= 1
    assert ((low <= curve + 1e-9) & (curve <= high + 1e-9))[middle].mean() > 0.95
    area = np.trapezoid(curve, FPR_GRID)
    repeats = [rows[rows["repeat"] == repeat] for repeat in (1, 2)]
    auc = np.mean([roc_auc_score(r["label"] == POSITIVE, r["score"]) for r in repeats])
    assert area == pytest.approx(auc, abs=0.02)


def test_calibration_points_are_those_of_scikit_learn_and_equal_scores_stay_together():
    rng = np.random.default_rng(1)
    score = rng.random(100)
    truth = rng.random(100) < score
    share, mean = calibration_curve(truth, score, n_bins=10, strategy="quantile")
    np.testing.assert_allclose(calibration_points(score, truth), [mean, share])
    two = np.repeat([0.2, 0.7], 50)
    np.testing.assert_allclose(
        calibration_points(two, truth), [[0.2, 0.7], [truth[:50].mean(), truth[50:].mean()]]
    )
    np.testing.assert_allclose(
        calibration_points(np.full(100, 0.4), truth), [[0.4], [truth.mean()]]
    )  # what the majority baseline draws


def test_the_decision_curve_is_the_net_benefit_of_the_tables():
    rng = np.random.default_rng(2)
    score, truth = rng.random(60), rng.random(60) < 0.3
    thresholds = np.array([0.05, 0.3, 0.5, 0.9])
    rows, once = ScoredRows(truth, score, np.arange(60), np.ones(60)), np.ones((1, 60))
    expected = [measure(rows, once, limit)["net_benefit"][0] for limit in thresholds]
    np.testing.assert_allclose(net_benefit_curve(score, truth, thresholds), expected)
    everyone = net_benefit_curve(np.ones(60), truth, thresholds)  # and by hand, with all called
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
