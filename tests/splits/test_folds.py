"""Inner folds: patients stay together, and every class is on both sides."""

import numpy as np
from livermets.splits.folds import grouped_folds


def test_inner_folds_keep_patients_together_and_hold_every_class():
    rng = np.random.default_rng(0)
    for seed in range(30):
        people = [f"p{i}" for i in range(11)]
        label = {name: int(i < 4) for i, name in enumerate(people)}
        patients = np.repeat(people, rng.integers(1, 20, 11))
        y = np.array([label[name] for name in patients])
        folds = grouped_folds(patients, y, 3, seed, "inner")
        assert len(folds) == 3
        np.testing.assert_array_equal(
            np.sort(np.concatenate([test for _, test in folds])), np.arange(len(y))
        )
        for train, test in folds:
            assert not set(patients[train]) & set(patients[test])
            assert set(y[train]) == set(y[test]) == {0, 1}


def test_inner_folds_become_fewer_with_the_smallest_class_and_none_with_one_patient():
    patients = np.array(["a", "a", "b", "c", "d", "e", "f"])
    assert len(grouped_folds(patients, [1, 1, 1, 0, 0, 0, 0], 5, 0)) == 2
    assert grouped_folds(patients, [1, 1, 0, 0, 0, 0, 0], 5, 0) == []
