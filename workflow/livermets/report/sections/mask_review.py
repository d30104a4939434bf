"""What readers decided about the masks: how many were read, deleted lesions, agreement."""

from typing import Any

from livermets.core.scan_ids import in_words, scan_id
from livermets.report.formatting import with_interval
from livermets.review.review_tables import NOT_READ, ReviewTables


def review_context(reviews: ReviewTables | None) -> dict[str, Any] | None:
    """Say what readers decided, for the section of the masks.

    Parameters
    ----------
    reviews : ReviewTables or None
        The tables of the review.

    Returns
    -------
    dict or None
        read and all (numbers), statuses (with numbers), deleted and agreement (rows), and why
        values of kappa have no interval; None in a study without images.
    """
    if reviews is None or reviews.decisions.empty:
        return None
    statuses = reviews.status["status"].value_counts()
    readers = sorted(set(reviews.decisions["reader"]) - {""})
    return {
        "all": len(reviews.status),
        "read": len(reviews.status) - int(statuses.get(NOT_READ, 0)),
        "readers": readers,
        "statuses": [(str(status), int(n)) for status, n in statuses.items()],
        "deleted": [
            {**row, "where": in_words(scan_id(row["patient"], row.get("scan", "")))}
            for row in reviews.deleted.to_dict("records")
        ],
        "agreement": [
            {
                **row,
                "same": f"{row['agreement']:.0%}",
                "kappa": with_interval(row["kappa"], row["low"], row["high"]),
            }
            for row in reviews.agreement.to_dict("records")
        ],
        "no_interval": [
            f"{row['decision']} ({row['reader_1']}, {row['reader_2']}): {row['no_interval']}"
            for row in reviews.agreement.to_dict("records")
            if row["no_interval"]
        ],
    }
