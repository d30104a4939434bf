"""Map regions: what share of Grad-CAM's maps lies inside the lesions, on their rim, and outside."""

from collections.abc import Sequence

import pandas as pd

from livermets.explanation.main_splits import main_splits
from livermets.study.names import lesion_key

ALL = "all"
SHARES = tuple(
    f"{what}_{where}" for where in ("inside", "rim", "outside") for what in ("map", "area")
)
COLUMNS = ("label", "calls", "lesions", "patients", "without_map", *SHARES)


def region_table(maps: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """Average the shares of the maps over the patients, in the main scheme.

    A lesion that several repeats tested counts once, by the mean; each patient counts alike.

    Parameters
    ----------
    maps : data frame
        `livermets.explanation.network_study.NetworkLook.maps` of all splits.
    classes : sequence of str
        Class names.

    Returns
    -------
    data frame
        `COLUMNS`: a row for all lesions, and for the right and the wrong calls of each class.
        `map_inside` is the share of the map, `area_inside` that of the image, and so on. Lesions
        without a map are counted in `without_map` and in no mean.
    """
    rows = maps[maps["split"].isin(main_splits(maps["split"].unique()))]
    rows = rows.assign(calls=(rows["label"] == rows["called"]).map({True: "right", False: "wrong"}))
    parts = [(ALL, ALL, rows)]
    parts += [
        (name, calls, rows[(rows["label"] == name) & (rows["calls"] == calls)])
        for name in classes
        for calls in ("right", "wrong")
    ]
    return pd.DataFrame(
        [{"label": name, "calls": calls} | _means(part) for name, calls, part in parts],
        columns=list(COLUMNS),
    )


def _means(rows: pd.DataFrame) -> dict[str, float]:
    """Counts, and the mean shares over patients."""
    key = lesion_key(rows)
    there = rows.dropna(subset="map_inside")
    by_lesion = there.groupby(key)[list(SHARES)].mean()
    means = by_lesion.groupby("patient").mean().mean()
    counts = {
        "lesions": len(rows.drop_duplicates(key)),
        "patients": rows["patient"].nunique(),
        "without_map": len(rows) - len(there),
    }
    return counts | {name: float(means[name]) for name in SHARES}
