"""What `make demo` and `make study-lidc` show of Snakemake's output."""

import runpy
from pathlib import Path

PROGRESS = Path(__file__).parents[1] / "demo" / "progress.py"


def test_each_job_stands_behind_the_steps_done_and_the_minutes_left():
    shorten = runpy.run_path(str(PROGRESS))["shorten"]
    times = iter([0.0, 60.0, 600.0])
    lines = [
        "Select jobs to execute...\n",
        "[Sun Nov 29 02:21:48 2026]\n",
        "Job 1: Reading the CT of P01\n",
        "1 of 11 steps (9%) done\n",
        "Job 2: Reading the CT of P02\n",
        "10 of 11 steps (91%) done\n",
        "Job 3: Writing results/report.html\n",
        "MissingInputException in rule import_ct\n",
    ]
    shown = [line.strip() for line in shorten(lines, clock=lambda: next(times))]
    assert shown == [
        "Reading the CT of P01",
        "1/11, 10 min left  Reading the CT of P02",
        "10/11, 1 min left  Writing results/report.html",
        "MissingInputException in rule import_ct",
    ]
