"""Run times: how long each stage took and the memory it needed, from Snakemake's benchmarks."""

from pathlib import Path

import pandas as pd

SECONDS, MEMORY, CPU = "s", "max_rss", "cpu_time"  # columns of a benchmark: s, MB, s
COLUMNS = (
    *("stage", "jobs", "total_s", "median_s", "longest_s", "longest_job", "cpu_s", "memory_mb"),
)


def read_benchmarks(folder: Path | str) -> pd.DataFrame:
    """Read every benchmark below a folder.

    Parameters
    ----------
    folder : Path or str
        `results/benchmarks`: `{stage}.tsv`, or `{stage}/{job}.tsv` for a stage with many jobs.

    Returns
    -------
    DataFrame
        One row a job: stage, job ("" where the stage has one), and Snakemake's columns. Short jobs
        have no memory: Snakemake has not measured them.
    """
    rows = []
    for path in sorted(Path(folder).rglob("*.tsv")):
        stage, *job = path.relative_to(folder).with_suffix("").parts
        head, *lines = path.read_text(encoding="utf-8").splitlines()
        if lines:  # of repeated jobs the last
            cells = dict(zip(head.split("\t"), lines[-1].split("\t"), strict=False))
            rows.append({"stage": stage, "job": "/".join(job), **cells})
    table = pd.DataFrame(rows, columns=["stage", "job", SECONDS, MEMORY, CPU])
    numbers = [SECONDS, MEMORY, CPU]
    table[numbers] = table[numbers].apply(pd.to_numeric, errors="coerce")
    return table


def stage_times(benchmarks: pd.DataFrame) -> pd.DataFrame:
    """Summarise the jobs of each stage.

    Parameters
    ----------
    benchmarks : DataFrame
        As `read_benchmarks` returns it.

    Returns
    -------
    DataFrame
        One row a stage, the longest in total first: stage, jobs, total_s, median_s, longest_s,
        longest_job, cpu_s, and memory_mb, that of the largest job.
    """
    rows = []
    for stage, jobs in benchmarks.groupby("stage", sort=True):
        longest = jobs.sort_values(SECONDS, kind="stable").iloc[-1]
        rows.append(
            {
                "stage": stage,
                "jobs": len(jobs),
                "total_s": jobs[SECONDS].sum(),
                "median_s": jobs[SECONDS].median(),
                "longest_s": longest[SECONDS],
                "longest_job": longest["job"],
                "cpu_s": jobs[CPU].sum(),
                "memory_mb": jobs[MEMORY].max(),
            }
        )
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.sort_values("total_s", ascending=False, kind="stable", ignore_index=True)
