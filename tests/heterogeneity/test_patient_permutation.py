"""The permutation test between patients, against SciPy, Westfall and Young, and simulations."""

import numpy as np
import pytest
from livermets.heterogeneity.patient_permutation import (
    least_p_value,
    permutation_p_values,
    permuted_groups,
    welch_t,
)
from scipy import stats


def test_t_is_welchs_of_scipy_with_and_without_missing_values():
    rng = np.random.default_rng(1)
    values, group = rng.gamma(2, size=(15, 4)), np.arange(15) < 6
    values[[0, 8, 9], [1, 1, 2]] = np.nan
    expected = stats.ttest_ind(values[group], values[~group], equal_var=False, nan_policy="omit")
    np.testing.assert_allclose(welch_t(values, group[None])[0], expected.statistic, rtol=1e-10)


def test_t_is_zero_where_nothing_varies_or_a_group_has_one_value():
    group = np.array([True, True, False, False])
    values = np.array([[0.3, 1.0], [0.3, np.nan], [0.3, 2.0], [0.3, 3.0]])
    assert welch_t(values, group[None]).tolist() == [[0.0, 0.0]]


def test_all_divisions_are_made_where_they_are_few_and_p_equals_scipys():
    rng = np.random.default_rng(2)
    values, group = rng.normal(size=(9, 1)) + np.arange(9)[:, None] / 6, np.arange(9) < 4
    assert len(permuted_groups(group, 2000, 1)) == 126
    expected = stats.permutation_test(
        (values[group, 0], values[~group, 0]),
        lambda a, b: abs(stats.ttest_ind(a, b, equal_var=False).statistic),
        n_resamples=np.inf,
        alternative="greater",
    ).pvalue
    p, p_adjusted = permutation_p_values(values, group, 2000, 1)
    assert p[0] == p_adjusted[0] == pytest.approx(expected, abs=1e-12)


def test_the_first_permutation_is_the_true_division_and_groups_keep_their_size():
    group = np.arange(30) < 12
    draws = permuted_groups(group, 50, 3)
    assert np.array_equal(draws[0], group)
    assert (draws.sum(axis=1) == 12).all()
    assert np.array_equal(draws, permuted_groups(group, 50, 3))


def test_corrected_p_values_are_those_of_the_definition_step_by_step():
    rng = np.random.default_rng(4)
    values, group = rng.normal(size=(16, 5)), np.arange(16) < 8
    values[group, 0] += 2
    p, p_adjusted = permutation_p_values(values, group, 400, 7)
    t = np.abs(welch_t(values, permuted_groups(group, 400, 7)))
    order, least = np.argsort(-t[0]), 0.0
    for step, feature in enumerate(order):
        rest = t[:, order[step:]].max(axis=1)
        least = max(least, (rest >= t[0, feature] * (1 - 1e-12)).mean())
        assert p_adjusted[feature] == pytest.approx(least, abs=1e-12)
    assert (p_adjusted >= p).all()


def test_features_that_are_copies_of_one_cost_nothing():
    rng = np.random.default_rng(5)
    one, group = rng.normal(size=(20, 1)), np.arange(20) < 10
    p, p_adjusted = permutation_p_values(np.repeat(one, 50, axis=1), group, 500, 1)
    assert np.array_equal(p, p_adjusted)


def test_the_least_p_value_is_that_of_the_most_extreme_division():
    values = np.array([[1.0], [2], [3], [4], [11], [12], [13], [14]])
    group = np.arange(8) < 4
    assert permutation_p_values(values, group, 1000, 1)[0][0] == least_p_value(4, 4, 1000) == 2 / 70
    assert least_p_value(4, 5, 1000) == 1 / 126
    assert least_p_value(40, 50, 1000) == 1 / 1000
