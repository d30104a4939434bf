"""Paired differences in AUC between arms, on the lesions that both scored.

The comparisons are those that a reader asks for. One of them may be named before the study as the
primary one (`evaluation.primary_comparison`); all others are secondary.
"""

import logging
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from livermets.evaluation.evaluate import REFERENCE
from livermets.evaluation.intervals import Difference, Interval
from livermets.evaluation.levels import headline_level, levels_of
from livermets.evaluation.metric_intervals import UNDEFINED, MetricSample
from livermets.evaluation.multiplicity import with_holm
from livermets.evaluation.scored_arms import ArmTables, ScoredArm, arm_tables, scored_arms
from livermets.study.arms import REFERENCE_SETS, SELECTED, Arm, baseline_arm
from livermets.study.names import DENSENET, EMBEDDINGS, RADIOMICS, WITH_EMBEDDINGS, lesion_key
from livermets.study.outputs import LEVELS

log = logging.getLogger(__name__)

COLUMNS = (
    "against",
    "arm",
    "reference",
    "scheme",
    "level",
    "metric",
    "difference",
    "low",
    "high",
    "p",
    "p_holm",
    "primary",
    "no_interval",
    "n_patients",
)
SHARED_BASELINES = ("burden", "clinical")  # that the selected arm and DenseNet are compared with
PRIMARY_SCHEME = "cv"  # without a cross-validation the first scheme
NOTHING_SHARED = (
    "they scored no lesion of a split in common, as where two tables number lesions differently"
)
SampledInterval = tuple[MetricSample, Interval]


def compare_arms(
    predictions: pd.DataFrame,
    classes: list[str],
    positive: str,
    reference: str = REFERENCE,
    primary: Sequence[str] | None = None,
    levels: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Compute paired differences in AUC between each arm and the arms that it is compared with.

    The comparisons, named in `against`:

    - "volume": every arm but the baselines with the arm `reference`.
    - "burden", "clinical": the selected arm and DenseNet with these baselines, and
      "clinical" also radiomics with clinical columns against clinical columns alone.
    - "radiomics": DenseNet with the selected radiomics arm, the question of Tharmaseelan et al.
      2023 (doi:10.1186/s40644-023-00612-4).
    - "as is": every resampled arm with the same model without resampling.
    - "sets": every arm that learns from a choice of feature sets with the same arm that learns from
      `original`, and with nothing else; "embeddings": radiomics with embeddings of another network
      with these embeddings alone.
    - "pooling": every arm that pools slices or lesions in another way with the same arm by the
      mean; attention over the radiomics of lesions with the selected radiomics arm.
    - "fused radiomics", "fused network": radiomics and DenseNet joined with each of them alone.
    - "primary": the two arms of `primary`, if no other comparison has them.

    Lesions that only one of two arms scored are left out. Arms without a lesion in common are
    compared by patient alone.

    Parameters
    ----------
    predictions : DataFrame
        As in `livermets.evaluation.evaluate.evaluate`.
    classes : list of str
        Class names.
    positive : str
        The class that `score` is the probability of.
    reference : str
        The arm that the comparison "volume" is made with.
    primary : sequence of two str, optional
        Arm and reference of the comparison that was named before the study.
    levels : sequence of str, optional
        The levels at which arms are compared; by default all that the predictions allow.

    Returns
    -------
    DataFrame
        The columns `COLUMNS`. `p_holm` is corrected over the arms of one comparison, scheme and
        level. `primary` marks the one row of the primary comparison, by patient (by lesion where
        lesions carry the label) and in the cross-validation where there is one; as the one
        comparison named before the study, it may be quoted with `p` alone. `no_interval` says why
        there is no interval. Empty where there is nothing to compare.
    """
    tables = arm_tables(predictions, classes, positive)
    levels = levels_of(predictions) if levels is None else levels
    headline = headline_level(levels)
    pairs = _pairs(tables, reference, primary)
    compared = {key for _, first, second in pairs for key in (first, second)}
    # computed once, since most arms scored the same lesions and are compared several times
    compared_tables = {key: tables[key] for key in tables if key in compared}
    of_all_lesions = _auc_intervals(compared_tables, classes, positive, levels)
    schemes = list(dict.fromkeys(scheme for _, scheme in tables))
    scheme = PRIMARY_SCHEME if PRIMARY_SCHEME in schemes else schemes[0]
    rows = []
    for against, first, second in pairs:
        parts, shared = _shared_rows(tables[first], tables[second])
        names: dict[str, Any] = {"against": against, "arm": first[0], "reference": second[0]}
        names |= {"scheme": first[1], "metric": "auc", "n_patients": parts[0]["patient"].nunique()}
        if not set(levels) <= set(shared):
            log.warning("arms %s and %s: %s", first[0], second[0], NOTHING_SHARED)
        same_lesions = len(parts[0]) == len(tables[first]) and len(parts[1]) == len(tables[second])
        intervals = of_all_lesions
        if not same_lesions and shared:
            of_both = {first: parts[0], second: parts[1]}
            intervals = _auc_intervals(of_both, classes, positive, levels)
        is_primary = primary is not None and (*primary, scheme) == (first[0], second[0], first[1])
        for level in levels:
            values: dict[str, float | str] = {"no_interval": NOTHING_SHARED}
            if level in shared:
                values = difference_values(intervals[*first, level], intervals[*second, level])
            of_level = {"level": level, "primary": is_primary and level == headline}
            rows.append(names | of_level | values)
    result = pd.DataFrame(rows, columns=[name for name in COLUMNS if name != "p_holm"])
    return with_holm(result, ["against", "scheme", "level"])[list(COLUMNS)]


def auc_interval(scored: ScoredArm) -> SampledInterval:
    """Compute the interval of an arm's AUC, with the patients that it is computed from."""
    sample = scored.sample(next(iter(scored.repeats[0].rows)) if scored.binary else None)
    return sample, sample.interval("auc", scored.auc())


def difference_values(first: SampledInterval, second: SampledInterval) -> dict[str, float | str]:
    """Compute a difference of two AUCs, its interval, its p-value, or why there is none.

    Parameters
    ----------
    first, second : tuple of (MetricSample, Interval)
        The AUC of both arms on the same patients.

    Returns
    -------
    dict
        difference, low, high, p and no_interval.
    """
    difference = Difference(first[1], second[1])
    reason = next(
        (text for sample, interval in (first, second)
         if (text := sample.reason("auc", interval.estimate.value))), "",
    )  # fmt: skip
    if not reason and difference.alike:
        reason = "the two arms rank all pairs alike"
    values: dict[str, float | str] = {"difference": difference.value, "no_interval": reason}
    if reason:
        return values | {"low": math.nan, "high": math.nan, "p": math.nan}
    bounds = difference.bounds()
    if math.isnan(bounds.low):
        values["no_interval"] = UNDEFINED
    return values | {"low": bounds.low, "high": bounds.high, "p": difference.p_value()}


def _auc_intervals(
    tables: ArmTables, classes: list[str], positive: str, levels: Sequence[str]
) -> dict[tuple[str, str, str], SampledInterval]:
    """The interval of the AUC of each arm, scheme and level."""
    return {
        (scored.arm, scored.scheme, scored.level): auc_interval(scored)
        for scored in scored_arms(tables, classes, positive, levels=levels)
    }


def _pairs(
    tables: ArmTables, volume: str, primary: Sequence[str] | None
) -> list[tuple[str, tuple[str, str], tuple[str, str]]]:
    """The comparisons: their name, and (arm, scheme) of both arms."""
    radiomics = _radiomics_arm({arm for arm, _ in tables})
    pairs = [
        (against, (arm, scheme), (reference, scheme))
        for arm, scheme in tables
        for against, reference in _references(arm, volume, radiomics).items()
        if (reference, scheme) in tables
    ]
    if primary is not None:
        arm, reference = primary
        named = {(first[0], second[0]) for _, first, second in pairs}
        if (arm, reference) not in named:
            schemes = [scheme for name, scheme in tables if name == arm]
            pairs += [
                ("primary", (arm, scheme), (reference, scheme))
                for scheme in schemes
                if (reference, scheme) in tables
            ]
    return pairs


def _radiomics_arm(arms: Collection[str]) -> str:
    """The arm that stands for radiomics: the selected one, or a study's only classifier; or ""."""
    if SELECTED in arms:
        return SELECTED
    classifiers = [
        arm for arm in arms if (parsed := Arm.parse(arm)).resampling and parsed == parsed.plain
    ]
    return classifiers[0] if len(classifiers) == 1 else ""


def _references(arm: str, volume: str, radiomics: str) -> Mapping[str, str]:
    """Comparison -> the arm that this one is compared with."""
    compared = Arm.parse(arm)
    if compared.pooling:
        of_mean = radiomics if compared.model == RADIOMICS else str(compared.by_mean)
        against_volume = {} if compared.family in ("sets", "baseline") else {"volume": volume}
        return against_volume | {"pooling": of_mean}
    if compared.family == "sets":
        reference = replace(compared, feature_sets=REFERENCE_SETS)
        against = {"sets": str(reference)} if compared != reference else {}
        if compared.feature_sets == WITH_EMBEDDINGS:
            against["embeddings"] = str(replace(compared, feature_sets=EMBEDDINGS))
        return against
    references = {}
    if arm != volume and compared.family != "baseline":
        references["volume"] = volume
    if compared.family == "deep" and arm != DENSENET:
        references["pooling"] = DENSENET
    if compared.family == "fusion":
        references |= {"fused radiomics": radiomics, "fused network": DENSENET}
    if arm in (SELECTED, DENSENET):
        references |= {name: baseline_arm(name) for name in SHARED_BASELINES}
    if arm == baseline_arm("radiomics_clinical"):
        references["clinical"] = baseline_arm("clinical")
    if arm == DENSENET:
        references["radiomics"] = SELECTED
    if compared.resampling not in ("", "none"):
        references["as is"] = str(replace(compared, resampling="none"))
    return references


def _shared_rows(
    first: pd.DataFrame, second: pd.DataFrame
) -> tuple[tuple[pd.DataFrame, pd.DataFrame], tuple[str, ...]]:
    """The rows of lesions that both arms scored in the same split, and the levels to compare.

    Where two tables number the lesions differently, the arms are compared by patient alone.
    """
    shared = _rows_with_equal(["split", *lesion_key(first)], first, second)
    if len(shared[0]):
        return shared, tuple(LEVELS)
    shared = _rows_with_equal(["split", "patient"], first, second)
    return shared, ("patient",) if len(shared[0]) else ()


def _rows_with_equal(
    columns: list[str], first: pd.DataFrame, second: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of both tables whose values in these columns both tables have."""
    keys = [pd.MultiIndex.from_frame(part[columns]) for part in (first, second)]
    return first[keys[0].isin(keys[1])], second[keys[1].isin(keys[0])]
