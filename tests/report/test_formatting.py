"""Numbers, intervals and p values as text."""

import numpy as np
import pytest
from livermets.report.formatting import number, p_value, with_interval


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((0.873, 0.6, 1.0), "0.87 (0.60–1.00)"),
        ((-0.1, -0.21, 0.02), "−0.10 (−0.21 to 0.02)"),
        ((0.5, np.nan, np.nan), "0.50 (no interval)"),
        ((np.nan, np.nan, np.nan), "not defined"),
    ],
    ids=["above zero", "below zero", "no interval", "not defined"],
)
def test_intervals_print_as_a_paper_would(values, text):
    assert with_interval(*values) == text


def test_numbers_and_p_values_print_sensibly():
    assert number(np.nan) == "–"
    assert [p_value(p) for p in (0.0001, 0.0131, 0.21, np.nan)] == ["< 0.001", "0.013", "0.21", "–"]
