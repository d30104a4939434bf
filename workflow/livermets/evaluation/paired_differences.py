"""Paired differences in AUC between arms, on the lesions both scored and the same patient draws."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from livermets.evaluation import bootstrap
from livermets.evaluation.evaluate import REFERENCE, aucs, by_scheme, checked, redraw, repeats_of
from livermets.study.arms import REFERENCE_SETS, Arm
from livermets.study.outputs import LEVELS

COLUMNS = (
    *("against", "arm", "reference", "scheme", "level", "metric", "difference", "low", "high"),
    *("p", "p_holm", "n_patients"),
)
QUESTIONS = ("volume", "as is", "sets")


def compare(
    predictions: pd.DataFrame,
    classes: list[str],
    positive: str,
    draws: int = 2000,
    seed: int = 2023,
    reference: str = REFERENCE,
) -> pd.DataFrame:
    """Does an arm beat lesion volume, does resampling help, and what do feature sets add?

    Every arm that is no baseline is compared with the arm `reference` (`against` "volume"), every
    resampled one with the same model as is ("as is"), and one that learns from other feature sets
    with the same one that learns from `original` ("sets", and with nothing else). Lesions that
    only one of two arms scored are left out. `p_holm` is corrected over the arms of one question,
    scheme and level. Empty where there is nothing to compare with.

    Returns
    -------
    against, arm, reference, scheme, level, metric, difference, low, high, p, p_holm, n_patients
    """
    predictions = checked(predictions, classes, positive, None)
    tables = dict(by_scheme(predictions))
    known: dict = {}  # the AUCs of an arm are asked for again and again

    def areas(table: pd.DataFrame, level: str) -> tuple[np.ndarray, bootstrap.Units]:
        key = (*table[["arm", "scheme"]].iloc[0], level, table.index.to_numpy().tobytes())
        if key not in known:
            drawn = redraw(table, draws, seed, key[1])
            repeats = repeats_of(table, level, classes, positive, drawn.patients)
            known[key] = aucs(repeats, drawn.counts), drawn.units(level)
        return known[key]

    rows = []
    for (arm, scheme), table in tables.items():
        for against, other in _references(arm, reference).items():
            both = _common(table, tables.get((other, scheme)))
            for level in LEVELS if both else ():
                (mine, units), (its, _) = (areas(part, level) for part in both)
                low, high, _ = bootstrap.interval((mine - its)[1:], units)
                difference = float(mine[0] - its[0])
                p = bootstrap.two_sided_p(difference, (mine - its)[1:], units)
                found = {"against": against, "arm": arm, "reference": other, "scheme": scheme}
                found |= {"level": level, "metric": "auc", "difference": difference}
                rows.append(found | {"low": low, "high": high, "p": p,
                                     "n_patients": both[0]["patient"].nunique()})  # fmt: skip
    result = pd.DataFrame(rows, columns=[name for name in COLUMNS if name != "p_holm"])
    result["p_holm"] = np.nan
    for _, index in result.groupby(["against", "scheme", "level"]).groups.items():
        result.loc[index, "p_holm"] = bootstrap.holm(result.loc[index, "p"].to_numpy(float))
    return result[list(COLUMNS)]


def _references(arm: str, volume: str) -> Mapping[str, str]:
    """Question -> the arm that this one is compared with."""
    compared = Arm.parse(arm)
    if compared.family == "sets":
        reference = replace(compared, feature_sets=REFERENCE_SETS)
        return {"sets": str(reference)} if compared != reference else {}
    references = {}
    if arm != volume and compared.family != "baseline":
        references["volume"] = volume
    if compared.resampling not in ("", "none"):
        references["as is"] = str(replace(compared, resampling="none"))
    return references


def _common(
    table: pd.DataFrame, other: pd.DataFrame | None
) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """The rows of lesions that both arms scored, in one order; None where there are none."""
    if other is None:
        return None
    one, two = (
        pd.MultiIndex.from_frame(part[["split", "patient", "lesion"]]) for part in (table, other)
    )
    both = table[one.isin(two)], other[two.isin(one)]
    return both if len(both[0]) else None
