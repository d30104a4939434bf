"""Draws over patients, intervals in range, and the coverage that makes them worth printing."""

import numpy as np
import pytest
from livermets.bootstrap import draw_patients, holm, interval, two_sided_p
from livermets.metrics import Rows, auc
from scipy.stats import norm


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


def test_an_interval_near_the_ceiling_stays_in_range():
    rng = np.random.default_rng(0)
    positive, patient = np.arange(8) >= 4, np.arange(8)
    for _ in range(20):
        rows = Rows(positive, rng.normal(positive * 2.0), patient, np.ones(8))
        low, high, _ = interval(auc(rows, draw_patients(positive, 400, 1))[1:])
        assert 0 <= low <= high <= 1


def test_the_p_value_follows_the_normal_law_of_the_draws():
    draws = np.random.default_rng(1).normal(0.2, 0.1, 20_000)
    assert two_sided_p(0.2, draws) == pytest.approx(2 * norm.sf(2), rel=0.05)
    assert two_sided_p(0.0, draws) == 1
    assert two_sided_p(0.0, np.zeros(100)) == 1
    assert np.isnan(two_sided_p(np.nan, draws))


def test_holm_equals_statsmodels_and_leaves_missing_values_out():
    from statsmodels.stats.multitest import multipletests

    p = np.random.default_rng(1).uniform(0, 0.2, 15)
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1])
    np.testing.assert_allclose(holm(np.array([0.01, np.nan, 0.04])), [0.02, np.nan, 0.04])


def coverage(patients: int, studies: int, by_patient: bool) -> float:
    """Share of intervals that hold the true AUC where lesions share their patient's effect.

    score = 1 (positive) + patient effect + lesion noise, both of variance 1: the AUC of a
    positive and a negative lesion of different patients is Phi(1 / sqrt(2 + 2)).
    """
    truth = norm.cdf(1 / 2)
    hits = 0
    for study in range(studies):
        rng = np.random.default_rng([patients, study])
        lesions = rng.integers(1, 19, patients)
        patient = np.repeat(np.arange(patients), lesions)
        positive = np.arange(patients) % 2 == 1
        score = positive[patient] + rng.normal(size=patients)[patient]
        score = score + rng.normal(size=len(patient))
        unit = patient if by_patient else np.arange(len(patient))
        strata = positive if by_patient else positive[patient]
        rows = Rows(positive[patient], score, unit, np.ones(len(patient)))
        low, high, _ = interval(auc(rows, draw_patients(strata, 500, study))[1:])
        hits += low <= truth <= high
    return hits / studies


@pytest.mark.slow
def test_the_patient_bootstrap_covers_and_the_lesion_bootstrap_does_not():
    assert 0.93 <= coverage(80, 1000, by_patient=True) <= 0.97
    assert coverage(80, 200, by_patient=False) < 0.85
