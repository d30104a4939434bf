"""Does correction matter? Features and AUCs of the same study from uncorrected and final masks."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from livermets.evaluation import bootstrap
from livermets.evaluation.evaluate import aucs, by_scheme, checked, redraw, repeats_of
from livermets.evaluation.metrics import SPAN
from livermets.features.features_table import LESION_FACTS, feature_columns
from livermets.radiomics.icc import icc31
from livermets.study.outputs import LEVELS

AGREEMENT = ("feature", "lesions", "icc", "concordance")
PATIENTS = (
    *("patient", "uncorrected", "final", "lesions_uncorrected", "lesions", "paired", "reason"),
)
AUCS = (
    *("arm", "scheme", "level", "uncorrected", "uncorrected_low", "uncorrected_high"),
    *("final", "final_low", "final_high", "difference", "low", "high", "p", "p_holm"),
    *("n_patients", "n_lost"),
)


def list_patients(
    before: Mapping[str, dict], after: Mapping[str, dict], facts: Mapping[str, dict],
    kept: Mapping[str, int], pairs: pd.DataFrame,
) -> pd.DataFrame:  # fmt: skip
    """One row a patient with two masks (`PATIENTS`).

    Parameters
    ----------
    before, after : patient -> record of the mask before correction and of the final one
    facts : patient -> what `split_lesions` found before correction, or `excluded`
    kept : patient -> lesions of the final mask
    pairs : `livermets.review.agreement_table.PAIRS`
    """
    rows = []
    for patient, record in before.items():
        out = facts[patient].get("excluded")
        rows.append(
            {
                "patient": patient,
                "uncorrected": record.get("source", ""),
                "final": after[patient].get("source", ""),
                "lesions_uncorrected": 0 if out else facts[patient]["n_lesions"],
                "lesions": kept.get(patient, 0),
                "paired": int((pairs["patient"] == patient).sum()),
                "reason": out["reason"] if out else "",
            }
        )
    return pd.DataFrame(rows, columns=list(PATIENTS))


def feature_agreement(
    before: pd.DataFrame, after: pd.DataFrame, pairs: pd.DataFrame
) -> pd.DataFrame:
    """How well each feature of a lesion agrees between its uncorrected and its final outline.

    Parameters
    ----------
    before, after : the features tables; `LESION_FACTS` count as features
    pairs : patient, lesion_uncorrected, lesion: the lesions of the patients with two masks that
        are one; patients with one mask would agree with themselves

    Returns
    -------
    `AGREEMENT`: pairs with both values, ICC(3,1) (do lesions keep their order and distances) and
    Lin's concordance (are the values the same; 10.2307/2532051). NaN where nothing varies.
    """
    features = [name for name in LESION_FACTS if name in after] + feature_columns(after)
    ours, theirs = (
        pairs.merge(table, "left", left_on=["patient", lesion], right_on=["patient", "lesion"])
        for table, lesion in ((before, "lesion_uncorrected"), (after, "lesion"))
    )
    values = np.stack([table[features].to_numpy(float) for table in (ours, theirs)], axis=1)
    known = np.isfinite(values).all(axis=1).sum(axis=0)
    found = zip(features, known, icc31(values), concordance(values), strict=True)
    return pd.DataFrame(found, columns=list(AGREEMENT))


def concordance(values: np.ndarray) -> np.ndarray:
    """Lin's concordance correlation coefficient of pairs, (pairs, 2, features) -> (features,)."""
    known = np.isfinite(values).all(axis=1)
    n = np.maximum(known.sum(axis=0), 1)
    x, y = (np.where(known, values[:, side], 0.0) for side in (0, 1))
    mean_x, mean_y = x.sum(axis=0) / n, y.sum(axis=0) / n
    dx, dy = np.where(known, x - mean_x, 0.0), np.where(known, y - mean_y, 0.0)
    spread = (dx**2 + dy**2).sum(axis=0) / n + (mean_x - mean_y) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        found = 2 * (dx * dy).sum(axis=0) / n / spread
    scale = (mean_x**2 + mean_y**2) * 1e-20
    return np.where((known.sum(axis=0) >= 2) & (spread > scale), found, np.nan)


def auc_differences(
    before: pd.DataFrame,
    after: pd.DataFrame,
    classes: list[str],
    positive: str,
    draws: int = 2000,
    seed: int = 2023,
) -> pd.DataFrame:
    """The AUC of every arm that learned and was tested on either kind of mask, and its difference.

    Lesions differ between masks, patients do not: both AUCs are of the patients that both scored,
    on the same draws of them. `before` and `after` are prediction tables.

    Returns
    -------
    `AUCS`: difference is final minus uncorrected; n_lost counts patients whom only one of the two
    scored; p_holm is corrected over the arms of a scheme and level
    """
    tables = [dict(by_scheme(checked(part, classes, positive, None))) for part in (before, after)]
    rows = []
    for arm, scheme in (key for key in tables[1] if key in tables[0]):
        parts, lost = _shared(*(table[arm, scheme] for table in tables))
        if not len(parts[0]):
            continue
        drawn = redraw(parts[1], draws, seed, scheme)
        for level in LEVELS:
            units = drawn.units(level)
            first, last = (
                aucs(repeats_of(part, level, classes, positive, drawn.patients), drawn.counts)
                for part in parts
            )
            row = {"arm": arm, "scheme": scheme, "level": level}
            named = (("uncorrected", first), ("final", last), ("difference", last - first))
            for name, values in named:
                ends, span = (f"{name}_", SPAN["auc"]) if name != "difference" else ("", None)
                low, high, _ = bootstrap.interval(values[1:], units, span=span)
                row |= {name: float(values[0]), f"{ends}low": low, f"{ends}high": high}
            row["p"] = bootstrap.two_sided_p(row["difference"], (last - first)[1:], units)
            rows.append(row | {"n_patients": len(drawn.patients), "n_lost": lost})
    result = pd.DataFrame(rows, columns=[name for name in AUCS if name != "p_holm"])
    result["p_holm"] = np.nan
    for _, index in result.groupby(["scheme", "level"]).groups.items():
        result.loc[index, "p_holm"] = bootstrap.holm(result.loc[index, "p"].to_numpy(float))
    return result[list(AUCS)]


def _shared(
    before: pd.DataFrame, after: pd.DataFrame
) -> tuple[tuple[pd.DataFrame, pd.DataFrame], int]:
    """The rows of patients that both tables score in the same split, and how many others."""
    keys = [pd.MultiIndex.from_frame(part[["split", "patient"]]) for part in (before, after)]
    both = before[keys[0].isin(keys[1])], after[keys[1].isin(keys[0])]
    everyone = set(before["patient"]) | set(after["patient"])
    return both, len(everyone - set(both[0]["patient"]))
