"""The three questions a reviewer asks first, answered from the tables of the run."""

from collections import Counter

import numpy as np
import pandas as pd

from livermets.evaluation.evaluate import REFERENCE
from livermets.report.paper_tables import number, with_interval
from livermets.study.arms import Arm
from livermets.study.schemes import scheme_of, scheme_title

MODELS = ("radiomics", "deep", "other")


def answers(
    metrics: pd.DataFrame,
    splits: pd.DataFrame,
    differences: pd.DataFrame | None,
    audit: dict | None = None,
) -> list[dict]:
    """Question, short answer, whether it is good news (None: neither), and sentences of detail."""
    return [both_sides(splits, audit), intervals(metrics), size(metrics, differences)]


def both_sides(splits: pd.DataFrame, audit: dict | None = None) -> dict:
    """Is any patient on two sides of any split?"""
    question = "Are patients ever on both sides of a split?"
    roles = splits.drop_duplicates(["split", "patient", "role"])
    twice = roles[roles.duplicated(["split", "patient"], keep=False)]
    n = splits["split"].nunique()
    detail = [
        f"Counted in all {n} splits over {splits['patient'].nunique()} patients; training, "
        "validation and test parts hold whole patients."
    ]
    if not twice.empty:
        who = ", ".join(sorted(twice["patient"].astype(str).unique())[:10])
        short = f"Yes: {twice['patient'].nunique()} patients ({who})."
        return _answer(question, f"{short} The results below are not valid.", False, detail)
    if audit is None:
        detail.append("This compares patient ids: one person under two ids would not be seen.")
        return _answer(question, "No.", True, detail)
    outcomes = Counter(check["outcome"] for check in audit["checks"])
    images = any("images" in check["looked_at"] for check in audit["checks"])
    detail.append(
        "The leakage audit also compared " + ("CTs, masks, voxels and features" if images else
        "features") + " between patients, for one person under two ids, and the test patients of "
        "every arm with those it had learned from."
    )  # fmt: skip
    if outcomes["warned"]:
        detail.append(f"{outcomes['warned']} of its checks ended in a warning: see below.")
    return _answer(question, "No.", True, detail)


def intervals(metrics: pd.DataFrame) -> dict:
    """How wide are the intervals, and how many arms are told from chance?"""
    auc = _auc(metrics)
    detail, short = [], []
    for scheme, rows in _by_scheme(
        auc[auc["arm"].map(lambda arm: Arm.parse(arm).family).isin(MODELS)]
    ):
        known = rows[np.isfinite(rows["low"])]
        if known.empty:
            detail.append(f"{scheme_title(scheme)}: no arm has an interval of its AUC.")
            continue
        width = (known["high"] - known["low"]).median()
        short.append(f"{scheme_title(scheme).lower()}, {number(width)} wide at the median arm")
        above, below = (known["low"] > 0.5).sum(), (known["high"] < 0.5).sum()
        detail.append(
            f"{scheme_title(scheme)} ({_patients(known)} test patients): the interval of the AUC "
            f"lies above 0.5 in {above} and below 0.5 in {below} of {len(known)} arms. "
            f"Chance alone would put about {number(0.05 * len(known), 1)} outside."
        )
    detail.append(
        "All are 95 % intervals from a bootstrap over patients, stratified by class. "
        "Where no draw errs, the lower bound is Clopper and Pearson's for as many patients."
    )
    text = "; ".join(short) or "none could be computed"
    return _answer("What are the intervals?", f"Of the AUC: {text}.", None, detail)


def size(metrics: pd.DataFrame, differences: pd.DataFrame | None) -> dict:
    """Does lesion size alone do as well as the models?"""
    question = "Does lesion size explain it?"
    volume = _auc(metrics)
    volume = volume[volume["arm"] == REFERENCE]
    if volume.empty:
        why = "The baseline of lesion volume alone was not part of this run (no volume column, or "
        why += "not chosen in classification.baselines)."
        return _answer(question, "Not answered in this run.", None, [why])
    detail, short, good = [], [], []
    for scheme, rows in _by_scheme(volume):
        value = with_interval(*rows.iloc[0][["value", "low", "high"]])
        detail.append(f"{scheme_title(scheme)}: lesion volume alone has an AUC of {value}.")
        if differences is None or differences.empty:
            continue
        pairs = differences[
            (differences["scheme"] == scheme)
            & (differences["level"] == "lesion")
            & (differences["against"] == "volume")
        ]
        if pairs.empty:
            continue
        better = int(((pairs["low"] > 0) & (pairs["p_holm"] < 0.05)).sum())
        plain = int((pairs["low"] > 0).sum())
        good.append(better > 0)
        short.append(
            f"{scheme_title(scheme).lower()}, {better} of {len(pairs)} arms beat lesion volume"
        )
        detail[-1] += (
            f" The paired difference lies above zero in {plain} of {len(pairs)} arms, "
            f"in {better} after Holm's correction."
        )
    text = ("In " + "; in ".join(short) + ".") if short else "See the AUCs below."
    return _answer(question, text, all(good) if good else None, detail)


def _auc(metrics: pd.DataFrame) -> pd.DataFrame:
    """The AUCs by lesion; with three or more classes their mean over the classes."""
    headline = (metrics["metric"] == "auc") & (metrics["level"] == "lesion")
    return metrics[headline & (metrics["class"] == "")]


def _answer(question: str, short: str, good: bool | None, detail: list[str]) -> dict:
    return {"question": question, "short": short, "good": good, "detail": detail}


def _by_scheme(rows: pd.DataFrame):
    schemes = sorted(rows["scheme"].unique(), key=lambda scheme: (scheme != "holdout", scheme))
    return [(scheme, rows[rows["scheme"] == scheme]) for scheme in schemes]


def _patients(rows: pd.DataFrame) -> str:
    low, high = rows["n_patients"].min(), rows["n_patients"].max()
    return f"{low}" if low == high else f"{low}–{high}"


def schemes_of(splits: pd.DataFrame) -> list[str]:
    """The schemes of a splits table in their order."""
    return list(dict.fromkeys(scheme_of(split)[0] for split in splits["split"].unique()))
