"""Table 2: the features by importance."""

from typing import Any

from livermets.report.formatting import number
from livermets.report.paper_tables import table2
from livermets.report.sections.section import Section
from livermets.report.study_results import StudyResults

FIRST = 10  # rows shown; all of them on demand


def context(results: StudyResults) -> dict[str, Any] | None:
    """The rows of Table 2, and the filters that features had to pass."""
    if results.importance is None or results.importance.empty:
        return None
    rows = [
        {
            "rank": row["rank"],
            "feature": row["feature"],
            "importance": number(row["importance"], 4),
            "sd": number(row["sd"], 4),
            "selected": f"{number(100 * row['selected_share'], 0)} %",
        }
        for row in table2(results.importance).to_dict("records")
    ]
    filters = (
        "redundancy filter" if results.icc is None else "minimum ICC and the redundancy filter"
    )
    return {"rows": rows, "first": rows[:FIRST], "filters": filters}


SECTION = Section(
    "table2",
    "Table 2: features by importance",
    "feature_importance.html.j2",
    context,
    needs=("importance",),
    absent="No feature importance was computed in this run.",
)
