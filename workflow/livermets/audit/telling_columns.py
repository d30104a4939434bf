"""Telling columns: a feature, clinical column or site from which a patient's class can be read.

Such a column is a leak (the label with a patient flipped, with noise, or in other words), or a
truly strong predictor. A table cannot say which, so each is listed with its value, by patient.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
import pandas as pd
from scipy.stats import mannwhitneyu, rankdata

MIN_AUC = 0.95  # above it a column of numbers tells a class
MAX_WRONG = 0.05  # share of patients of whom a telling column of categories may tell another class
MAX_EXPECTED = 0.05  # columns as telling that are expected by chance; with more there is no verdict
EXACT = 2500  # pairs of patients up to which the probability of an AUC is counted, not approximated
MAX_CATEGORIES, PATIENTS_PER_CATEGORY = 10, 4  # of a column of numbers that is read as categories


@dataclass(frozen=True)
class TellingColumn:
    """A column from which the class of a patient can be read.

    Parameters
    ----------
    name : str
        The column.
    text : str
        How well it tells the class, in words with the value.
    auc : float
        The AUC by patient of a column of numbers; NaN for categories.
    without_error : bool
        Whether categories tell the class of every patient.
    """

    name: str
    text: str
    auc: float = float("nan")
    without_error: bool = False


def by_patient(table: pd.DataFrame, numbers: Sequence[str], words: Sequence[str]) -> pd.DataFrame:
    """One row for each patient: label, the means of numbers, and the first filled cell of words.

    A patient with lesions of several classes has a row for each class.

    Parameters
    ----------
    table : DataFrame
        patient, label and the columns, one row for each lesion.
    numbers, words : sequence of str
        Columns of numbers, and columns of words.
    """
    groups = table.groupby(["patient", "label"], sort=False)
    first = groups[list(words)].first()
    rows = first.join(groups[list(numbers)].mean()) if numbers else first
    return rows.reset_index("label")


def too_few_patients(patients: pd.DataFrame, columns: int) -> str:
    """Why a telling column could be chance, whatever its values; "" with patients enough.

    With few patients and many columns, one of these is expected to order the classes by chance.
    """
    counts = patients["label"].value_counts()
    if len(counts) < 2:
        return "the patients have one class"
    n, smallest = int(counts.sum()), int(counts.min())
    asked = len(_asked_classes(patients["label"]))
    expected = 2 * columns * asked / comb(n, smallest)
    if expected < MAX_EXPECTED:
        return ""
    return (
        f"with {smallest} of {n} patients in the smallest class, {expected:.2g} of {columns} "
        "columns are expected to separate it without error by chance"
    )


def telling_numbers(patients: pd.DataFrame, columns: Sequence[str]) -> list[TellingColumn]:
    """Find columns of numbers whose AUC for a class is above .95, the highest first.

    The AUC is that of the class against the rest, in the direction in which it is above .5.

    Parameters
    ----------
    patients : DataFrame
        One row for each patient, see `by_patient`; values may be missing.
    columns : sequence of str
        Columns of numbers.
    """
    if not len(columns):
        return []
    values = patients[list(columns)].to_numpy(float)
    ranks = rankdata(values, axis=0, nan_policy="omit")
    known = ~np.isnan(values)
    classes = _asked_classes(patients["label"])
    telling = []
    for name in classes:
        inside = (patients["label"] == name).to_numpy()
        n_in, n_out = (known & inside[:, None]).sum(axis=0), (known & ~inside[:, None]).sum(axis=0)
        wins = np.nansum(ranks[inside], axis=0) - n_in * (n_in + 1) / 2
        auc = wins / np.maximum(n_in * n_out, 1)
        auc = np.where(n_in * n_out, np.maximum(auc, 1 - auc), 0.5)
        for column in map(int, np.flatnonzero(auc > MIN_AUC)):
            cells = values[:, column]
            chance = _chance(cells[inside & known[:, column]], cells[~inside & known[:, column]])
            if chance * len(columns) * len(classes) < MAX_EXPECTED:
                text = f"an AUC of {auc[column]:.3f} for {name}"
                telling.append(TellingColumn(str(columns[column]), text, float(auc[column])))
    return sorted(telling, key=lambda column: -column.auc)


def _asked_classes(labels: pd.Series) -> list[str]:
    """The classes to tell from the rest; of two classes one, as the other is its mirror image."""
    classes = sorted(labels.unique())
    return classes if len(classes) > 2 else classes[:1]


def _chance(inside: np.ndarray, outside: np.ndarray) -> float:
    """Probability of an AUC so far from .5 where the class does not matter."""
    method = "exact" if len(inside) * len(outside) <= EXACT else "asymptotic"
    return float(mannwhitneyu(inside, outside, method=method).pvalue)


def telling_categories(
    patients: pd.DataFrame, words: Sequence[str], numbers: Sequence[str] = ()
) -> list[TellingColumn]:
    """Find columns of categories that tell the class of nearly all patients.

    A patient's class is told by the other patients of the same category, so that a category of one
    patient tells nothing. Words are read in full, by their letters alone (`colon_0` is `colon`) and
    by a word within them; whether a cell is empty is a category too. Of one column the best of
    these readings counts, and of equals the one with the fewest categories.

    Parameters
    ----------
    patients : DataFrame
        One row for each patient, see `by_patient`.
    words : sequence of str
        Columns of words.
    numbers : sequence of str
        Columns of numbers, which are read as categories where they have few values.
    """
    label = patients["label"].to_numpy(str)
    majority = pd.Series(label).value_counts(normalize=True).max()
    asked = len(words) + len(numbers)
    telling = []
    for name in [*words, *numbers]:
        readings = (
            _word_readings(patients[name]) if name in words else _number_readings(patients[name])
        )
        told = [(right_by_others(cells, label), how, cells) for how, cells in readings]
        if not told:
            continue
        right, how, cells = max(told, key=lambda reading: (reading[0], -len(np.unique(reading[2]))))
        wrong = len(label) - right
        if wrong <= max(1, MAX_WRONG * len(label)) and (
            _at_least(right, len(label), majority) * asked * len(told) < MAX_EXPECTED
        ):
            text = (
                f"{how} the class of {right} of {len(label)} patients (Cramér's V "
                f"{cramers_v(cells, label):.2f})"
            )
            telling.append(TellingColumn(name, text, without_error=not wrong))
    return telling


def _word_readings(cells: pd.Series) -> Iterator[tuple[str, np.ndarray]]:
    """The ways to read a column of words as categories: how it tells, and the categories."""
    text = cells.astype(object).where(cells.notna(), "").astype(str).str.casefold().str.strip()
    yield "it tells", text.to_numpy(str)
    letters = text.str.replace(r"[\W\d_]+", " ", regex=True).str.strip()
    yield "its words tell", letters.to_numpy(str)
    counts = letters.str.split().explode().value_counts()
    for word in counts[counts >= 2].index:
        yield (
            f"its word {word!r} tells",
            letters.str.split().map(lambda w, x=word: x in w).to_numpy(),
        )


def _number_readings(cells: pd.Series) -> Iterator[tuple[str, np.ndarray]]:
    """The ways to read a column of numbers as categories; none where it has many values."""
    values = cells.to_numpy(float)
    missing = np.isnan(values)
    if missing.any() and not missing.all():
        yield "whether it is missing tells", missing
    different = len(np.unique(values[~missing]))
    if different <= min(MAX_CATEGORIES, len(values) // PATIENTS_PER_CATEGORY):
        yield "it tells", np.where(missing, np.inf, values)


def right_by_others(categories: np.ndarray, label: np.ndarray) -> int:
    """Count the patients whose class is the most frequent one of others in their category.

    Where no other patient has the category, the most frequent class of all others is told; of
    two classes as frequent neither is.
    """
    counts, rows, columns = _counts(categories, label)
    own = np.eye(counts.shape[1], dtype=int)[columns]
    others = counts[rows] - own
    alone = others.sum(axis=1) == 0
    others[alone] = counts.sum(axis=0) - own[alone]
    of_own_class = others[np.arange(len(label)), columns]
    rivals = np.where(own == 1, -1, others).max(axis=1)
    return int(np.count_nonzero(of_own_class > rivals))


def _counts(categories: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Patients of each category (rows) and class (columns), and each patient's row and column."""
    _, rows = np.unique(categories, return_inverse=True)
    _, columns = np.unique(label, return_inverse=True)
    counts = np.zeros((rows.max() + 1, columns.max() + 1), int)
    np.add.at(counts, (rows, columns), 1)
    return counts, rows, columns


def _at_least(right: int, n: int, share: float) -> float:
    """Probability that `right` or more of `n` patients are told by chance, each with `share`."""
    return float(sum(comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(right, n + 1)))


def cramers_v(categories: np.ndarray, label: np.ndarray) -> float:
    """Cramér's V of two columns of categories, corrected for chance: 0 none, 1 full association.

    Bergsma 2013, doi:10.1016/j.jkss.2012.10.002. NaN where one column has one category.
    """
    counts, _, _ = _counts(categories, label)
    n, (rows, columns) = counts.sum(), counts.shape
    if min(rows, columns) < 2:
        return float("nan")
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / n
    phi2 = ((counts - expected) ** 2 / expected).sum() / n
    corrected = max(0.0, phi2 - (rows - 1) * (columns - 1) / (n - 1))
    rows_, columns_ = (k - (k - 1) ** 2 / (n - 1) for k in (rows, columns))
    smaller = min(rows_, columns_) - 1
    return float(min(1.0, np.sqrt(corrected / smaller))) if smaller > 0 else float("nan")
