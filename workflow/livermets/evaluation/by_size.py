"""Results by size of lesion: every metric of every arm in each stratum of size.

Texture repeats the size of a lesion (Welch 2019, PMID 30416044). An arm that tells the classes over
all lesions, and in no stratum of size, has learned the size. Each stratum is measured by lesion,
with intervals over the patients who have such lesions, and each arm is compared in it with lesion
volume alone.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from livermets.evaluation.claims import ALPHA
from livermets.evaluation.evaluate import REFERENCE, evaluate
from livermets.evaluation.multiplicity import with_holm
from livermets.evaluation.paired_differences import compare_arms
from livermets.evaluation.pairs import missing_class, ranked_pairs
from livermets.evaluation.scored_arms import DEFAULT_THRESHOLD, arm_tables
from livermets.evaluation.subgroup_members import ALL, Subgroup, lesion_subgroups
from livermets.study.names import lesion_key

DIFFERENCE = "auc_difference"  # the AUC minus that of lesion volume alone
COUNTS = ("n_patients", "n_lesions", "n_positive", "n_pairs")
STRATUM = ("scheme", "variable", "group")
UNDEFINED: dict[str, Any] = {
    "metric": "auc",
    **dict.fromkeys(("value", "low", "high", "p"), math.nan),
    "no_interval": "",
}  # the result of an arm without a lesion in the stratum
COLUMNS = (
    *STRATUM,
    *("arm", "metric", "value", "low", "high", "no_interval", "p", "p_holm"),
    *COUNTS,
)
LEVEL = "lesion"
EVERY_LESION = "all lesions"
# an arm of the user's own may number lesions in another way than the features table
NO_LESION = "no lesion of this size was tested under its number in the features table"
NO_PAIR = "no split tested lesions of both classes of this size"


def measure_by_size(
    predictions: pd.DataFrame,
    sizes: pd.DataFrame | None,
    classes: list[str],
    positive: str,
    threshold: float | str = DEFAULT_THRESHOLD,
) -> pd.DataFrame:
    """Compute every metric of every arm by lesion, over all lesions and in each stratum of size.

    Parameters
    ----------
    predictions : DataFrame
        As in `livermets.evaluation.evaluate.evaluate`.
    sizes : DataFrame or None
        As `subgroup_members.lesion_sizes` returns it; None where the sizes are not known.
    classes : list of str
        Class names.
    positive : str
        The class that `score` is the probability of.
    threshold : float or str
        As in `livermets.evaluation.evaluate.evaluate`.

    Returns
    -------
    DataFrame
        The columns `COLUMNS`, first all lesions. The metric `DIFFERENCE` is the paired difference
        in AUC from lesion volume alone; it alone has p-values, of which `p_holm` is corrected over
        the arms and strata of one scheme and division. `n_positive` counts lesions of the positive
        class, `n_pairs` the pairs that the AUC ranks (`pairs.ranked_pairs`). `no_interval` says why
        there is no interval, or no value. Empty where the sizes are not known.
    """
    if sizes is None:
        return pd.DataFrame(columns=list(COLUMNS))
    tables = arm_tables(predictions, classes, positive)
    rows: list[dict[str, Any]] = []
    for group in _strata(sizes):
        results = _results(_members(predictions, group), classes, positive, threshold)
        for (arm, scheme), table in tables.items():
            tested = _members(table, group)
            names = {"scheme": scheme, "variable": group.variable, "group": group.name, "arm": arm}
            counts = _counts(tested, positive)
            absent = _why_undefined(tested, classes)
            for result in results.get((arm, scheme), [UNDEFINED]):
                if result["metric"] in ("auc", DIFFERENCE) and math.isnan(result["value"]):
                    result = result | {"no_interval": absent}
                rows.append({**names, **counts, **result})
    measured = pd.DataFrame(rows, columns=[name for name in COLUMNS if name != "p_holm"])
    schemes = {scheme: place for place, (_, scheme) in enumerate(tables)}
    measured = measured.sort_values(
        "scheme", key=lambda names: names.map(schemes), kind="stable", ignore_index=True
    )
    return with_holm(measured, ["scheme", "variable"])[list(COLUMNS)]


def arms_that_beat_size(measured: pd.DataFrame) -> pd.DataFrame:
    """List the arms that beat lesion volume alone in a stratum of size.

    As in `claims.beats_reference`, the arm's own interval must lie above 0.5, and the difference
    must be above 0 after Holm's correction.

    Parameters
    ----------
    measured : DataFrame
        As `measure_by_size` returns it.

    Returns
    -------
    DataFrame
        scheme, variable, group and arm.
    """
    key = [*STRATUM, "arm"]
    auc = measured[measured["metric"] == "auc"].set_index(key)["low"]
    pairs = measured[measured["metric"] == DIFFERENCE]
    own = auc.reindex(pd.MultiIndex.from_frame(pairs[key])).to_numpy(float)
    beats = (pairs["low"] > 0) & (pairs["p_holm"] < ALPHA) & (own > 0.5)
    return pairs.loc[beats, key].reset_index(drop=True)


def as_records(measured: pd.DataFrame, positive: str) -> dict[str, Any]:
    """Arrange the results for other programs: scheme, stratum, arm, metric.

    Parameters
    ----------
    measured : DataFrame
        As `measure_by_size` returns it.
    positive : str
        The positive class.

    Returns
    -------
    dict
        `positive`, `reference` (the arm that differences are taken from) and `strata`, a list; a
        number that does not exist is None.
    """
    strata = []
    for names, rows in measured.groupby(list(STRATUM), sort=False):
        arms: dict[str, dict[str, Any]] = {}
        for row in rows.to_dict("records"):
            arm = arms.setdefault(row["arm"], {name: row[name] for name in COUNTS})
            numbers = {name: row[name] for name in ("value", "low", "high", "p", "p_holm")}
            arm[row["metric"]] = {
                name: None if math.isnan(number) else number for name, number in numbers.items()
            } | {"no_interval": row["no_interval"]}
        strata.append(dict(zip(STRATUM, names, strict=True)) | {"arms": arms})
    return {"positive": positive, "reference": REFERENCE, "strata": strata}


def _strata(sizes: pd.DataFrame) -> Iterator[Subgroup]:
    yield Subgroup(ALL, EVERY_LESION, LEVEL, sizes[lesion_key(sizes)])
    yield from lesion_subgroups(sizes)


def _members(predictions: pd.DataFrame, group: Subgroup) -> pd.DataFrame:
    """The predictions of the lesions of a group."""
    keys = list(group.members.columns)
    rows = pd.MultiIndex.from_frame(predictions[keys].astype(group.members.dtypes.to_dict()))
    return predictions[rows.isin(pd.MultiIndex.from_frame(group.members))]


def _results(
    part: pd.DataFrame, classes: list[str], positive: str, threshold: float | str
) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """(arm, scheme) -> its metrics and its difference from volume alone, of one stratum."""
    if part.empty:
        return {}
    metrics = evaluate(part, classes, positive, threshold, levels=(LEVEL,))
    metrics = metrics[metrics["class"] == ""].assign(p=np.nan)
    pairs = compare_arms(part, classes, positive, levels=(LEVEL,))
    pairs = pairs[pairs["against"] == "volume"].assign(metric=DIFFERENCE)
    results: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for table in (metrics, pairs.rename(columns={"difference": "value"})):
        for row in table[["arm", "scheme", *UNDEFINED]].to_dict("records"):
            key = (row.pop("arm"), row.pop("scheme"))
            results.setdefault(key, []).append({str(name): cell for name, cell in row.items()})
    return results


def _counts(tested: pd.DataFrame, positive: str) -> dict[str, int]:
    """Numbers of tested patients, lesions, lesions of the positive class, and pairs."""
    lesions = tested.drop_duplicates(lesion_key(tested))
    return {
        "n_patients": lesions["patient"].nunique(),
        "n_lesions": len(lesions),
        "n_positive": int((lesions["label"] == positive).sum()),
        "n_pairs": ranked_pairs(tested, LEVEL),
    }


def _why_undefined(tested: pd.DataFrame, classes: list[str]) -> str:
    """Why an AUC of these lesions does not exist."""
    return NO_LESION if tested.empty else missing_class(tested["label"], classes) or NO_PAIR
