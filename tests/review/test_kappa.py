"""The interval of kappa: against Fleiss' standard error, its cover, and where there is none."""

import math

import numpy as np
import pytest
from livermets.review.kappa import cohens_kappa, kappa_interval, lacking_patients
from statsmodels.stats.inter_rater import cohens_kappa as fleiss


def cells(shares: list[float], n: int, rng: np.random.Generator) -> np.ndarray:
    """One decision about each of n patients, as counts of both, one alone and neither."""
    return np.eye(4, dtype=int)[rng.choice(4, n, p=shares)]


def test_the_interval_of_many_patients_is_that_of_fleiss_standard_error():
    counts = np.repeat(np.eye(4, dtype=int), (120, 40, 50, 190), axis=0)
    low, high = kappa_interval(counts, seed=3)
    expected = fleiss(np.array([[120, 40], [50, 190]]))
    assert cohens_kappa(120, 40, 50, 190) == pytest.approx(expected.kappa, abs=1e-12)
    assert (low, high) == pytest.approx((expected.kappa_low, expected.kappa_upp), abs=0.01)
    assert kappa_interval(counts, seed=3) == (low, high)


def test_lesions_of_a_patient_count_as_one_patient_and_not_as_many():
    counts = np.repeat(np.eye(4, dtype=int), (8, 3, 3, 16), axis=0)
    narrow = kappa_interval(np.repeat(counts, 9, axis=0), seed=1)
    wide = kappa_interval(counts * 9, seed=1)
    assert wide == kappa_interval(counts, seed=1)
    assert np.diff(wide) == pytest.approx(3 * np.diff(narrow), rel=0.15)


def test_intervals_that_are_given_hold_the_truth_as_often_as_they_say():
    """30 patients, kappa of 0.6, a third of the decisions positive: 92 to 98 % are the aim."""
    p, kappa = 1 / 3, 0.6
    both = p * p + kappa * p * (1 - p)
    shares = [both, p - both, p - both, 1 - 2 * p + both]
    rng = np.random.default_rng(7)
    intervals = [kappa_interval(cells(shares, 30, rng), seed=1) for _ in range(200)]
    given = [(low, high) for low, high in intervals if not math.isnan(low)]
    assert len(given) > 160
    assert 0.92 <= np.mean([low <= kappa <= high for low, high in given]) <= 0.98


@pytest.mark.parametrize(
    ("counts", "why"),
    [
        ((9, 0, 0, 9), "the readers differ in 0 of 18 patients"),
        ((2, 3, 3, 9), "both decided so in 2 of 17 patients"),
        ((9, 3, 0, 1), "neither decided so in 1 of 13 patients"),
        ((1, 1, 0, 1), "both decided so in 1, the readers differ in 1, neither decided so in 1 of"),
        ((0, 0, 0, 0), "of 0 patients"),
    ],
    ids=["all-agree", "few-both", "few-neither", "few-of-all", "nothing-read"],
)
def test_where_patients_lack_there_is_no_interval_but_the_reason(counts, why):
    rows = np.repeat(np.eye(4, dtype=int), counts, axis=0)
    assert why in lacking_patients(rows)
    assert all(map(math.isnan, kappa_interval(rows, seed=1)))
