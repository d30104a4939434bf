"""Paired differences in AUC between arms, on the lesions that both scored and the same draws."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from livermets.evaluation import bootstrap
from livermets.evaluation.evaluate import REFERENCE
from livermets.evaluation.resamples import ArmTables, arm_tables, resamples
from livermets.study.arms import REFERENCE_SETS, Arm
from livermets.study.outputs import LEVELS

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
    "n_patients",
)
AucDraws = dict[tuple[str, str, str], tuple[np.ndarray, bootstrap.SampleSize]]


def compare_arms(
    predictions: pd.DataFrame,
    classes: list[str],
    positive: str,
    draws: int = 2000,
    seed: int = 2023,
    reference: str = REFERENCE,
) -> pd.DataFrame:
    """Compute paired differences in AUC between each arm and the arms that it is compared with.

    There are three comparisons, named in `against`. "volume": every arm but the baselines with the
    arm `reference`. "as is": every resampled arm with the same model without resampling. "sets":
    every arm that learns from a choice of feature sets with the same arm that learns from
    `original`, and with nothing else. Lesions that only one of two arms scored are left out.

    Parameters
    ----------
    predictions : DataFrame
        As in `livermets.evaluation.evaluate.evaluate`.
    classes : list of str
        Class names.
    positive : str
        The class that `score` is the probability of.
    draws : int
        Number of bootstrap draws of patients.
    seed : int
        The study's seed.
    reference : str
        The arm that the comparison "volume" is made with.

    Returns
    -------
    DataFrame
        The columns `COLUMNS`. `p_holm` is corrected over the arms of one comparison, scheme and
        level. Empty where there is nothing to compare with.
    """
    tables = arm_tables(predictions, classes, positive)

    def auc_draws(parts: ArmTables) -> AucDraws:
        return {
            (one.arm, one.scheme, one.level): (one.auc(), one.draws.sample_size(one.level))
            for one in resamples(parts, classes, positive, draws, seed)
        }

    pairs = [
        (against, (arm, scheme), (other, scheme))
        for arm, scheme in tables
        for against, other in _references(arm, reference).items()
        if (other, scheme) in tables
    ]
    compared = {key for _, first, second in pairs for key in (first, second)}
    # computed once, since most arms scored the same lesions and are compared several times
    of_all_lesions = auc_draws({key: tables[key] for key in tables if key in compared})
    rows = []
    for against, first, second in pairs:
        parts = _shared_lesions(tables[first], tables[second])
        n_patients = parts[0]["patient"].nunique()
        if not n_patients:
            continue
        same_lesions = len(parts[0]) == len(tables[first]) and len(parts[1]) == len(tables[second])
        aucs = of_all_lesions if same_lesions else auc_draws({first: parts[0], second: parts[1]})
        for level in LEVELS:
            auc, sample_size = aucs[*first, level]
            reference_auc, _ = aucs[*second, level]
            names = {"against": against, "arm": first[0], "reference": second[0]}
            names |= {"scheme": first[1], "level": level, "metric": "auc"}
            values = difference_values(auc - reference_auc, sample_size)
            rows.append(names | values | {"n_patients": n_patients})
    result = pd.DataFrame(rows, columns=[name for name in COLUMNS if name != "p_holm"])
    return bootstrap.with_holm(result, ["against", "scheme", "level"])[list(COLUMNS)]


def difference_values(draws: np.ndarray, sample_size: bootstrap.SampleSize) -> dict[str, float]:
    """Compute a difference, its interval and p-value from its draws (the cohort's own first)."""
    difference = float(draws[0])
    low, high, _ = bootstrap.interval(draws[1:], sample_size)
    p = bootstrap.two_sided_p(difference, draws[1:], sample_size)
    return {"difference": difference, "low": low, "high": high, "p": p}


def _references(arm: str, volume: str) -> Mapping[str, str]:
    """Comparison -> the arm that this one is compared with."""
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


def _shared_lesions(first: pd.DataFrame, second: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of lesions that both arms scored in the same split."""
    keys = [
        pd.MultiIndex.from_frame(part[["split", "patient", "lesion"]]) for part in (first, second)
    ]
    return first[keys[0].isin(keys[1])], second[keys[1].isin(keys[0])]
