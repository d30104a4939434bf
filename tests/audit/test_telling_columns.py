"""Telling columns: what gives the class away is listed with its value, what does not is not."""

import numpy as np
import pandas as pd
import pytest
from livermets.audit.telling_columns import (
    by_patient,
    cramers_v,
    right_by_others,
    telling_categories,
    telling_numbers,
    too_few_patients,
)
from scipy.stats.contingency import association
from sklearn.metrics import roc_auc_score

N = 30
LABEL = np.resize(["colorectal", "pancreatic"], N)
POSITIVE = LABEL == "pancreatic"


def patients(**columns) -> pd.DataFrame:
    return pd.DataFrame({"label": LABEL, **columns}, index=[f"P{i:02}" for i in range(N)])


def flipped(values: np.ndarray, places=(4,)) -> np.ndarray:
    values = np.array(values, copy=True)
    values[list(places)] = ~values[list(places)]
    return values


def test_the_label_with_noise_is_listed_with_its_auc():
    values = POSITIVE + np.random.default_rng(0).normal(0, 0.3, N)
    (column,) = telling_numbers(patients(score=-values), ["score"])
    assert column.auc == pytest.approx(roc_auc_score(POSITIVE, values))
    assert f"an AUC of {column.auc:.3f}" in column.text


def test_missing_values_do_not_hide_it():
    values = POSITIVE + np.random.default_rng(0).normal(0, 0.3, N)
    values[[2, 7, 11]] = np.nan
    known = ~np.isnan(values)
    (column,) = telling_numbers(patients(score=values), ["score"])
    assert column.auc == pytest.approx(roc_auc_score(POSITIVE[known], values[known]))


def test_one_class_of_three_is_named():
    label = np.resize(["a", "b", "c"], N)
    table = patients(score=(label == "b") + np.random.default_rng(0).normal(0, 0.1, N))
    (column,) = telling_numbers(table.assign(label=label), ["score"])
    assert "for b" in column.text


def test_two_thousand_columns_of_noise_are_not_listed():
    noise = np.random.default_rng(1).normal(size=(N, 2000))
    names = [f"f{i}" for i in range(2000)]
    table = pd.concat([patients(), pd.DataFrame(noise, patients().index, names)], axis=1)
    assert telling_numbers(table, names) == []
    assert telling_categories(table, [], names) == []


def test_the_label_with_one_patient_flipped_is_listed():
    (column,) = telling_categories(patients(code=flipped(POSITIVE) * 1.0), [], ["code"])
    assert column.text.startswith("it tells the class of 29 of 30 patients (Cramér's V 0.9")
    assert not column.without_error


WORDS = {
    "other words": (np.where(POSITIVE, "panc", "colon"), True, "it tells"),
    "nested words": (
        np.char.add(np.where(POSITIVE, "panc", "colon_"), [str(i) for i in range(N)]),
        True,
        "its words tell",
    ),
    "a word within": (
        np.char.add(np.where(POSITIVE, "mets of pancreas ", "mets "), list("abcdefghijklmno") * 2),
        True,
        "its word 'of' tells",
    ),
    "one patient flipped": (np.where(flipped(POSITIVE), "yes", "no"), False, "it tells"),
    "empty in one class": (np.where(POSITIVE, "x", None), True, "it tells"),
}


@pytest.mark.parametrize(("words", "without_error", "how"), WORDS.values(), ids=WORDS)
def test_words_that_tell_the_class_are_listed(words, without_error, how):
    (column,) = telling_categories(patients(clinical_x=words), ["clinical_x"])
    assert column.without_error == without_error
    assert column.text.startswith(how)


def test_a_number_that_one_class_lacks_is_listed():
    values = np.where(flipped(POSITIVE), np.random.default_rng(2).normal(size=N), np.nan)
    (column,) = telling_categories(patients(ca19=values), [], ["ca19"])
    assert column.text.startswith("whether it is missing tells the class of 29 of 30")


@pytest.mark.parametrize(
    "words",
    [
        [f"free text {i}" for i in range(N)],
        np.random.default_rng(3).choice(["F", "M"], N),
        ["all alike"] * N,
    ],
    ids=["each patient another", "sex", "one value"],
)
def test_words_that_say_nothing_are_not_listed(words):
    assert telling_categories(patients(clinical_x=words), ["clinical_x"]) == []


def test_a_constant_column_is_not_listed_where_one_class_is_rare():
    label = np.array(["a"] * 29 + ["b"])
    table = patients(code=np.zeros(N), word=["x"] * N).assign(label=label)
    assert telling_categories(table, ["word"], ["code"]) == []


def test_with_few_patients_and_many_columns_there_is_no_verdict_and_it_is_said():
    few = patients().iloc[:12]
    assert "6 of 12 patients" in too_few_patients(few, 100)
    assert too_few_patients(patients(), 100) == ""
    assert too_few_patients(patients().assign(label="a"), 1) == "the patients have one class"


def test_lesions_are_brought_to_one_row_a_patient():
    table = pd.DataFrame(
        {
            "patient": ["A", "A", "B"],
            "label": ["x", "x", "y"],
            "f": [1.0, 3, 5],
            "w": [None, "u", "v"],
        }
    )
    rows = by_patient(table, ["f"], ["w"])
    assert rows.loc["A"].to_dict() == {"label": "x", "w": "u", "f": 2.0}


def test_a_category_of_one_patient_tells_nothing():
    label = np.array(["a", "a", "b", "b"])
    assert right_by_others(np.array([1, 2, 3, 4]), label) == 0
    assert right_by_others(np.array([1, 1, 2, 2]), label) == 4
    assert right_by_others(np.array([1, 1, 1, 2]), label) == 0  # of two others each says another


def test_cramers_v_is_zero_by_chance_one_in_full_and_near_the_plain_one_in_large_tables():
    rng = np.random.default_rng(5)
    site = rng.integers(0, 4, 4000)
    label = np.where(rng.random(4000) < 0.2 + 0.2 * site, "a", "b")
    plain = association(pd.crosstab(site, label).to_numpy(), method="cramer")
    assert cramers_v(site, label) == pytest.approx(plain, abs=0.002)
    assert cramers_v(label, label) == pytest.approx(1)
    assert (
        np.mean(
            [
                cramers_v(rng.integers(0, 6, 40), rng.permutation(LABEL[:30].tolist() + ["b"] * 10))
                for _ in range(50)
            ]
        )
        < 0.15
    )
    assert np.isnan(cramers_v(np.zeros(9), LABEL[:9]))
