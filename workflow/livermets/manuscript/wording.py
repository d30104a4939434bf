"""Wording of numbers and lists in the sentences of a paper."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any


def enumerate_words(words: Iterable[object]) -> str:
    """Join words as a sentence does: "a", "a and b", "a, b and c".

    >>> enumerate_words(["age", "sex", "stage"])
    'age, sex and stage'
    """
    *others, last = [str(word) for word in words] or [""]
    return f"{', '.join(others)} and {last}" if others else last


def counted(number: int, one: str, many: str = "") -> str:
    """Write a number with its noun.

    >>> counted(1, "patient"), counted(1200, "patient")
    ('1 patient', '1,200 patients')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def median_range(values: Sequence[float], unit: str = "", digits: int = 1) -> str:
    """Write median and range of numbers; one number where all are alike.

    >>> median_range([1.0, 1.5, 5.0], "mm")
    'median 1.5 mm (range 1.0 to 5.0)'
    >>> median_range([5.0, 5.0], "mm")
    '5.0 mm'
    """
    unit = f" {unit}" if unit else ""
    low, high = min(values), max(values)
    if math.isclose(low, high):
        return f"{low:.{digits}f}{unit}"
    return f"median {median(values):.{digits}f}{unit} (range {low:.{digits}f} to {high:.{digits}f})"


def with_counts(values: Iterable[object]) -> str:
    """Write the different values with how often each occurs, the most frequent first.

    >>> with_counts(["Siemens", "GE", "Siemens"])
    'Siemens (n = 2) and GE (n = 1)'
    """
    counts = sorted(Counter(map(str, values)).items(), key=lambda pair: (-pair[1], pair[0]))
    return enumerate_words(f"{value} (n = {count})" for value, count in counts)


def present(records: Iterable[dict[str, Any]], key: str) -> list[Any]:
    """Collect the values of a key from the records that state it."""
    return [record[key] for record in records if record.get(key) is not None]
