"""Pairs: how many pairs of different classes an AUC ranks, and which class has no member."""

from collections.abc import Iterable

import pandas as pd

from livermets.study.names import lesion_key


def ranked_pairs(table: pd.DataFrame, level: str) -> int:
    """Count the pairs of different classes that were tested in the same split.

    An AUC is the share of these pairs that stand in the right order. In a group of few patients or
    lesions most pairs may be of different splits, so that it rests on few.

    Parameters
    ----------
    table : DataFrame
        The predictions of one arm and scheme: repeat, split, patient, lesion and label.
    level : str
        "patient" counts pairs of patients, another level pairs of lesions.

    Returns
    -------
    int
        The number of pairs; with several repeats the mean of them, rounded.
    """
    if table.empty:
        return 0
    unit = ["patient"] if level == "patient" else lesion_key(table)
    rows = table.drop_duplicates(["repeat", "split", *unit])
    sizes = rows.groupby(["repeat", "split", "label"]).size().groupby(["repeat", "split"])
    pairs = (sizes.sum() ** 2 - sizes.agg(lambda n: (n**2).sum())) / 2
    return round(pairs.sum() / table["repeat"].nunique())


def missing_class(labels: Iterable[str], classes: list[str]) -> str:
    """Say which class has no tested patient in the group; empty where all have."""
    present = set(labels)
    missing = [name for name in classes if name not in present]
    return f"no tested patient of class {', '.join(missing)}" if missing else ""
