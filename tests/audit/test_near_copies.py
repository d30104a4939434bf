"""Near copies of the patient's id and the row number."""

import numpy as np
import pandas as pd
import pytest
from livermets.audit.near_copies import (
    NearCopy,
    allowed_out_of_order,
    near_copies,
    off_the_line,
    out_of_order,
)

PATIENTS = [f"P{i:02}" for i in range(1, 25)]


def table(seed: int = 0) -> pd.DataFrame:
    """Two lesions of each patient in any order, with fifty features that say nothing."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame({"patient": np.repeat(PATIENTS, 2)})
    noise = pd.DataFrame(rng.normal(size=(48, 50)), columns=[f"f{i}" for i in range(50)])
    return rows.join(noise).sample(frac=1, random_state=3).reset_index(drop=True)


def swapped(values: pd.Series, first: float, second: float) -> pd.Series:
    return values.replace({first: second, second: first})


@pytest.mark.parametrize("pair", [(3, 4), (1, 24), (7, 19)], ids=str)
def test_ids_with_two_swapped_are_named(pair):
    number = table()["patient"].str[1:].astype(float)
    both = table().assign(index=2.5 - 3 * swapped(number, *pair))
    (copy,) = near_copies(both, ["f0", "index", "f1"])
    assert (copy.name, copy.original, copy.n) == ("index", "the patient's id", 24)
    assert 1 <= copy.out_of_order <= 2


def test_an_id_with_noise_within_the_patient_is_named():
    rng = np.random.default_rng(1)
    noisy = table()["patient"].str[1:].astype(float) + rng.normal(0, 0.05, 48)
    assert [copy.name for copy in near_copies(table().assign(index=noisy), ["index"])] == ["index"]


def test_row_numbers_with_two_swapped_or_one_missing_are_named():
    row = swapped(pd.Series(np.arange(48.0)), 5.0, 30.0)
    row[9] = np.nan
    assert near_copies(table().assign(row=row), ["row"]) == [
        NearCopy("row", "the row number", 2, 48)
    ]


def test_features_that_say_nothing_and_a_sorted_one_are_no_copies():
    sorted_ = table().assign(volume=np.sort(np.random.default_rng(4).lognormal(size=48)))
    features = [*(f"f{i}" for i in range(50)), "volume"]
    assert near_copies(sorted_, features) == []


def test_few_patients_give_no_verdict():
    few = pd.DataFrame({"patient": PATIENTS[:11], "index": np.arange(11.0)})
    assert near_copies(few, ["index"]) == []


def test_as_many_may_be_out_of_order_as_chance_does_not_explain():
    assert allowed_out_of_order(24, 100) == 2
    assert allowed_out_of_order(100, 1000) == 5
    assert allowed_out_of_order(6, 1000) == -1
    # of all orders of five, 1 rises with none out of order, 17 with one or none (Baer & Brock 1968)
    from itertools import permutations

    rises = [out_of_order(np.array(order), 1) for order in permutations(range(5))]
    falls_and_rises = [missed for missed in rises if missed is not None]
    assert len(falls_and_rises) == 2 * 17
    assert falls_and_rises.count(0) == 2


def test_rows_off_a_line_are_counted_and_a_level_column_has_no_line():
    assert off_the_line(np.array([1.0, 3, 5, 0, 9, 11, 13])) == 1
    assert off_the_line(np.ones(9)) is None
    assert off_the_line(np.array([np.nan, 1.0])) is None
