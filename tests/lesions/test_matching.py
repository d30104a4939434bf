"""Lesions of two masks are matched by their overlap."""

import numpy as np
import pytest
from livermets.lesions.matching import match_lesions


def test_lesions_are_matched_by_number_and_by_overlap():
    before, after = np.zeros((2, 4, 20, 20), np.uint16)
    after[1:3, 2:8, 2:8], after[1:3, 12:18, 2:8], after[1:3, 2:8, 12:18] = 1, 2, 3
    before[1:3, 12:18, 2:8], before[1:3, 2:8, 3:8] = 1, 2
    before[0, 19, 19] = 3
    assert match_lesions(before, after) == [(1, 2, 1.0), (2, 1, pytest.approx(5 / 6))]
    assert match_lesions(before * 0, after) == []
