"""Which arms beat lesion size, over all patients and in strata of size, in words."""

from dataclasses import dataclass

import pandas as pd

from livermets.core.text import list_names
from livermets.evaluation.by_size import DIFFERENCE, arms_that_beat_size
from livermets.evaluation.claims import beats_reference
from livermets.evaluation.evaluate import REFERENCE
from livermets.evaluation.levels import headline_level
from livermets.evaluation.paired_differences import PRIMARY_SCHEME
from livermets.evaluation.subgroup_members import ALL
from livermets.report.formatting import with_interval
from livermets.report.study_results import StudyResults
from livermets.study.arms import Arm
from livermets.study.schemes import scheme_title

NAMED_ARMS = 3  # at most so many are named in one place


@dataclass(frozen=True)
class SizeClaim:
    """Whether any arm beats lesion volume alone.

    Parameters
    ----------
    text : str
        The answer in words.
    beaten : bool
        Whether an arm beats lesion volume over all patients.
    """

    text: str
    beaten: bool


def size_claim(results: StudyResults) -> SizeClaim | None:
    """Say which arms beat lesion volume alone in the cross-validation, or the first scheme.

    Returns
    -------
    SizeClaim or None
        None where lesion volume was not among the arms.
    """
    volume = _volume(results.metrics)
    if volume is None or results.differences is None:
        return None
    scheme, level = volume["scheme"], volume["level"]
    pairs = results.differences
    pairs = pairs[(pairs["against"] == "volume") & (pairs["scheme"] == scheme)]
    claims = beats_reference(results.metrics, pairs, level)
    overall = list(claims.loc[claims["beats"], "arm"])
    by_size = results.by_size
    if by_size is not None:
        by_size = by_size[by_size["scheme"] == scheme]
    sentences = _sentences(overall, f"over all {level}s", by_size)
    value = with_interval(volume["value"], volume["low"], volume["high"])
    sentences.append(
        f"Lesion volume alone has an AUC by {level} of {value} ({scheme_title(scheme).lower()})."
    )
    return SizeClaim(" ".join(sentences), bool(overall))


def _volume(metrics: pd.DataFrame) -> dict | None:
    """The AUC of lesion volume alone in the scheme and at the level of the claim."""
    auc = metrics[(metrics["metric"] == "auc") & (metrics["class"] == "")]
    rows = auc[auc["arm"] == REFERENCE].to_dict("records")
    level = headline_level(auc["level"])
    headline = [row for row in rows if row["level"] == level] or rows
    primary = [row for row in headline if row["scheme"] == PRIMARY_SCHEME] or headline
    return primary[0] if primary else None


def _sentences(overall: list[str], everyone: str, by_size: pd.DataFrame | None) -> list[str]:
    """What beats lesion size, where, and where it cannot be told."""
    known = by_size is not None and not by_size.empty
    strata = _beaten_strata(by_size) if by_size is not None else {}
    few = _strata_of_few(by_size) if by_size is not None else []
    beaten = ({everyone: overall} if overall else {}) | strata
    if beaten:
        places = "; ".join(f"{place}, by {_names(arms)}" for place, arms in beaten.items())
        sentences = [f"Lesion size is beaten {places}."]
        if not overall:
            sentences.append(
                f"{everyone.capitalize()} no arm beats it, corrected for the number of arms."
            )
        elif known and not strata:
            sentences.append("In no stratum of size does an arm beat it.")
    else:
        strata_too = ", nor in any stratum of size" if known else ""
        sentences = [f"No arm beats lesion size {everyone}{strata_too}."]
    if few:
        sentences.append(f"Too few patients to tell: {list_names(few)}.")
    return sentences


def _beaten_strata(by_size: pd.DataFrame) -> dict[str, list[str]]:
    """Stratum, in words -> the arms that beat lesion volume in it; others are left out."""
    beating = arms_that_beat_size(by_size)
    beating = beating[beating["variable"] != ALL]
    return {
        f"among lesions {group}": list(rows["arm"])
        for group, rows in beating.groupby("group", sort=False)
    }


def _strata_of_few(by_size: pd.DataFrame) -> list[str]:
    """Strata in which no arm can be compared with lesion volume."""
    pairs = by_size[(by_size["metric"] == DIFFERENCE) & (by_size["variable"] != ALL)]
    compared = pairs.groupby("group", sort=False)["low"].count()
    return [str(group) for group in by_size["group"].unique() if compared.get(group, 1) == 0]


def _names(arms: list[str]) -> str:
    """The arms in the order of the tables; of more than a few only their number."""
    if len(arms) > NAMED_ARMS:
        return f"{len(arms)} arms"
    return list_names(f"“{Arm.parse(arm).title}”" for arm in sorted(arms, key=Arm.parse))
