"""Choice of the slices that a reader sees: every lesion, both ends of the liver, no wide gap."""

from collections.abc import Mapping

import numpy as np

MAX_GAP_MM = 10.0  # between neighbouring slices, so that no lesion of this size lies between them
MIN_GAP_MM = 4.0  # nearer ones look alike, and are drawn only if each shows a lesion of its own
SHOWN = 0.5  # a slice shows a lesion with this share of its largest area


def choose_slices(liver: np.ndarray, areas: Mapping[int, np.ndarray], step_mm: float) -> np.ndarray:
    """Choose axial slices from head to foot.

    Parameters
    ----------
    liver : ndarray of bool, shape (slices,)
        Which slices the mask reaches.
    areas : mapping of int to ndarray of int, shape (slices,)
        The area of each lesion in each slice.
    step_mm : float
        Distance of neighbouring slices.

    Returns
    -------
    ndarray of int
        Indices in descending order. They hold the uppermost and lowest slice of the liver and, as
        far as the CT goes, one beyond each, where a reader sees whether the mask ends too early;
        each lesion in a slice with at least `SHOWN` of its largest area; and no two neighbours
        further apart than `MAX_GAP_MM` (or one step of the CT). Two are nearer than `MIN_GAP_MM`
        only if each shows a lesion, or an end of the liver, that the other does not.
    """
    first, last = np.flatnonzero(liver)[[0, -1]]
    beyond = max(1, int(MAX_GAP_MM / 2 / step_mm))
    ends = {int(first), int(last)}
    ends |= {int(max(first - beyond, 0)), int(min(last + beyond, len(liver) - 1))}
    shown = {n: set(np.flatnonzero(area >= SHOWN * area.max())) for n, area in areas.items()}
    chosen = ends | _cover(shown, areas, ends, MIN_GAP_MM / step_mm)
    widest = max(1, int(MAX_GAP_MM / step_mm))
    return np.array(sorted(_fill_gaps(chosen, widest), reverse=True))


def _cover(
    shown: Mapping[int, set], areas: Mapping[int, np.ndarray], chosen: set[int], nearest: float
) -> set[int]:
    """Slices that show all lesions which `chosen` does not.

    Those that show the most come first, then those at least `nearest` slices from the others, then
    those that show the lesions at their largest. A slice that later ones make needless is left out.
    """
    hidden = {lesion for lesion, slices in shown.items() if not slices & chosen}
    added: list[int] = []
    while hidden:
        worth = {}
        for z in sorted(set().union(*(shown[lesion] for lesion in hidden))):
            seen = [lesion for lesion in hidden if z in shown[lesion]]
            is_far = min(abs(z - other) for other in (*chosen, *added)) >= nearest
            worth[z] = len(seen), is_far, sum(areas[n][z] / areas[n].max() for n in seen)
        best = max(worth, key=lambda z: worth[z])
        added.append(int(best))
        hidden = {lesion for lesion in hidden if best not in shown[lesion]}
    for z in list(added):
        others = chosen | (set(added) - {z})
        if all(slices & others for slices in shown.values()):
            added.remove(z)
    return set(added)


def _fill_gaps(chosen: set[int], widest: int) -> set[int]:
    """The slices, and evenly spread ones between neighbours that lie too far apart."""
    places = sorted(chosen)
    filled = set(places)
    for low, high in zip(places, places[1:], strict=False):
        parts = -(-(high - low) // widest)
        filled |= {int(z) for z in np.linspace(low, high, parts + 1).round()}
    return filled
