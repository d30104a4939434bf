"""Which features stay: every filter against a plain account of its rule."""

import itertools

import numpy as np
import pandas as pd
import pytest
from livermets.classification.feature_selection import (
    ConstantFilter,
    CorrelationFilter,
    ImportanceSelector,
)
from livermets.core.errors import BadInput
from sklearn.feature_selection import f_classif


def correlated(seed, rows=60, features=12):
    """Features that mix four sources, and a class that depends on the first of them."""
    rng = np.random.default_rng(seed)
    sources = rng.normal(size=(rows, 4))
    X = sources @ rng.normal(size=(4, features)) + 0.3 * rng.normal(size=(rows, features))
    return X, (sources[:, 0] + rng.normal(size=rows) > 0).astype(int)


# ---- what varies


def test_constant_and_empty_columns_go_and_varying_ones_stay():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "varies": rng.normal(size=20),
            "constant": 3.0,
            "constant_but_for_rounding": 0.1 + np.tile([0.2, 0.2 + 1e-17, 0.2 + 5e-17, 0.2], 5),
            "empty": np.nan,
            "one_value_and_gaps": [7.0, np.nan] * 10,
            "gaps": np.where(rng.random(20) < 0.5, np.nan, rng.normal(size=20)),
            "small": 1e-9 * rng.normal(size=20),
            "far": 1e6 + rng.normal(size=20),
        }
    )
    step = ConstantFilter().set_output(transform="pandas")
    assert list(step.fit_transform(table)) == ["varies", "gaps", "small", "far"]
    shown = "constant, constant_but_for_rounding, empty and 1 more"
    assert step.note_ == f"left out, constant or empty: {shown}"
    assert ConstantFilter().fit(table[["varies", "small"]]).note_ == ""


def test_a_table_in_which_nothing_varies_is_refused():
    with pytest.raises(BadInput, match="none of the 3 features varies.*give more lesions"):
        ConstantFilter().fit(np.full((10, 3), 2.0))


def test_infinite_values_never_reach_a_step():
    X = np.random.default_rng(0).normal(size=(10, 3))
    X[4, 1] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        ConstantFilter().fit(X)


# ---- the redundancy filter


def test_of_two_correlated_features_the_better_one_stays_wherever_it_stands():
    rng = np.random.default_rng(1)
    y = np.repeat([0, 1], 30)
    better = y + 0.5 * rng.normal(size=60)
    worse = better + 0.5 * rng.normal(size=60)
    alone = rng.normal(size=60)
    assert abs(np.corrcoef(better, worse)[0, 1]) > 0.6
    for order in itertools.permutations(range(3)):
        X = np.column_stack([better, worse, alone])[:, order]
        kept = CorrelationFilter(0.6).fit(X, y).get_support()
        assert {order[i] for i in np.flatnonzero(kept)} == {0, 2}


@pytest.mark.parametrize("threshold", [0.3, 0.6, 0.9], ids=str)
def test_what_is_kept_is_uncorrelated_and_what_goes_has_a_better_one_that_stays(threshold):
    for seed in range(20):
        X, y = correlated(seed)
        kept = CorrelationFilter(threshold).fit(X, y).get_support()
        r, F = np.abs(np.corrcoef(X, rowvar=False)), f_classif(X, y)[0]
        stay = np.flatnonzero(kept)
        assert r[np.ix_(stay, stay)][~np.eye(len(stay), dtype=bool)].max(initial=0) <= threshold
        for gone in np.flatnonzero(~kept):
            assert any(r[gone, other] > threshold and F[other] >= F[gone] for other in stay)


def test_units_and_the_order_of_columns_change_nothing():
    X, y = correlated(3)
    rng = np.random.default_rng(3)
    expected = set(np.flatnonzero(CorrelationFilter(0.6).fit(X, y).get_support()))
    assert 1 < len(expected) < X.shape[1]
    for _ in range(10):
        order = rng.permutation(X.shape[1])
        scale = np.exp(rng.normal(size=X.shape[1])) * rng.choice([-1, 1], X.shape[1])
        Z = (X * scale + rng.normal(size=X.shape[1]))[:, order]
        assert {
            order[i] for i in np.flatnonzero(CorrelationFilter(0.6).fit(Z, y).keep_)
        } == expected


def test_of_equal_features_the_first_stays_and_a_constant_one_troubles_nobody():
    rng = np.random.default_rng(4)
    y = np.repeat([0, 1], 20)
    x = y + rng.normal(size=40)
    X = np.column_stack([np.ones(40), x, x, -x, rng.normal(size=40)])
    assert CorrelationFilter(0.6).fit(X, y).get_support().tolist() == [
        True,
        True,
        False,
        False,
        True,
    ]


def test_more_features_than_rows_and_perfect_separation():
    rng = np.random.default_rng(5)
    y = np.repeat([0, 1], 8)
    X = rng.normal(size=(16, 400))
    X[:, 7] = y  # F is infinite
    kept = CorrelationFilter(0.6).fit(X, y).get_support()
    r = np.abs(np.corrcoef(X[:, kept], rowvar=False))
    assert kept[7]
    assert 1 < kept.sum() < 400
    assert r[~np.eye(kept.sum(), dtype=bool)].max() <= 0.6


# ---- importance


def test_the_most_important_features_are_kept_and_need_to_know_the_patients():
    rng = np.random.default_rng(9)
    patients = np.repeat(np.arange(30), 4)
    y = patients % 2
    X = rng.normal(size=(120, 30))
    X[:, 17] += 2 * y
    X[:, 23] += 2 * y
    chosen = ImportanceSelector(2, random_state=0).fit(X, y, groups=patients)
    assert np.flatnonzero(chosen.get_support()).tolist() == [17, 23]
    with pytest.raises(ValueError, match="groups"):
        ImportanceSelector(2).fit(X, y)
