"""Which training rows are kept or made, against imbalanced-learn."""

import numpy as np
import pytest
from imblearn.over_sampling import SMOTE
from livermets.classification.class_balancing import ClassBalancer
from livermets.core.errors import BadInput


def uneven(minority, majority=30):
    rng = np.random.default_rng(minority)
    y = np.repeat([1, 0], [minority, majority])
    return rng.normal(size=(len(y), 3)) + y[:, None], y


def test_none_leaves_the_rows_alone():
    X, y = uneven(8)
    same, labels = ClassBalancer("none").fit_resample(X, y)
    assert same is X
    assert labels is y


def test_undersampling_keeps_real_rows_in_equal_numbers():
    X, y = uneven(8)
    fewer, labels = ClassBalancer("undersample", 1).fit_resample(X, y)
    assert np.bincount(labels).tolist() == [8, 8]
    known = {tuple(row) for row in np.column_stack([X, y])}
    assert len({tuple(row) for row in np.column_stack([fewer, labels])} & known) == 16


def test_smote_is_imbalanced_learns_with_five_neighbours():
    X, y = uneven(8)
    balancer = ClassBalancer("smote", 1)
    more, labels = balancer.fit_resample(X, y)
    theirs = SMOTE(k_neighbors=5, random_state=1).fit_resample(X, y)
    np.testing.assert_array_equal(more, theirs[0])
    assert np.bincount(labels).tolist() == [30, 30]
    assert balancer.note_ == ""


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
    balancer = ClassBalancer("smote", 1)
    more, labels = balancer.fit_resample(X, y)
    assert balancer.note_ == note
    assert note in caplog.text
    assert np.bincount(labels).tolist() == [30, 30]
    made, real = more[len(X) :], X[:minority]
    low, high = real.min(axis=0) - 1e-12, real.max(axis=0) + 1e-12
    assert ((made >= low) & (made <= high)).all()  # between rows of its own class


def test_an_unknown_way_of_resampling_is_refused():
    with pytest.raises(BadInput, match="no resampling 'adasyn': give"):
        ClassBalancer("adasyn").fit_resample(*uneven(8))
