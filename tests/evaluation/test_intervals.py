"""Score intervals against known ones, at the ceiling, of differences; and how often they cover."""

import math

import numpy as np
import pandas as pd
import pytest
from livermets.evaluation.evaluate import evaluate
from livermets.evaluation.expected_variance import auc_variance, noise_share, share_variance
from livermets.evaluation.intervals import Difference, Interval
from livermets.evaluation.jackknife import Estimate, PatientSample, delete_one_counts, jackknife
from livermets.evaluation.metrics import auc
from livermets.evaluation.scored_rows import ScoredRows
from scipy.special import expit
from scipy.stats import norm
from scipy.stats import t as student
from statsmodels.stats.proportion import proportion_confint

CLASSES, POSITIVE = ["colorectal", "pancreatic"], "pancreatic"


def share(successes: int, patients: int) -> Interval:
    """The interval of a share of so many patients, as the jackknife sees it."""
    values = np.r_[np.ones(successes), np.zeros(patients - successes)]
    without = (values.sum() - values) / (patients - 1)
    label = PatientSample(np.full(patients, "a"), np.ones(patients))
    estimate = jackknife(np.r_[values.mean(), without], label)
    return Interval(estimate, share_variance(patients), fallback_freedom=patients - 1)


def test_the_interval_of_a_share_of_many_patients_is_wilsons():
    for successes in (100, 400, 780):
        low, high = share(successes, 800).bounds()
        expected = proportion_confint(successes, 800, method="wilson")
        assert (low, high) == pytest.approx(expected, abs=1e-3)


def test_without_an_error_the_interval_is_wilsons_with_students_quantile():
    low, high = share(12, 12).bounds()
    t = student.isf(0.025, 11)
    assert high == 1
    assert low == pytest.approx(1 / (1 + t**2 / 12), abs=1e-6)


def area(positive: int, negative: int, errors: int = 0) -> Interval:
    """The interval of the AUC of separated classes, but for positive patients below all others."""
    truth = np.arange(positive + negative) < positive
    score = truth.astype(float)
    score[:errors] = -1
    rows = ScoredRows(truth, score, np.arange(len(truth)), np.ones(len(truth)))
    label = PatientSample(np.where(truth, "b", "a"), np.ones(len(truth)))
    estimate = jackknife(auc(rows, delete_one_counts(len(truth))), label)
    smaller = min(positive, negative)
    return Interval(estimate, auc_variance(positive, negative), fallback_freedom=smaller - 1)


@pytest.mark.parametrize("patients", [4, 10, 40])
def test_a_perfect_auc_has_a_lower_bound_that_rises_with_the_patients(patients):
    low, high = area(patients, patients).bounds()
    assert high == 1
    t, variance = student.isf(0.025, patients - 1), auc_variance(patients, patients)
    assert (1 - low) ** 2 == pytest.approx(t**2 * variance(low), rel=1e-5)
    assert low < area(2 * patients, 2 * patients).bounds().low


def test_one_error_among_many_patients_lowers_the_upper_bound_hardly():
    low, high = area(30, 30, errors=1).bounds()
    assert 0.6 < low < 29 / 30 < high <= 1


def test_an_interval_never_leaves_the_range_of_its_metric():
    for errors in range(5):
        low, high = area(4, 4, errors).bounds()
        assert 0 <= low <= 1 - errors / 4 <= high <= 1


def test_a_score_that_is_the_same_for_all_patients_is_certain_to_have_an_auc_of_one_half():
    estimate = Estimate(0.5, np.zeros(20), 0.0)
    assert Interval(estimate, auc_variance(10, 10)).bounds() == (0.5, 0.5)


def test_without_information_all_is_noise_and_more_patients_leave_less_of_it():
    assert noise_share(0.5, 30, 40) == noise_share(0.3, 30, 40) == 1
    shares = [noise_share(value, 30, 40) for value in (0.55, 0.7, 0.85, 0.95)]
    assert shares == sorted(shares, reverse=True)
    assert noise_share(0.7, 300, 400) < noise_share(0.7, 30, 40)


def test_the_variance_in_a_cross_validation_of_noise_is_twice_that_of_a_hold_out():
    """The known value of a degenerate U-statistic, by simulation with the nearest centroid."""
    rng = np.random.default_rng(0)
    patients, folds = 60, 5
    truth = np.arange(patients) % 2 == 1
    fold = (np.arange(patients) // 2) % folds
    areas, variances = [], []
    label = PatientSample(np.where(truth, "b", "a"), np.ones(patients))
    for _ in range(600):
        x = rng.normal(size=patients)
        score = np.empty(patients)
        for held_out in range(folds):
            train = fold != held_out
            direction = x[train & truth].mean() - x[train & ~truth].mean()
            score[~train] = direction * x[~train]
        rows = ScoredRows(truth, score, np.arange(patients), np.ones(patients), fold=fold)
        estimate = jackknife(auc(rows, delete_one_counts(patients)), label)
        areas.append(estimate.value)
        variances.append(estimate.variance)
    assert np.mean(areas) == pytest.approx(0.5, abs=0.02)
    assert np.var(areas) / np.mean(variances) == pytest.approx(2, abs=0.35)


def paired(first: np.ndarray, second: np.ndarray, truth: np.ndarray) -> Difference:
    label = PatientSample(np.where(truth, "b", "a"), np.ones(len(truth)))
    n = float(truth.sum()), float((~truth).sum())
    intervals = []
    for score in (first, second):
        rows = ScoredRows(truth, score, np.arange(len(truth)), np.ones(len(truth)))
        estimate = jackknife(auc(rows, delete_one_counts(len(truth))), label)
        intervals.append(Interval(estimate, auc_variance(*n), fallback_freedom=min(n) - 1))
    return Difference(*intervals)


def test_a_p_value_is_below_5_percent_exactly_where_the_interval_leaves_out_zero():
    rng = np.random.default_rng(4)
    truth = np.arange(40) < 18
    sides = set()
    for _ in range(60):
        noise = rng.normal(size=(2, 40))
        difference = paired(noise[0] + 1.2 * truth, noise[1] + 0.3 * truth, truth)
        low, high = difference.bounds()
        outside = low > 0 or high < 0
        assert (difference.p_value() < 0.05) == outside
        sides.add(outside)
    assert sides == {True, False}


def test_the_p_value_of_many_patients_is_delongs():
    rng = np.random.default_rng(5)
    truth = np.arange(1000) < 400
    shared = rng.normal(size=1000)
    first, second = (shared + rng.normal(size=1000) + gain * truth for gain in (1.0, 0.85))
    difference = paired(first, second, truth)
    a, b = difference.first.estimate, difference.second.estimate
    z = (a.value - b.value) / math.sqrt(((a.deviation - b.deviation) ** 2).sum())
    assert difference.p_value() == pytest.approx(2 * norm.sf(abs(z)), rel=0.15)


def test_a_perfect_arm_differs_from_a_constant_one_with_an_interval_and_a_p_value():
    truth = np.arange(16) < 8
    difference = paired(truth.astype(float), np.zeros(16), truth)
    low, high = difference.bounds()
    assert difference.value == pytest.approx(0.5)
    assert 0 < low < 0.5 <= high
    assert 0 < difference.p_value() < 0.05


def test_two_perfect_arms_of_eight_patients_are_not_known_to_be_equal():
    truth = np.arange(8) < 4
    difference = paired(truth + 0.1, truth * 2.0, truth)
    low, high = difference.bounds()
    assert low < -0.2 < 0.2 < high
    assert difference.p_value() == 1


def test_an_arm_and_its_copy_have_nothing_to_compare():
    truth = np.arange(12) < 6
    score = np.random.default_rng(6).normal(size=12)
    difference = paired(score, score * 2, truth)
    assert difference.alike
    assert math.isnan(difference.bounds().low)
    assert math.isnan(difference.p_value())


def study(patients: int, seed: int, shift: float, positives: int | None = None) -> pd.DataFrame:
    """One arm's hold-out: lesions share half of their noise with their patient."""
    rng = np.random.default_rng(seed)
    lesions = rng.integers(1, 15, patients)
    patient = np.repeat(np.arange(patients), lesions)
    truth = np.arange(patients) < (positives or patients // 2)
    noise = rng.normal(size=patients)[patient] + rng.normal(size=len(patient))
    return pd.DataFrame(
        {
            "arm": "arm",
            "split": "holdout",
            "patient": np.char.mod("P%03d", patient),
            "lesion": np.concatenate([np.arange(1, n + 1) for n in lesions]),
            "label": np.where(truth[patient], POSITIVE, CLASSES[0]),
            "score": expit(noise + shift * truth[patient]),
        }
    )


def test_one_positive_patient_beside_fifteen_others_gives_no_interval_and_says_why():
    table = evaluate(study(16, 1, 1.0, positives=1), CLASSES, POSITIVE)
    auc_rows = table[table["metric"] == "auc"]
    assert auc_rows[["low", "high"]].isna().all(axis=None)
    assert auc_rows["value"].notna().all()
    reason = "class pancreatic has 1 tested patient, who tells"
    assert auc_rows["no_interval"].str.contains(reason).all()
    specificity = table[(table["metric"] == "specificity") & (table["level"] == "patient")]
    assert specificity["low"].notna().all()  # of the fifteen alone


def test_net_benefit_has_an_interval_only_with_thirty_patients():
    for patients, printed in ((24, False), (40, True)):
        table = evaluate(study(patients, 1, 1.0), CLASSES, POSITIVE)
        rows = table[table["metric"] == "net_benefit"]
        assert (rows["low"].notna() == printed).all()
        assert (rows["no_interval"].str.contains("needs 30 tested patients") != printed).all()


def test_the_interval_of_the_calibration_intercept_lets_the_share_of_the_classes_vary():
    """Of a constant score it is that of the share's logit, whose standard error is known."""
    table = study(200, 1, 0.0, positives=80).drop_duplicates("patient").assign(score=0.5)
    row = evaluate(table, CLASSES, POSITIVE).query(
        "metric == 'calibration_intercept' and level == 'patient'"
    )
    error = np.sqrt(1 / (200 * 0.4 * 0.6))
    assert row["value"].item() == pytest.approx(np.log(0.4 / 0.6))
    width = row["high"].item() - row["low"].item()
    assert width == pytest.approx(2 * student.isf(0.025, 199) * error, rel=0.02)


@pytest.mark.parametrize("patients", [8, 24])
def test_intervals_of_few_patients_hold_the_truth(patients):
    """120 studies: the share has a standard error of 2 %. `make bench-coverage` has all cells."""
    truth = norm.cdf(1.0)  # by lesion: shift 2, the noise of a pair has the variance 4
    held = []
    for seed in range(120):
        table = evaluate(study(patients, seed, 2.0), CLASSES, POSITIVE)
        row = table[(table["metric"] == "auc") & (table["level"] == "lesion")].iloc[0]
        if np.isfinite(row["low"]):
            held.append(row["low"] <= truth <= row["high"])
    assert len(held) > 60
    assert np.mean(held) > 0.9
