"""How long each stage took, and the memory of its largest job."""

from typing import Any

import numpy as np

from livermets.report.formatting import number
from livermets.report.sections.section import Section
from livermets.report.study_results import StudyResults


def context(results: StudyResults) -> dict[str, Any] | None:
    """The rows of the table, and the time of all jobs together."""
    times = results.run_times
    if times is None or times.empty:
        return None
    rows = [
        {
            "stage": row["stage"].replace("_", " "),
            "cells": [
                f"{row['jobs']:,}",
                duration(row["total_s"]),
                duration(row["median_s"]),
                duration(row["longest_s"]),
                str(row["longest_job"]) if isinstance(row["longest_job"], str) else "",
                "–" if np.isnan(row["memory_mb"]) else f"{row['memory_mb']:,.0f}",
            ],
        }
        for row in times.to_dict("records")
    ]
    return {
        "headings": ["Stage", "Jobs", "All jobs", "Median", "Longest", "Which", "Memory (MB)"],
        "rows": rows,
        "total": duration(times["total_s"].sum()),
    }


def duration(seconds: float) -> str:
    """Write a time as 0.4 s, 12 s, 3.5 min or 2.0 h.

    >>> duration(90), duration(7200)
    ('90 s', '2.0 h')
    """
    if seconds < 10:
        return f"{number(seconds, 1)} s"
    if seconds < 100:
        return f"{number(seconds, 0)} s"
    minutes = seconds / 60
    return f"{number(minutes, 1)} min" if minutes < 100 else f"{number(minutes / 60, 1)} h"


SECTION = Section(
    "run_times",
    "Run time and memory",
    "run_times.html.j2",
    context,
    needs=("run_times",),
    caption="Wall-clock time of each job, added up; jobs that ran beside each other count in full. "
    "The memory is that of the largest job (resident set size); jobs of under a second have none. "
    "Measured in the run that made each result last (results/run_times.tsv).",
)
