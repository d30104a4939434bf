"""Occlusion in words: what it means that an AUC falls, or does not, where a part is occluded."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from livermets.evaluation.levels import headline_level
from livermets.evaluation.paired_differences import PRIMARY_SCHEME
from livermets.explanation.variants import AS_IS
from livermets.report.formatting import number, with_interval

CHANCE = 0.5


def main_scheme_rows(occlusion: pd.DataFrame) -> pd.DataFrame:
    """The rows of the cross-validation, without one those of the first scheme."""
    schemes = list(occlusion["scheme"].unique())
    scheme = PRIMARY_SCHEME if PRIMARY_SCHEME in schemes else schemes[0]
    return occlusion[occlusion["scheme"] == scheme]


def occlusion_words(occlusion: pd.DataFrame) -> list[str]:
    """Say what the network does without the rim, without the inside, and by the outline alone.

    Parameters
    ----------
    occlusion : DataFrame
        As `livermets.explanation.occlusion_effect.occlusion_effect` returns it.

    Returns
    -------
    list of str
        Sentences, the conclusion first. They speak of the AUC by patient.
    """
    rows = main_scheme_rows(occlusion)
    level = headline_level(rows["level"])
    found = rows[rows["level"] == level].set_index("variant").to_dict("index")
    parts: dict[Any, dict[Any, Any]] = dict(found)
    whole = parts[AS_IS]
    if not whole["low"] > CHANCE:
        return [
            f"The network does not tell the classes apart for certain (AUC {_auc(whole)}), so there"
            " is no cue whose place could be found. What follows describes chance."
        ]
    outline = parts["silhouette"]
    falls = {name: bool(parts[name]["difference_high"] < 0) for name in ("rim", "inside")}
    return [
        _conclusion(bool(outline["low"] > CHANCE), falls),
        *(_fall(name, parts[name], falls[name]) for name in falls),
        _outline(outline),
    ]


def _conclusion(by_outline: bool, falls: dict[str, bool]) -> str:
    """What the three checks say together."""
    if by_outline:
        return (
            "The outline alone tells the classes apart, so a part of what the network found may be"
            " the shape or the size of the lesions in the image, not their texture."
        )
    if falls["rim"] and not falls["inside"]:
        return (
            "The cue is at the rim: without it the network is worse, without the inside it is not"
            " shown to be worse. It may be the border to the black surroundings; be careful."
        )
    if falls["inside"] and not falls["rim"]:
        return (
            "The cue is inside the lesions: without the inside the network is worse, without the"
            " rim it is not shown to be worse, and the outline alone is not shown to tell the"
            " classes apart. The black border is not the cue."
        )
    if falls["inside"] and falls["rim"]:
        return (
            "The network needs both the rim and the inside. The outline alone is not shown to tell"
            " the classes apart, so the black border is not the whole cue."
        )
    return (
        "Neither the rim nor the inside is needed: each alone is not shown to be worse than both."
        " The outline alone is not shown to tell the classes apart, so the black border is not"
        " shown to be the cue."
    )


def _fall(name: str, row: Mapping[Any, Any], falls: bool) -> str:
    """What happens to the AUC without the rim or the inside."""
    difference = with_interval(row["difference"], row["difference_low"], row["difference_high"])
    if row["no_interval"]:
        difference = f"{number(row['difference'])}; no interval, because {row['no_interval']}"
    if falls:
        return f"Without the {name} the AUC falls to {_auc(row)}; difference {difference}."
    return (
        f"Without the {name} the AUC is {_auc(row)}, not shown to be lower; difference"
        f" {difference}."
    )


def _outline(row: Mapping[Any, Any]) -> str:
    if row["low"] > CHANCE:
        return f"By the outline alone it is {_auc(row)}, above chance."
    return f"By the outline alone it is {_auc(row)}, not shown to be above chance."


def _auc(row: Mapping[Any, Any]) -> str:
    return with_interval(row["auc"], row["low"], row["high"])
