"""The time that long work still takes, in words."""

import pytest
from livermets.core.progress import time_left


@pytest.mark.parametrize(
    ("elapsed_s", "done", "total", "words"),
    [
        (10, 1, 5, "40 s"),
        (60, 0.5, 8, "15 min"),
        (3600, 3, 13, "3 h 20 min"),
        (5970, 1, 2, "1 h 40 min"),
        (50, 5, 5, "0 s"),
    ],
    ids=["seconds", "minutes", "hours", "100 minutes", "done"],
)
def test_the_time_left_is_that_of_the_work_so_far_in_proportion(elapsed_s, done, total, words):
    assert time_left(elapsed_s, done, total) == words
