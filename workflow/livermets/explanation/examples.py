"""Examples: random lesions to look at, of each class, with a right and with a wrong call."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from livermets.core.seeds import derive_seed

NO_EXAMPLE = -1


def number_examples(maps: pd.DataFrame, examples: int, seed: int) -> pd.DataFrame:
    """Number some random lesions of a split, from which the study's examples are drawn.

    Parameters
    ----------
    maps : data frame
        A row for each lesion of one split: split, patient, label and called.
    examples : int
        The most examples of right calls, and of wrong calls, of each class.
    seed : int
        The study's seed.

    Returns
    -------
    data frame
        The rows with the column example: from 0, or -1 for a lesion that is none.
    """
    drawn = _shuffled(maps, seed, str(maps["split"].iloc[0]))
    chosen = drawn.groupby(["label", "right"], sort=True).head(examples).index
    numbers = pd.Series(NO_EXAMPLE, index=maps.index)
    numbers[chosen] = np.arange(len(chosen))
    return maps.assign(example=numbers.astype("int64"))


def draw_examples(
    maps: pd.DataFrame, classes: Sequence[str], examples: int, seed: int
) -> pd.DataFrame:
    """Draw the examples of the study from those of its splits.

    Parameters
    ----------
    maps : data frame
        `NetworkLook.maps` of one split or more.
    classes : sequence of str
        Class names.
    examples : int
        The most examples of right calls, and of wrong calls, of each class.
    seed : int
        The study's seed.

    Returns
    -------
    data frame
        The rows of the examples by class, right calls first; each patient stands once among the
        right and once among the wrong calls.
    """
    known = maps[maps["example"] != NO_EXAMPLE].sort_values(["split", "example"], kind="stable")
    drawn = _shuffled(known, seed, "examples")
    drawn = drawn.groupby(["label", "right"]).head(examples)
    place = drawn["label"].map({name: k for k, name in enumerate(classes)})
    drawn = drawn.assign(place=place).sort_values(
        ["place", "right"], ascending=[True, False], kind="stable"
    )
    return drawn.drop(columns="place").reset_index(drop=True)


def _shuffled(maps: pd.DataFrame, seed: int, purpose: str) -> pd.DataFrame:
    """The rows in random order with the column right, one of each patient among right and wrong."""
    rng = np.random.default_rng(derive_seed(seed, "explanation", purpose))
    drawn = maps.iloc[rng.permutation(len(maps))]
    drawn = drawn.assign(right=drawn["label"] == drawn["called"])
    return drawn.drop_duplicates(["patient", "right"])
