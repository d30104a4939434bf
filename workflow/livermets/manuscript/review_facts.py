"""Facts of the review of the masks for the methods section: what readers decided on the pages."""

from typing import Any

import pandas as pd

from livermets.manuscript.run_files import RunFiles
from livermets.manuscript.wording import counted, enumerate_words, with_counts
from livermets.review.review_tables import (
    DISPUTED,
    EARLIER,
    GONE,
    NOT_READ,
    STATUS,
    ReviewTables,
)


def review_facts(run: RunFiles) -> dict[str, Any]:
    """Collect who reviewed how many masks, the decisions, deleted lesions and kappa."""
    reviews = run.reviews
    if reviews is None:
        return {"known": False, "read": 0, "deleted": 0}
    status = reviews.status["status"]
    unit = "scan" if "scan" in reviews.decisions else "patient"
    counts = {word: int((status == word).sum()) for word in STATUS.values()}
    deleted = reviews.deleted[reviews.deleted["outcome"] != GONE]
    readers = set(reviews.decisions["reader"]) - {""}
    return {
        "known": True,
        "all": counted(len(status), unit),
        "read": len(status) - int((status == NOT_READ).sum()),
        "unread": int((status == NOT_READ).sum()),
        "readers": counted(len(readers), "reader"),
        "accepted": counts[STATUS["accept"]],
        "correct": counts[STATUS["correct"]],
        "excluded": counts[STATUS["exclude"]],
        "why_excluded": with_counts(_reasons_of_exclusion(reviews)),
        "disputed": int((status == DISPUTED).sum()),
        "earlier": int((status == EARLIER).sum()),
        "deleted": len(deleted),
        "deleted_words": counted(len(deleted), "lesion"),
        "why_deleted": with_counts(deleted["reason"]),
        "gone": counted(len(reviews.deleted) - len(deleted), "lesion"),
        "any_gone": len(deleted) < len(reviews.deleted),
        "intervals": bool(reviews.agreement["low"].notna().any()),
        "kappas": kappa_sentences(reviews.agreement),
    }


def _reasons_of_exclusion(reviews: ReviewTables) -> list[str]:
    """The reason of each exclusion; the different ones of its readers, where they gave several."""
    rows = reviews.decisions[reviews.decisions["status"] == STATUS["exclude"]]
    key = [name for name in ("patient", "scan") if name in rows]
    reasons = []
    for _, of_scan in rows.groupby(key, sort=False):
        settled = of_scan[of_scan["decides"].astype(str) == "True"]
        deciding = settled if len(settled) else of_scan
        reasons.append("; ".join(dict.fromkeys(deciding["reason"])))
    return reasons


def kappa_sentences(agreement: pd.DataFrame) -> list[str]:
    """Say how each pair of readers agreed, one sentence for each pair, without their names."""
    pairs = agreement.groupby(["reader_1", "reader_2"], sort=False)
    sentences = []
    for number, (_, rows) in enumerate(pairs, 1):
        scans = rows[rows["of"] == "scans"]
        who = "Two readers" if len(pairs) == 1 else f"Pair {number} of {len(pairs)} of the readers"
        read = counted(int(scans["n"].max()), "mask") if len(scans) else "the same masks"
        agreed = enumerate_words(f"{row['decision']} {_kappa(row)}" for _, row in rows.iterrows())
        sentences.append(f"{who} both read {read}; kappa by decision: {agreed}.")
    return sentences


def _kappa(row: pd.Series) -> str:
    if pd.isna(row["kappa"]):
        return "not defined, since both always decided the same"
    value = f"{row['kappa']:.2f}"
    if pd.isna(row["low"]):
        return f"{value} (too few patients for an interval)"
    return f"{value} (95 % interval {row['low']:.2f} to {row['high']:.2f})"
