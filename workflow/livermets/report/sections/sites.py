"""The sites: how many patients of each class were scanned where, if sites are tested in turn."""

from typing import Any

from livermets.report.sections.section import Section
from livermets.report.study_results import StudyResults
from livermets.splits.sites import site_table, sites_in_turn


def context(results: StudyResults) -> dict[str, Any] | None:
    """The rows of the table; None where sites are not tested in turn."""
    if not sites_in_turn(results.config.get("splits", {}).get("site")):
        return None
    table = site_table(results.included, results.classes)
    return {
        "headings": ["Site", *results.classes, "Note"],
        "rows": [
            {"site": row["site"], "counts": [row[label] for label in results.classes]}
            | {"note": row["note"]}
            for row in table.to_dict("records")
        ],
    }


SECTION = Section(
    "sites",
    "Sites",
    "sites.html.j2",
    context,
    caption="Number of analysed patients.",
)
