"""The slices that a reader sees hide no lesion and no part of the liver."""

import numpy as np
import pytest
from livermets.review.slice_choice import MAX_GAP_MM, MIN_GAP_MM, SHOWN, choose_slices


def random_liver(rng: np.random.Generator, n: int, lesions: int):
    """A liver in n slices, a margin of CT around it, and the areas of lesions of any height."""
    margin = 12
    liver = np.zeros(n + 2 * margin, bool)
    liver[margin : margin + n] = True
    areas = {}
    for lesion in range(1, lesions + 1):
        height = int(rng.integers(1, min(9, n)))
        start = margin + int(rng.integers(0, n - height))
        areas[lesion] = np.zeros(len(liver), int)
        areas[lesion][start : start + height] = rng.integers(1, 50, height)
    return liver, areas


@pytest.mark.parametrize("step_mm", [0.8, 1.0, 2.0, 3.0, 5.0, 10.0, 12.5], ids=str)
@pytest.mark.parametrize("lesions", [0, 1, 60], ids=str)
def test_every_lesion_both_ends_and_no_wide_gap_are_shown(step_mm, lesions):
    rng = np.random.default_rng(lesions)
    for _ in range(5):
        liver, areas = random_liver(rng, max(10, int(200 / step_mm)), lesions)
        slices = choose_slices(liver, areas, step_mm)
        assert (np.diff(slices) < 0).all()  # from head to foot, each once
        first, last = np.flatnonzero(liver)[[0, -1]]
        assert {first, last} <= set(slices)
        assert slices[0] > last and slices[-1] < first  # beyond the mask
        assert (-np.diff(slices)).max() * step_mm <= max(MAX_GAP_MM, step_mm) + 1e-9
        for area in areas.values():
            assert area[slices].max() >= SHOWN * area.max()


def test_slices_that_look_alike_are_drawn_only_for_a_lesion_of_their_own():
    rng = np.random.default_rng(7)
    for _ in range(20):
        liver, areas = random_liver(rng, 200, 12)
        slices = choose_slices(liver, areas, 1.0)
        ends = {*np.flatnonzero(liver)[[0, -1]], slices[0], slices[-1]}
        shown = {z: {n for n, a in areas.items() if a[z] >= SHOWN * a.max()} for z in slices}
        for one, other in zip(slices, slices[1:], strict=False):
            if one - other >= MIN_GAP_MM:
                continue
            for z in {one, other} - ends:
                elsewhere = set().union(*(shown[s] for s in slices if s != z))
                assert shown[z] - elsewhere, (one, other)


def test_a_liver_that_fills_the_ct_is_shown_to_its_borders():
    assert choose_slices(np.ones(3, bool), {}, 5.0).tolist() == [2, 0]
    assert choose_slices(np.ones(5, bool), {}, 5.0).tolist() == [4, 2, 0]
