"""Near duplicates: missing values, few values and many copies neither hide one nor invent one."""

import numpy as np
import pandas as pd
import pytest
from livermets.audit.near_duplicates import (
    MAX_EXPECTED_PAIRS,
    MIN_COMMON,
    _distances,
    compare_lesions,
)
from sklearn.metrics.pairwise import nan_euclidean_distances

N_FEATURES = 40
FEATURES = [f"f{i:02}" for i in range(N_FEATURES)]


def lesions(patients: int = 60, seed: int = 0) -> pd.DataFrame:
    """One lesion a patient: forty features of six hidden numbers."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(patients, 6)) @ rng.normal(size=(6, N_FEATURES))
    table = pd.DataFrame(hidden + 0.1 * rng.normal(size=hidden.shape), columns=FEATURES)
    return table.assign(patient=[f"P{i:03}" for i in range(patients)], lesion=1)


def with_copies(table, patient: str, names: list[str], noise: float = 1e-3):
    """The table with a patient once more under each name, with noise."""
    rng = np.random.default_rng(1)
    again = pd.concat([table[table["patient"] == patient].assign(patient=name) for name in names])
    again[FEATURES] += noise * rng.normal(size=(len(again), N_FEATURES))
    return pd.concat([table, again], ignore_index=True)


def emptied(table, how: str):
    """The table with cells emptied: one of each feature, a third of all, or blocks of features."""
    rng = np.random.default_rng(2)
    table, n = table.copy(), len(table)
    holes = {
        "none": np.zeros((n, N_FEATURES), bool),
        "one cell of each feature": np.arange(n)[:, None] == rng.integers(0, n, N_FEATURES),
        "a third of all cells": rng.random((n, N_FEATURES)) < 1 / 3,
        "a third of the features in half of the patients": (rng.random((n, 1)) < 0.5)
        & (rng.random(N_FEATURES) < 1 / 3),
        "the copy's own half": (np.arange(n)[:, None] == n - 1) & (rng.random(N_FEATURES) < 0.5),
    }
    table[FEATURES] = table[FEATURES].mask(holes[how])
    return table


def found(table) -> list:
    return [
        p.patients
        for p in compare_lesions(table, FEATURES).pairs
        if p.expected < MAX_EXPECTED_PAIRS
    ]


HOLES = [
    "none",
    "one cell of each feature",
    "a third of all cells",
    "a third of the features in half of the patients",
    "the copy's own half",
]


@pytest.mark.parametrize("how", HOLES)
def test_missing_values_neither_hide_a_copy_nor_invent_one(how):
    table = lesions()
    assert found(emptied(table, how)) == []
    assert found(emptied(with_copies(table, "P007", ["P900"]), how)) == [("P007", "P900")]


def test_distances_over_common_features_are_those_of_scikit_learn():
    values = emptied(lesions(), "a third of all cells")[FEATURES].to_numpy()
    rows, known = slice(5, 25), (~np.isnan(values)).astype(int)
    expected = nan_euclidean_distances(values[rows], values)
    too_few = known[rows] @ known.T < MIN_COMMON
    assert 0 < too_few.sum() < 100
    expected[too_few] = np.inf
    np.testing.assert_allclose(_distances(values, rows), expected, rtol=1e-9, atol=1e-6)


def test_features_without_a_single_value_change_nothing():
    half = lesions().assign(**{name: np.nan for name in FEATURES[20:]})
    alone = compare_lesions(lesions(), FEATURES[:20])
    assert compare_lesions(half, FEATURES) == alone
    assert compare_lesions(lesions(), FEATURES) != alone


@pytest.mark.parametrize("copies", [1, 5, 8, 17, 24], ids=lambda n: f"{n} copies")
def test_any_number_of_copies_of_one_lesion_is_found(copies):
    names = [f"P{900 + i}" for i in range(copies)]
    pairs = found(with_copies(lesions(120), "P007", names))
    assert pairs
    assert {name for pair in pairs for name in pair} <= {"P007", *names}


@pytest.mark.parametrize("times", [1, 2, 4], ids=lambda n: f"{n} more")
def test_a_table_that_holds_every_patient_several_times_is_found(times):
    table = lesions()
    rng = np.random.default_rng(3)
    parts = [table]
    for number in range(times):
        again = table.assign(patient=[f"C{number}-{name}" for name in table["patient"]])
        again[FEATURES] += 1e-3 * rng.normal(size=(len(table), N_FEATURES))
        parts.append(again)
    pairs = found(pd.concat(parts, ignore_index=True))
    assert len({name for pair in pairs for name in pair}) > 0.5 * len(table)


def test_a_value_too_large_to_be_squared_switches_nothing_off():
    table = with_copies(lesions(), "P007", ["P900"])
    table.loc[3, "f00"] = 1e200
    assert ("P007", "P900") in found(table)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda t: t.iloc[:11], "11 lesions with such values, and 12 are needed"),
        (lambda t: t.assign(patient=np.resize(["A", "B"], len(t))), "2 patients, and 3"),
        (
            lambda t: t.assign(**{name: (t[name] > 0) * 1.0 for name in FEATURES[2:]}),
            "2 features with many different values, and 3",
        ),
        (
            lambda t: t.assign(
                **{
                    name: t[name].where(np.arange(len(t)) % 20 == i // 2)
                    for i, name in enumerate(FEATURES)
                }
            ),
            "no two patients have enough features in common",
        ),
    ],
    ids=["few lesions", "few patients", "yes or no", "nothing in common"],
)
def test_what_cannot_be_looked_at_says_why(change, reason):
    comparison = compare_lesions(change(lesions()), FEATURES)
    assert comparison.pairs == []
    assert reason in comparison.impossible


def test_a_lesion_without_values_is_left_out_by_name_and_the_others_are_compared():
    table = with_copies(lesions(), "P007", ["P900"])
    table.loc[4, FEATURES[1:]] = np.nan
    comparison = compare_lesions(table, FEATURES)
    assert comparison.left_out == (("P004", 1),)
    assert comparison.pairs[0].patients == ("P007", "P900")


@pytest.mark.parametrize("name", ["LNDb", "WORC-CRLM", "WORC-Lipo"])
@pytest.mark.parametrize("share", [0.01, 0.2], ids=["1 % missing", "20 % missing"])
def test_published_tables_with_missing_values_raise_no_alarm(real_data, name, share):
    table = pd.read_csv(real_data / "radmlbench" / f"{name}.csv.gz")
    features = [column for column in table if column not in ("ID", "Target")]
    holes = np.random.default_rng(6).random((len(table), len(features))) < share
    ids = pd.DataFrame({"patient": table["ID"].astype(str), "lesion": 1})
    table = pd.concat([ids, table[features].astype(float).mask(holes)], axis=1)
    pairs = compare_lesions(table, features).pairs
    assert pairs[0].expected > 1000 * MAX_EXPECTED_PAIRS
