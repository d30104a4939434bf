"""Table 2: which features matter, and in how many folds the redundancy filter kept each."""

import numpy as np
import pandas as pd
import pytest
from helpers.classes import CLASSES, POSITIVE
from helpers.feature_tables import clustered_features, feature_names, folds_of
from livermets.classification.importance_table import feature_importance
from sklearn.feature_selection import f_classif

THRESHOLD = 0.6


@pytest.fixture(scope="module")
def study():
    """Two informative values, each read twice with noise, a constant feature and an empty one.

    The second value is read so badly that its readings correlate by as much as the filter allows.
    """
    table = clustered_features(24, (4, 6), 8, gain=0.0, cluster=0.3)
    rng = np.random.default_rng(0)
    mine = (table["label"] == POSITIVE).to_numpy()
    for value, again, noise in (("f00", "f02", 0.6), ("f01", "f03", 1.2)):
        read = table[value] + 1.5 * mine
        table[value] = read + noise * rng.normal(size=len(table))
        table[again] = read + noise * rng.normal(size=len(table))
    table = table.assign(constant=1.0, empty=np.nan)
    return table, folds_of(table, 4), [*feature_names(table), "constant", "empty"]


def important(table, splits, columns, **changed):
    given = {"classes": CLASSES, "correlation": THRESHOLD, "seed": 1, "columns": columns}
    return feature_importance(table, splits, **given | changed)


@pytest.fixture(scope="module")
def found(study):
    return important(*study)


def kept_in(table, splits, split, columns):
    """What a plain reading of the redundancy filter keeps of the training rows of a split."""
    trained = splits.query("split == @split and role != 'test'")["patient"]
    rows = table[table["patient"].isin(trained)]
    X = rows[columns]
    F = pd.Series(f_classif(X, rows["label"] == POSITIVE)[0], columns)
    kept = []
    for name in F.sort_values(ascending=False).index:
        if all(abs(np.corrcoef(X[name], X[other])[0, 1]) <= THRESHOLD for other in kept):
            kept.append(name)
    return set(kept)


def test_the_share_is_that_of_the_folds_in_which_the_filter_kept_the_feature(study, found):
    table, splits, _ = study
    found = found.set_index("feature")["selected_share"]
    kept = [kept_in(table, splits, name, feature_names(table)) for name in splits["split"].unique()]
    for name in feature_names(table):
        assert found[name] == pytest.approx(np.mean([name in one for one in kept])), name
    assert found[["constant", "empty"]].tolist() == [0, 0]
    assert set(found) - {0, 1}, "nothing is selected in some folds and not in others"


def test_the_informative_features_lead_and_a_dropped_copy_earns_nothing(found):
    assert list(found["rank"]) == list(range(1, len(found) + 1))
    best = found.set_index("feature")["importance"]
    leaders = set(found["feature"][:2])
    assert leaders <= {"f00", "f01", "f02", "f03"}
    assert best[["f00", "f02"]].min() == 0 < best[["f00", "f02"]].max()  # of two alike one
    assert best[list(leaders)].min() > 0.03
    assert best[["f04", "f05", "f06", "f07"]].abs().max() < 0.03


def test_test_rows_have_no_say_and_neither_has_the_order_of_rows_or_columns(study):
    table, splits, columns = study
    one = splits[splits["split"] == "cv1-fold1"]
    expected = important(table, one, columns)
    test = table["patient"].isin(one.loc[one["role"] == "test", "patient"])
    changed = table.copy()
    changed.loc[test, feature_names(table)] *= -5
    changed.loc[test, "label"] = changed.loc[test, "label"].iloc[::-1].to_numpy()
    pd.testing.assert_frame_equal(important(changed, one, columns), expected)
    mixed = table.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(important(mixed, one, columns), expected)
    kept = expected.set_index("feature")["selected_share"]
    other = important(table, one, columns[::-1]).set_index("feature")["selected_share"]
    pd.testing.assert_series_equal(other[kept.index], kept)
