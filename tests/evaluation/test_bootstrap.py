"""Draws over patients, intervals in range, and the coverage that makes them worth printing."""

import numpy as np
import pytest
from livermets.evaluation.bootstrap import (
    SampleSize,
    draw_patients,
    effective_sample_size,
    holm,
    interval,
    quantiles,
    two_sided_p,
)
from livermets.evaluation.metrics import METRICS, auc, measure, threshold_metrics
from livermets.evaluation.scored_rows import ScoredRows
from scipy.stats import binomtest, norm
from scipy.stats import t as student


def test_each_draw_keeps_the_number_of_patients_of_each_class():
    strata = np.array(["a"] * 5 + ["b"] * 3)
    counts = draw_patients(strata, 500, seed=1)
    assert counts.shape == (501, 8)
    assert (counts[:, :5].sum(1) == 5).all()
    assert (counts[:, 5:].sum(1) == 3).all()
    assert (counts[0] == 1).all()
    np.testing.assert_allclose(counts[1:].mean(0), 1, atol=0.15)


def test_the_same_seed_draws_the_same_patients_and_another_does_not():
    strata = np.arange(20) % 2
    first, again, other = (draw_patients(strata, 50, seed) for seed in (7, 7, 8))
    assert (first == again).all()
    assert (first != other).any()


def test_an_interval_ignores_undefined_draws_and_counts_them():
    values = np.r_[np.linspace(0, 1, 1001), [np.nan] * 10]
    assert interval(values) == pytest.approx((0.025, 0.975, 10))


def test_too_many_undefined_draws_give_no_interval():
    low, high, undefined = interval(np.r_[np.ones(80), [np.nan] * 20])
    assert np.isnan(low)
    assert np.isnan(high)
    assert undefined == 20
    assert np.isnan(interval(np.full(5, np.nan))[0])


def test_intervals_near_the_ceiling_stay_in_range():
    rng = np.random.default_rng(0)
    positive, patient = np.arange(8) >= 4, np.arange(8)
    for _ in range(20):
        score = 1 / (1 + np.exp(-rng.normal(4.0 * positive - 2)))
        values = measure(
            ScoredRows(positive, score, patient, np.ones(8)), draw_patients(positive, 400, 1)
        )
        for name in METRICS:
            low, high, _ = interval(values[name][1:], SampleSize(8, 2))
            if name.startswith("calibration"):
                continue
            bottom = -1 if name in ("mcc", "net_benefit") else 0
            assert np.isnan(low) or bottom <= low <= high <= 1, name


def test_patients_of_uneven_weight_tell_as_much_as_fewer_of_equal_weight():
    strata = np.array(["a", "a", "a", "b", "b"])
    assert effective_sample_size(np.full(5, 7.0), strata) == pytest.approx(5)
    assert effective_sample_size(np.array([1.0, 1, 1, 3, 1]), strata) == pytest.approx(3 + 16 / 10)
    assert effective_sample_size(np.array([1.0, 1e-9, 1e-9, 1, 1e-9]), strata) == pytest.approx(2)


def test_percentiles_are_expanded_as_students_law_asks():
    low, high = quantiles(SampleSize(10, 1))
    assert low == pytest.approx(norm.cdf(-np.sqrt(10 / 9) * student.ppf(0.975, 9)))
    assert high == pytest.approx(1 - low)
    assert quantiles(SampleSize(100_000, 2))[0] == pytest.approx(0.025, rel=1e-3)
    draws = np.random.default_rng(0).normal(size=100_000)
    assert interval(draws, SampleSize(10, 1))[1] == pytest.approx(-norm.ppf(low), rel=0.02)


@pytest.mark.parametrize("patients", [4, 8, 39])
def test_a_study_without_an_error_gets_the_bound_of_clopper_and_pearson(patients):
    exact = binomtest(patients, patients).proportion_ci(method="exact")
    units, value_range = SampleSize(patients, 1), (0.0, 1.0)
    assert interval(np.ones(100), units, value_range=value_range)[:2] == pytest.approx(exact)
    nothing = binomtest(0, patients).proportion_ci(method="exact")
    assert interval(np.zeros(100), units, value_range=value_range)[:2] == pytest.approx(nothing)
    low, high, _ = interval(
        np.ones(100), SampleSize(80, 2, trials=patients), value_range=(-1.0, 1.0)
    )
    assert (low, high) == pytest.approx((2 * exact.low - 1, 1))
    assert interval(np.full(100, 0.5), units, value_range=value_range)[:2] == (
        0.5,
        0.5,
    )  # the majority's AUC


def test_without_a_degree_of_freedom_there_is_no_interval_and_no_p():
    assert np.isnan(interval(np.linspace(0, 1, 100), SampleSize(2, 2))[0])
    assert np.isnan(two_sided_p(0.2, np.linspace(0, 1, 100), SampleSize(1, 1)))


def test_the_p_value_follows_the_normal_law_of_the_draws():
    draws = np.random.default_rng(1).normal(0.2, 0.1, 20_000)
    assert two_sided_p(0.2, draws) == pytest.approx(2 * norm.sf(2), rel=0.05)
    assert two_sided_p(0.0, draws) == 1
    assert two_sided_p(0.0, np.zeros(100)) == 1
    assert np.isnan(two_sided_p(np.nan, draws))
    few = two_sided_p(0.2, draws, SampleSize(8, 2))
    assert few == pytest.approx(2 * student.sf(2 / np.sqrt(8 / 6), 6), rel=0.05)


def test_holm_equals_statsmodels_and_leaves_missing_values_out():
    from statsmodels.stats.multitest import multipletests

    p = np.random.default_rng(1).uniform(0, 0.2, 15)
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1])
    np.testing.assert_allclose(holm(np.array([0.01, np.nan, 0.04])), [0.02, np.nan, 0.04])


# score = 1 (positive) + patient effect + lesion noise, both of variance 1. The AUC of a positive
# and a negative lesion of different patients is then Phi(1 / sqrt(2 + 2)), and half way between
# the classes Phi(0.5 / sqrt(2)) of either side are called rightly.
TRUTH = {"auc": norm.cdf(1 / 2)}
TRUTH |= dict.fromkeys(("accuracy", "balanced_accuracy", "sensitivity"), norm.cdf(0.5 / np.sqrt(2)))


def coverage(patients: int, studies: int, by_patient: bool = True) -> dict[str, float]:
    """Share of intervals that hold the truth where lesions share their patient's effect."""
    hits = dict.fromkeys(TRUTH, 0)
    for study in range(studies):
        rng = np.random.default_rng([patients, study])
        lesions = rng.integers(1, 19, patients)
        patient = np.repeat(np.arange(patients), lesions)
        positive = np.arange(patients) % 2 == 1
        score = positive[patient] + rng.normal(size=patients)[patient]
        score = 1 / (1 + np.exp(0.5 - score - rng.normal(size=len(patient))))
        unit = patient if by_patient else np.arange(len(patient))
        strata = positive if by_patient else positive[patient]
        rows = ScoredRows(positive[patient], score, unit, np.ones(len(patient)))
        counts = draw_patients(strata, 500, study)
        values = {"auc": auc(rows, counts)} | threshold_metrics(rows, counts, 0.5)
        for name, truth in TRUTH.items():
            one = name == "sensitivity"
            mine = strata if one else np.ones(len(strata), bool)
            weights = np.bincount(unit)[mine]
            units = SampleSize(effective_sample_size(weights, strata[mine]), 1 if one else 2)
            low, high, _ = interval(values[name][1:], units)
            hits[name] += low <= truth <= high
    return {name: count / studies for name, count in hits.items()}


@pytest.mark.slow
@pytest.mark.parametrize("patients", [24, 80])
def test_the_patient_bootstrap_covers(patients):
    for name, share in coverage(patients, 1000).items():
        few = patients == 24 and name == "sensitivity"  # twelve patients
        assert (0.92 if few else 0.93) <= share <= 0.97, (name, share)


@pytest.mark.slow
def test_eight_patients_get_intervals_that_nearly_cover():
    shares = coverage(8, 1000)
    assert 0.91 <= shares["auc"] <= 0.98
    assert 0.90 <= shares["accuracy"] <= 0.98


@pytest.mark.slow
def test_the_lesion_bootstrap_does_not_cover():
    for name, share in coverage(40, 200, by_patient=False).items():
        assert share < 0.85, (name, share)


def test_a_few_studies_already_show_it():
    assert coverage(40, 60)["auc"] > 0.85
    assert coverage(40, 60, by_patient=False)["auc"] < 0.85
