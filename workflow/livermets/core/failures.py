"""What failed in a run and for whom, as a table that a person reads: `results/failures.tsv`."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from livermets.core.io import write_text
from livermets.core.jobs import REFUSED
from livermets.core.run_watch import FailedJob
from livermets.core.scan_ids import in_words

NAME = "failures.tsv"
COLUMNS = ("outcome", "for_whom", "what", "problem", "log")
STOPPED, EXCLUDED = "failed", "excluded"
LOGS = "results/logs/"


def write_failures(results: str | Path, failed: Iterable[FailedJob]) -> int:
    """Write the jobs that failed in this run, and the patients who are excluded.

    Parameters
    ----------
    results : path
        The folder of the results.
    failed : iterable of FailedJob
        The jobs.

    Returns
    -------
    int
        Number of rows.
    """
    results = Path(results)
    rows = [_row_of(job, results.parent) for job in failed] + _excluded(results)
    text = io.StringIO()
    table = csv.writer(text, delimiter="\t", lineterminator="\n")
    table.writerows([COLUMNS, *rows])
    if results.is_dir():
        write_text(results / NAME, text.getvalue())
    return len(rows)


def _row_of(job: FailedJob, study: Path) -> tuple[str, ...]:
    return STOPPED, _for_whom(job), job.what or job.rule, problem_in(study / job.log), job.log


def _for_whom(job: FailedJob) -> str:
    """The patient, arm or split that the job was for; "all" for a job of the whole study."""
    parts = Path(job.log).relative_to(LOGS).parts if job.log.startswith(LOGS) else ()
    return in_words(" ".join(parts[1:]).removesuffix(".log")) if len(parts) > 1 else "all"


def problem_in(log: Path) -> str:
    """Read from a log what went wrong: what was refused, else the last line of it.

    A job that was killed has no such line: its log ends in the middle of the work, or is not there.
    """
    if not log.is_file():
        return "no log was written: the job was killed, or could not start"
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    refused = [line.split(REFUSED, 1)[1] for line in lines if REFUSED in line]
    if refused:
        return refused[-1]
    if not lines:
        return "the log is empty: see the newest file in .snakemake/log (killed, or not started)"
    if any(line.startswith("Traceback") for line in lines):
        return lines[-1].strip()
    return f"the log ends without an error, so the job was killed; its last line: {lines[-1]}"


def _excluded(results: Path) -> list[tuple[str, ...]]:
    """The patients whom the cohort table does not include, with the reason."""
    cohort = results / "cohort.tsv"
    if not cohort.is_file():
        return []
    with cohort.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    return [
        (EXCLUDED, row["patient"], row.get("stage") or "", row.get("reason") or "", "")
        for row in rows
        if row["included"].lower() != "true"
    ]


def where_to_look(results: str | Path, rows: int) -> list[str]:
    """Say in lines which files of the results to open after a run.

    Parameters
    ----------
    results : path
        The folder of the results.
    rows : int
        Rows of the table of failures.
    """
    folder = Path(results)
    notes = {
        "report.html": "the report",
        "manuscript/methods.docx": "the methods section of a paper",
        "manuscript/checklists.html": "checklists, filled in",
        "review/index.html": "the masks to review",
        "run_times.tsv": "how long each stage took, and its memory",
    }
    if rows:
        notes[NAME] = f"what failed or was excluded, and for whom ({rows})"
    there = {name: words for name, words in notes.items() if (folder / name).is_file()}
    width = max((len(name) for name in there), default=0)
    return [
        f"  {folder / name}{' ' * (width - len(name))}  {words}" for name, words in there.items()
    ]
