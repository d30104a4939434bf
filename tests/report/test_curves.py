"""ROC, calibration and decision curves: the numbers that they draw."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers.classes import CLASSES, POSITIVE
from livermets.evaluation.intervals import MIN_EFFECTIVE_PATIENTS
from livermets.evaluation.metrics import auc, measure
from livermets.evaluation.scored_arms import ScoredArm, arm_tables, scored_arms
from livermets.predictions.predictions_table import with_scheme
from livermets.report.figures.bands import (
    cross_validation_widening,
    no_band_reason,
    share_band,
)
from livermets.report.figures.calibration_points import (
    calibration_band,
    calibration_curve,
    score_grid,
    smooth_shares,
)
from livermets.report.figures.decision_points import (
    THRESHOLDS,
    class_prevalences,
    decision_band,
    decision_curve,
    net_benefit,
)
from livermets.report.figures.panels import panels
from livermets.report.figures.roc_points import FPR_GRID, roc_band, roc_curve
from livermets.study.arms import Arm
from scipy.stats import binomtest, norm
from sklearn import metrics as sk
from statsmodels.nonparametric.smoothers_lowess import lowess


def scored_arm(table: pd.DataFrame, level: str = "patient") -> ScoredArm:
    """What one arm of a scheme scored at a level."""
    tables = arm_tables(table, CLASSES, POSITIVE)
    (scored,) = (each for each in scored_arms(tables, CLASSES, POSITIVE) if each.level == level)
    return scored


def patients_of(score, positive, split="holdout") -> pd.DataFrame:
    """Predictions of patients with one lesion each."""
    names = [f"P{i:03d}" for i in range(len(score))]
    label = np.where(positive, POSITIVE, CLASSES[0])
    columns = {"arm": "mine", "split": split, "patient": names, "lesion": 1}
    return pd.DataFrame(columns | {"label": label, "score": score})


@pytest.fixture(params=["patient", "lesion"], ids=["by-patient", "by-lesion"])
def cross_validated(study, request) -> ScoredArm:
    """An arm in two repeats of five folds, with many equal scores."""
    predictions = study.predictions
    rows = predictions[(predictions["arm"] == "knn-none") & predictions["split"].str.match("cv")]
    return scored_arm(rows.assign(score=rows["score"].round(1)), request.param)


def test_the_curve_of_one_split_is_scikit_learns(study):
    one = study.predictions.query("arm == 'knn-none' and split == 'holdout'")
    curve = roc_curve(scored_arm(one, "lesion"), POSITIVE)
    fpr, tpr, _ = sk.roc_curve(one["label"] == POSITIVE, one["score"], drop_intermediate=False)
    middles = np.linspace(0.001, 0.999, 500)  # off the steps, where a curve has two heights
    np.testing.assert_allclose(curve.steps(middles)[0], np.interp(middles, fpr, tpr), atol=1e-12)


def test_the_area_of_the_averaged_curve_is_the_auc_of_the_tables(cross_validated):
    curve = roc_curve(cross_validated, POSITIVE)
    assert curve.area == pytest.approx(cross_validated.auc()[0], abs=1e-12)
    assert (np.diff(curve.sensitivity) >= -1e-12).all()
    assert (curve.false_positive_rate[[0, -1]] == [0, 1]).all()


def test_the_curve_is_the_pair_weighted_mean_of_the_folds_curves_of_scikit_learn(study):
    predictions = with_scheme(study.predictions)
    rows = predictions[(predictions["arm"] == "knn-smote") & (predictions["scheme"] == "cv")]
    middles = np.linspace(0.0007, 0.9993, 300)
    means = []
    for _, repeat in rows.groupby("repeat"):
        heights, pairs = [], []
        for _, fold in repeat.groupby("split"):
            truth = fold["label"] == POSITIVE
            fpr, tpr, _ = sk.roc_curve(truth, fold["score"], drop_intermediate=False)
            heights.append(np.interp(middles, fpr, tpr))
            pairs.append(truth.sum() * (~truth).sum())
        means.append(np.average(heights, axis=0, weights=pairs))
    curve = roc_curve(scored_arm(rows, "lesion"), POSITIVE)
    np.testing.assert_allclose(curve.steps(middles)[0], np.mean(means, axis=0), atol=1e-12)


def test_a_scheme_whose_folds_have_one_class_each_has_no_roc_curve():
    table = patients_of([0.1, 0.2, 0.8, 0.9], [False, False, True, True])
    table["split"] = ["cv1-fold1", "cv1-fold1", "cv1-fold2", "cv1-fold2"]
    assert roc_curve(scored_arm(table), POSITIVE) is None


def test_the_roc_band_holds_the_curve_and_stays_between_0_and_1(cross_validated):
    band = roc_band(cross_validated, POSITIVE, seed=1)
    height = roc_curve(cross_validated, POSITIVE).steps(FPR_GRID)[1]
    assert (band.low <= height + 1e-12).all()
    assert (height <= band.high + 1e-12).all()
    assert min(band.low) >= 0
    assert max(band.high) <= 1
    assert (np.diff(band.low) >= -1e-12).all()
    assert (np.diff(band.high) >= -1e-12).all()


def test_a_perfect_arm_has_the_score_interval_of_its_patients_as_band():
    positive = np.arange(16) % 2 == 1
    band = roc_band(scored_arm(patients_of(positive * 0.8 + 0.1, positive)), POSITIVE, seed=1)
    wilson = binomtest(8, 8).proportion_ci(0.95, "wilson")
    assert band.high == pytest.approx(1)
    assert (band.low < wilson.low).all()  # t of 7 degrees of freedom is larger than the normal 1.96
    assert (band.low > 0.5).all()


def test_a_band_of_independent_patients_is_wilsons_interval():
    share, number = np.array([0.0, 0.2, 0.5, 0.9, 1.0]), 400
    draws = np.random.default_rng(1).binomial(number, share, (20_000, 5)) / number
    band = share_band(share, draws, number)
    for i, value in enumerate(share):
        wilson = binomtest(round(value * number), number).proportion_ci(0.95, "wilson")
        assert (band.low[i], band.high[i]) == pytest.approx((wilson.low, wilson.high), abs=0.001)


def test_the_band_of_few_patients_holds_the_true_curve_where_percentiles_of_draws_would_not():
    """16 patients with binormal scores at an AUC of 0.92, and their true sensitivity."""
    at, gain, studies = [20, 60, 100, 160], 2.0, 20  # places on the grid: 0.1, 0.3, 0.5, 0.8
    truth = norm.cdf(gain - norm.ppf(1 - FPR_GRID[at]))
    positive = np.arange(16) % 2 == 1
    held = []
    for seed in range(studies):
        score = norm.cdf(np.random.default_rng(seed).normal(size=16) + gain * positive)
        band = roc_band(scored_arm(patients_of(score, positive)), POSITIVE, seed)
        held.append((band.low[at] <= truth) & (truth <= band.high[at]))
    assert np.mean(held) > 0.9


def test_a_band_is_wider_where_tested_patients_have_trained_other_folds(cross_validated):
    one_split = replace(cross_validated, table=cross_validated.table.assign(split="holdout"))
    assert cross_validation_widening(one_split, POSITIVE) == 1
    widening = cross_validation_widening(cross_validated, POSITIVE)
    assert 1 < widening < np.sqrt(2)
    same = cross_validated.table.assign(score=0.5)  # nothing learned, so all is noise
    nothing = cross_validation_widening(scored_arm(same, cross_validated.level), POSITIVE)
    assert nothing == pytest.approx(np.sqrt(2))
    share, draws = np.array([0.6]), np.random.default_rng(1).normal(0.6, 0.1, (200, 1))
    narrow, wide = share_band(share, draws, 30), share_band(share, draws, 30, widening)
    assert wide.low < narrow.low
    assert wide.high > narrow.high


def test_too_few_patients_of_a_class_have_no_band():
    least = int(MIN_EFFECTIVE_PATIENTS)
    score = np.linspace(0, 1, 12)
    few = scored_arm(patients_of(score, np.arange(12) < least - 1))
    enough = scored_arm(patients_of(score, np.arange(12) < least))
    assert no_band_reason(few, POSITIVE) == "no band: too few patients"
    assert no_band_reason(enough, POSITIVE) == ""


def test_the_calibration_curve_is_lowess():
    rng = np.random.default_rng(1)
    score = rng.random(200)
    positive = rng.random(200) < score**2
    scored = scored_arm(patients_of(score, positive))
    grid, share = calibration_curve(scored, POSITIVE)
    expected = lowess(positive.astype(float), score, frac=2 / 3, it=0, xvals=grid)
    np.testing.assert_allclose(share, expected.clip(0, 1), atol=1e-3)  # lowess rounds far weights
    assert (grid[0], grid[-1]) == pytest.approx((score.min(), score.max()))


def test_a_draw_with_a_patient_twice_is_the_curve_of_a_table_with_that_patient_twice():
    rng = np.random.default_rng(3)
    score, positive = rng.random(40), rng.random(40) < 0.5
    rows = [scored_arm(patients_of(score, positive)).repeats[0].rows[POSITIVE]]
    grid, counts = score_grid(rows), rng.integers(0, 3, (5, 40)).astype(float)
    # neighbourhoods are those of all patients, so weighted least squares by hand
    width = [np.sort(np.abs(score - at))[25] for at in grid]
    drawn = smooth_shares(rows, grid, counts)
    for count, curve in zip(counts, drawn, strict=True):
        for at, near, value in list(zip(grid, width, curve, strict=True))[::10]:
            weight = count * (1 - np.minimum(np.abs(score - at) / near, 1) ** 3) ** 3
            line = np.polyfit(score - at, positive, 1, w=np.sqrt(weight))
            assert value == pytest.approx(np.clip(line[1], 0, 1), abs=1e-6)


def test_equal_scores_are_one_point_at_the_share_of_positives():
    scored = scored_arm(patients_of(np.full(20, 0.4), np.arange(20) < 6))
    grid, share = calibration_curve(scored, POSITIVE)
    assert grid.tolist() == [0.4]
    assert share == pytest.approx([0.3])
    band = calibration_band(scored, POSITIVE, seed=1)
    assert band.low < 0.3 < band.high


@pytest.mark.filterwarnings("error")
def test_between_two_scores_the_curve_has_a_gap_and_no_warning():
    """A decision tree that is always certain: half the scores 0, half 1."""
    score = np.repeat([0.0, 1.0], 10)
    scored = scored_arm(patients_of(score, np.arange(20) % 5 > 1))
    grid, share = calibration_curve(scored, POSITIVE)
    band = calibration_band(scored, POSITIVE, seed=1)
    for line in (share, band.low, band.high):
        assert grid[np.isnan(line)] == pytest.approx([0.5])
    assert share[grid != 0.5] == pytest.approx(np.full(100, 0.6))


def test_without_a_target_the_decision_curve_is_the_net_benefit_of_the_tables():
    rng = np.random.default_rng(2)
    score, positive = rng.random(60), rng.random(60) < 0.3
    scored = scored_arm(patients_of(score, positive))
    curve = decision_curve(scored, POSITIVE, positive.mean())
    rows, once = scored.repeats[0].rows[POSITIVE], np.ones((1, 60))
    expected = [measure(rows, once, limit)["net_benefit"][0] for limit in THRESHOLDS]
    np.testing.assert_allclose(curve, expected, atol=1e-12)


def test_the_net_benefit_at_a_target_prevalence_is_that_of_a_cohort_with_this_mix():
    rng = np.random.default_rng(2)
    score, positive = rng.random(60).round(2), np.arange(60) < 30
    curve = decision_curve(scored_arm(patients_of(score, positive)), POSITIVE, 0.2)
    # four times as many negative patients: 30 positive of 150
    score, positive = np.r_[score, np.tile(score[30:], 3)], np.r_[positive, np.zeros(90, bool)]
    mixed = decision_curve(scored_arm(patients_of(score, positive)), POSITIVE, positive.mean())
    np.testing.assert_allclose(curve, mixed, atol=1e-12)


def test_repeats_of_a_decision_curve_are_averaged_and_folds_pooled(study):
    predictions = with_scheme(study.predictions)
    rows = predictions[(predictions["arm"] == "knn-smote") & (predictions["scheme"] == "cv")]
    curve = decision_curve(scored_arm(rows), POSITIVE, 0.5)
    limit = 39  # the threshold 0.4
    parts = []
    for _, repeat in rows.groupby("repeat"):
        patients = repeat.groupby("patient").agg({"label": "first", "score": "mean"})
        truth, called = patients["label"] == POSITIVE, patients["score"] >= 0.4
        parts.append(0.5 * called[truth].mean() - 0.5 * called[~truth].mean() * 0.4 / 0.6)
    assert THRESHOLDS[limit] == pytest.approx(0.4, abs=1e-12)
    assert curve[limit] == pytest.approx(np.mean(parts))


def test_the_decision_band_holds_the_curve_and_ends_at_the_prevalence(cross_validated):
    curve = decision_curve(cross_validated, POSITIVE, 0.3)
    band = decision_band(cross_validated, POSITIVE, 0.3, seed=1)
    assert (band.low <= curve + 1e-12).all()
    assert (curve <= band.high + 1e-12).all()
    assert max(band.high) <= 0.3 + 0.02


def test_calling_all_positive_has_the_net_benefit_of_the_prevalence_less_its_false_positives():
    everyone = np.ones(99)
    odds = THRESHOLDS / (1 - THRESHOLDS)
    np.testing.assert_allclose(net_benefit(everyone, 0 * everyone, 0.2), 0.2 - 0.8 * odds)


def test_prevalences_are_those_of_the_cohort_or_the_target_with_the_others_in_proportion():
    labels = pd.Series(["a"] * 5 + ["b"] * 3 + ["c"] * 2)
    assert class_prevalences(labels, ["a", "b", "c"], "a", None) == {"a": 0.5, "b": 0.3, "c": 0.2}
    target = class_prevalences(labels, ["a", "b", "c"], "a", 0.1)
    assert target == pytest.approx({"a": 0.1, "b": 0.54, "c": 0.36})


def test_the_auc_of_an_averaged_curve_is_not_that_of_pooled_folds():
    """Two folds whose scores lie at other heights: each ranks its own patients perfectly."""
    table = patients_of([0.1, 0.2, 0.6, 0.7, 0.8, 0.9], [False, True, False, True, False, True])
    table["split"] = np.repeat(["cv1-fold1", "cv1-fold2", "cv1-fold3"], 2)
    scored = scored_arm(table)
    assert roc_curve(scored, POSITIVE).area == 1
    rows = replace(scored.repeats[0].rows[POSITIVE], fold=None)
    assert auc(rows, np.ones((1, 6)))[0] < 1


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
