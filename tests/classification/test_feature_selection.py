"""Which features stay and which rows are made: every step against a plain account of its rule."""

import itertools

import numpy as np
import pandas as pd
import pytest
from imblearn.over_sampling import SMOTE
from livermets.classification.feature_selection import (
    CorrelationFilter,
    Informative,
    MostImportant,
    Resampler,
    held_out_importance,
    permutation_losses,
)
from livermets.core.errors import BadInput
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import f_classif
from sklearn.inspection import permutation_importance
from sklearn.metrics import roc_auc_score


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
    step = Informative().set_output(transform="pandas")
    assert list(step.fit_transform(table)) == ["varies", "gaps", "small", "far"]
    shown = "constant, constant_but_for_rounding, empty and 1 more"
    assert step.note_ == f"left out, constant or empty: {shown}"
    assert Informative().fit(table[["varies", "small"]]).note_ == ""


def test_a_table_in_which_nothing_varies_is_refused():
    with pytest.raises(BadInput, match="none of the 3 features varies.*give more lesions"):
        Informative().fit(np.full((10, 3), 2.0))


def test_infinite_values_never_reach_a_step():
    X = np.random.default_rng(0).normal(size=(10, 3))
    X[4, 1] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        Informative().fit(X)


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


@pytest.mark.parametrize("threshold", [0.3, 0.6, 0.9])
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


@pytest.mark.parametrize("classes", [2, 3])
def test_permutation_losses_are_those_of_scikit_learn(classes):
    rng = np.random.default_rng(classes)
    X, y = rng.normal(size=(90, 9)), rng.integers(0, classes, 90)
    X[:, 2] += y
    X[:, 3] = 1.0  # no tree can split on it
    forest = RandomForestClassifier(25, min_samples_leaf=3, random_state=0).fit(X[:50], y[:50])

    def auc(model, rows, truth):
        votes = model.predict_proba(rows).round(9)  # sums of equal votes are ties
        return roc_auc_score(truth, votes[:, 1] if classes == 2 else votes, multi_class="ovr")

    theirs = permutation_importance(
        forest, X[50:], y[50:], scoring=auc, n_repeats=4, random_state=11
    )
    # the orders it draws: one seed for all columns, each order made from the one before
    shuffler = np.random.RandomState(np.random.RandomState(11).randint(np.iinfo(np.int32).max + 1))
    order, orders = np.arange(40), []
    place = np.arange(40)
    for _ in range(4):
        shuffler.shuffle(order)
        place = place[order]
        orders.append(place)
    ours = permutation_losses(forest, X[50:], y[50:], np.array(orders))
    np.testing.assert_allclose(ours, theirs.importances_mean, atol=1e-12)
    assert ours[3] == 0
    assert ours.argmax() == 2


def test_held_out_importance_finds_the_informative_features_and_ids_earn_nothing():
    rng = np.random.default_rng(8)
    patients = np.repeat(np.arange(40), 6)
    y = patients % 2
    X = rng.normal(size=(240, 8))
    X[:, 1] += 1.5 * y
    X[:, 4] += 1.5 * y
    X[:, 6] = rng.normal(size=40)[patients]  # tells a patient, not a class
    importance = held_out_importance(X, y, patients, seed=1)
    assert set(np.argsort(-importance)[:2]) == {1, 4}
    assert importance[[1, 4]].min() > 0.05
    assert np.abs(np.delete(importance, [1, 4])).max() < 0.03


def test_the_most_important_features_are_kept_and_need_to_know_the_patients():
    rng = np.random.default_rng(9)
    patients = np.repeat(np.arange(30), 4)
    y = patients % 2
    X = rng.normal(size=(120, 30))
    X[:, 17] += 2 * y
    X[:, 23] += 2 * y
    chosen = MostImportant(2, random_state=0).fit(X, y, groups=patients)
    assert np.flatnonzero(chosen.get_support()).tolist() == [17, 23]
    with pytest.raises(ValueError, match="groups"):
        MostImportant(2).fit(X, y)


def test_with_one_patient_in_a_class_importance_is_zero_and_said_so(caplog):
    X = np.random.default_rng(0).normal(size=(12, 3))
    y = np.array([1] * 3 + [0] * 9)
    patients = np.array([0] * 3 + [1, 1, 1, 2, 2, 2, 3, 3, 3])
    assert not held_out_importance(X, y, patients, seed=1).any()
    assert "importance is not measured" in caplog.text


# ---- resampling


def uneven(minority, majority=30):
    rng = np.random.default_rng(minority)
    y = np.repeat([1, 0], [minority, majority])
    return rng.normal(size=(len(y), 3)) + y[:, None], y


def test_none_leaves_the_rows_alone():
    X, y = uneven(8)
    same, labels = Resampler("none").fit_resample(X, y)
    assert same is X
    assert labels is y


def test_undersampling_keeps_real_rows_in_equal_numbers():
    X, y = uneven(8)
    fewer, labels = Resampler("undersample", 1).fit_resample(X, y)
    assert np.bincount(labels).tolist() == [8, 8]
    known = {tuple(row) for row in np.column_stack([X, y])}
    assert len({tuple(row) for row in np.column_stack([fewer, labels])} & known) == 16


def test_smote_is_imbalanced_learns_with_five_neighbours():
    X, y = uneven(8)
    resampler = Resampler("smote", 1)
    more, labels = resampler.fit_resample(X, y)
    theirs = SMOTE(k_neighbors=5, random_state=1).fit_resample(X, y)
    np.testing.assert_array_equal(more, theirs[0])
    assert np.bincount(labels).tolist() == [30, 30]
    assert resampler.note_ == ""


@pytest.mark.parametrize(
    ("minority", "note"),
    [
        (5, "SMOTE with 4 neighbours: a class has 5 rows"),
        (2, "SMOTE with 1 neighbours: a class has 2 rows"),
        (1, "SMOTE repeated the only row of a class"),
    ],
)
def test_a_minority_smaller_than_smotes_k_has_a_recorded_fallback(minority, note, caplog):
    X, y = uneven(minority)
    resampler = Resampler("smote", 1)
    more, labels = resampler.fit_resample(X, y)
    assert resampler.note_ == note
    assert note in caplog.text
    assert np.bincount(labels).tolist() == [30, 30]
    made, real = more[len(X) :], X[:minority]
    low, high = real.min(axis=0) - 1e-12, real.max(axis=0) + 1e-12
    assert ((made >= low) & (made <= high)).all()  # between rows of its own class


def test_an_unknown_way_of_resampling_is_refused():
    with pytest.raises(BadInput, match="no resampling 'adasyn': give"):
        Resampler("adasyn").fit_resample(*uneven(8))
