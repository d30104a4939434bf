"""The effect of mask correction: features and AUCs from uncorrected and from final masks."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from livermets.cohort.scans_table import scan_ids
from livermets.core.scan_ids import id_columns
from livermets.evaluation.metric_intervals import bounds_or_reason
from livermets.evaluation.multiplicity import with_holm
from livermets.evaluation.paired_differences import auc_interval, difference_values
from livermets.evaluation.scored_arms import arm_tables, scored_arms
from livermets.features.features_table import LESION_FACTS, feature_columns
from livermets.radiomics.icc import icc31
from livermets.study.names import RADIOMICS, SCAN, lesion_key

AGREEMENT = ("feature", "lesions", "icc", "concordance")
PATIENTS = (
    "patient",
    "uncorrected",
    "final",
    "lesions_uncorrected",
    "lesions",
    "paired",
    "reason",
)
AUCS = (
    "arm",
    "scheme",
    "level",
    "uncorrected",
    "uncorrected_low",
    "uncorrected_high",
    "final",
    "final_low",
    "final_high",
    "difference",
    "low",
    "high",
    "p",
    "p_holm",
    "no_interval",
    "n_patients",
    "n_lost",
)


def correction_tables(
    records: Sequence[Mapping[str, dict[str, Any]]],
    pairs: pd.DataFrame,
    features: Sequence[pd.DataFrame],
    predictions: Sequence[pd.DataFrame],
    **study: Any,
) -> dict[str, pd.DataFrame]:
    """Compare uncorrected and final masks, in several tables.

    Parameters
    ----------
    records : sequence of mapping
        Id of the scan -> record: of the uncorrected masks, the final masks, the uncorrected
        lesions.
    pairs : DataFrame
        Columns patient, scan (if any) and `livermets.lesions.matching.PAIR`.
    features, predictions : sequence of DataFrame
        The tables from uncorrected masks, and from final ones.
    **study : Any
        classes and positive, as `auc_differences` takes them.

    Returns
    -------
    dict of str to DataFrame
        patients (`list_patients`), features (`feature_agreement`), aucs (`auc_differences`).
    """
    uncorrected, final, uncorrected_lesions = records
    final_lesions = Counter(scan_ids(features[1]))
    return {
        "patients": list_patients(uncorrected, final, uncorrected_lesions, final_lesions, pairs),
        "features": feature_agreement(features[0], features[1], pairs),
        "aucs": auc_differences(predictions[0], predictions[1], **study),
    }


def list_patients(
    uncorrected: Mapping[str, dict[str, Any]],
    final: Mapping[str, dict[str, Any]],
    uncorrected_lesions: Mapping[str, dict[str, Any]],
    final_lesions: Mapping[str, int],
    pairs: pd.DataFrame,
) -> pd.DataFrame:
    """List the patients, or scans, with two masks: their origin and numbers of lesions.

    Parameters
    ----------
    uncorrected, final : mapping of str to dict
        Id of the scan -> record of the mask before correction, and of the final one.
    uncorrected_lesions : mapping of str to dict
        Id of the scan -> record of the lesions before correction, or `excluded`.
    final_lesions : mapping of str to int
        Id of the scan -> number of lesions of the final mask.
    pairs : DataFrame
        Columns patient, scan (if any) and `livermets.lesions.matching.PAIR`.

    Returns
    -------
    DataFrame
        The columns `PATIENTS`, one row for each patient; with a column scan after the patient, one
        for each scan.
    """
    rows = []
    paired = Counter(scan_ids(pairs))
    for scan, record in uncorrected.items():
        lesions = uncorrected_lesions[scan]
        excluded = lesions.get("excluded")
        rows.append(
            {
                **id_columns(scan),
                "uncorrected": record.get("source", ""),
                "final": final[scan].get("source", ""),
                "lesions_uncorrected": 0 if excluded else lesions["n_lesions"],
                "lesions": final_lesions.get(scan, 0),
                "paired": paired[scan],
                "reason": excluded["reason"] if excluded else "",
            }
        )
    scan_column = [name for name in rows[0] if name == SCAN] if rows else []
    return pd.DataFrame(rows, columns=[PATIENTS[0], *scan_column, *PATIENTS[1:]])


def feature_agreement(
    uncorrected: pd.DataFrame, final: pd.DataFrame, pairs: pd.DataFrame
) -> pd.DataFrame:
    """Measure how well each feature agrees between uncorrected and final outlines of lesions.

    Parameters
    ----------
    uncorrected, final : DataFrame
        The features tables; `LESION_FACTS` count as features.
    pairs : DataFrame
        patient, scan (if any), lesion_uncorrected, lesion: the numbers of one lesion in both
        masks, of the patients with two masks. (Patients with one mask would agree with themselves.)

    Returns
    -------
    DataFrame
        The columns `AGREEMENT`: the number of pairs with both values; ICC(3,1), whether lesions
        keep their order and distances; Lin's concordance, whether the values are the same. NaN
        where nothing varies.
    """
    features = [name for name in LESION_FACTS if name in final] + feature_columns(
        final, [RADIOMICS]
    )
    owner = lesion_key(pairs)[:-1]
    sides = [
        pairs.merge(table, "left", left_on=[*owner, lesion], right_on=[*owner, "lesion"])
        for table, lesion in ((uncorrected, "lesion_uncorrected"), (final, "lesion"))
    ]
    values = np.stack([table[features].to_numpy(float) for table in sides], axis=1)
    complete = np.isfinite(values).all(axis=1).sum(axis=0)
    columns = zip(features, complete, icc31(values), concordance(values), strict=True)
    return pd.DataFrame(columns, columns=list(AGREEMENT))


def concordance(values: np.ndarray) -> np.ndarray:
    """Compute Lin's concordance correlation coefficient of each feature (doi:10.2307/2532051).

    Parameters
    ----------
    values : ndarray of float, shape (pairs, 2, features)
        Both values of each pair.

    Returns
    -------
    ndarray of float, shape (features,)
        NaN with fewer than two complete pairs, and where nothing varies.
    """
    complete = np.isfinite(values).all(axis=1)
    n = np.maximum(complete.sum(axis=0), 1)
    x, y = (np.where(complete, values[:, side], 0.0) for side in (0, 1))
    mean_x, mean_y = x.sum(axis=0) / n, y.sum(axis=0) / n
    dx, dy = np.where(complete, x - mean_x, 0.0), np.where(complete, y - mean_y, 0.0)
    spread = (dx**2 + dy**2).sum(axis=0) / n + (mean_x - mean_y) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        coefficient = 2 * (dx * dy).sum(axis=0) / n / spread
    rounding = (mean_x**2 + mean_y**2) * 1e-20
    return np.where((complete.sum(axis=0) >= 2) & (spread > rounding), coefficient, np.nan)


def auc_differences(
    uncorrected: pd.DataFrame,
    final: pd.DataFrame,
    classes: list[str],
    positive: str,
) -> pd.DataFrame:
    """Compare the AUCs of every arm trained and tested on uncorrected and on final masks.

    Lesions differ between masks, patients do not: both AUCs are those of the patients whom both
    tables score.

    Parameters
    ----------
    uncorrected, final : DataFrame
        Prediction tables.
    classes : list of str
        Class names.
    positive : str
        The class that `score` is the probability of.

    Returns
    -------
    DataFrame
        The columns `AUCS`. `difference` is final minus uncorrected. `n_lost` is the number of
        patients whom only one of the tables scores. `p_holm` is corrected over the arms of a scheme
        and level.
    """
    tables = [arm_tables(part, classes, positive) for part in (uncorrected, final)]
    shared: tuple[dict, dict] = ({}, {})
    lost = {}
    for key in tables[1]:
        if key not in tables[0]:
            continue
        parts, n_lost = _shared_patients(tables[0][key], tables[1][key])
        if len(parts[0]):
            shared[0][key], shared[1][key] = parts
            lost[key] = n_lost
    rows = []
    scored = (scored_arms(part, classes, positive) for part in shared)
    for first, last in zip(*scored, strict=True):
        row = {"arm": last.arm, "scheme": last.scheme, "level": last.level}
        intervals = {"uncorrected": auc_interval(first), "final": auc_interval(last)}
        for name, (sample, interval) in intervals.items():
            bounds, _ = bounds_or_reason(sample, "auc", interval)
            row |= {name: interval.estimate.value}
            row |= {f"{name}_low": bounds.low, f"{name}_high": bounds.high}
        row |= difference_values(intervals["final"], intervals["uncorrected"])
        n_patients = len(last.tested.patients)
        rows.append(row | {"n_patients": n_patients, "n_lost": lost[last.arm, last.scheme]})
    result = pd.DataFrame(rows, columns=[name for name in AUCS if name != "p_holm"])
    return with_holm(result, ["scheme", "level"])[list(AUCS)]


def _shared_patients(
    first: pd.DataFrame, second: pd.DataFrame
) -> tuple[tuple[pd.DataFrame, pd.DataFrame], int]:
    """The rows of patients whom both tables score in the same split, and the number of others."""
    keys = [pd.MultiIndex.from_frame(part[["split", "patient"]]) for part in (first, second)]
    shared = first[keys[0].isin(keys[1])], second[keys[1].isin(keys[0])]
    patients = set(first["patient"]) | set(second["patient"])
    return shared, len(patients - set(shared[0]["patient"]))
