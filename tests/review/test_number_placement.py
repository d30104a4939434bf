"""Numbers of lesions stand beside them, in the picture, and not upon each other."""

import numpy as np
from livermets.review.number_placement import place_numbers

SIZE = (12.0, 10.0)


def disc(row: int, column: int, radius: int, shape=(200, 300)) -> np.ndarray:
    y, x = np.ogrid[: shape[0], : shape[1]]
    return (y - row) ** 2 + (x - column) ** 2 <= radius**2


def boxes(centres):
    half = np.array(SIZE) / 2
    return [(*(np.array(centre) - half), *(np.array(centre) + half)) for centre in centres]


def test_numbers_of_a_crowd_cover_neither_each_other_nor_a_lesion():
    rng = np.random.default_rng(2)
    lesions = [disc(*rng.integers(10, (190, 290)), int(rng.integers(2, 8))) for _ in range(30)]
    taken = [(0.0, 0.0, 60.0, 20.0)]
    placed = boxes(place_numbers(lesions, [SIZE] * 30, (200, 300), taken))
    for i, (left, top, right, bottom) in enumerate(placed):
        assert left >= 0 and top >= 0 and right <= 300 and bottom <= 200
        for other in [*placed[:i], *taken]:
            apart = right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top
            assert apart
        under = np.s_[round(top) : round(bottom), round(left) : round(right)]
        assert not any(lesion[under].any() for lesion in lesions)


def test_a_number_stands_close_to_its_lesion():
    ((x, y),) = place_numbers([disc(100, 150, 10)], [SIZE], (200, 300))
    assert np.hypot(x - 150, y - 100) < 10 + np.hypot(*SIZE) / 2 + 2


def test_a_lesion_that_fills_the_picture_has_its_number_upon_it():
    ((x, y),) = place_numbers([np.ones((40, 40), bool)], [SIZE], (40, 40))
    assert 0 <= x <= 40 and 0 <= y <= 40
