"""Run times are those of Snakemake's benchmarks."""

from dataclasses import replace
from pathlib import Path

import pytest
from helpers.report import render
from livermets.report.run_times import read_benchmarks, stage_times

HEAD = "s\th:m:s\tmax_rss\tmax_vms\tcpu_time\n"


@pytest.fixture
def benchmarks(tmp_path) -> Path:
    """Two CTs, the first tried twice, and an evaluation that was too short to measure."""
    (tmp_path / "import_ct").mkdir()
    (tmp_path / "import_ct/P01.tsv").write_text(
        HEAD + "9.0\t0:00:09\t900.0\t1\t9\n2.0\t0:00:02\t100.0\t1\t1.5\n"
    )
    (tmp_path / "import_ct/P02.tsv").write_text(HEAD + "6.0\t0:00:06\t300.5\t1\t5.5\n")
    (tmp_path / "evaluate.tsv").write_text(HEAD + "0.4\t0:00:00\tNA\tNA\t0.3\n")
    return tmp_path


def test_each_stage_has_its_jobs_time_and_largest_memory(benchmarks):
    times = stage_times(read_benchmarks(benchmarks)).set_index("stage")
    assert list(times.index) == ["import_ct", "evaluate"]  # the longest first
    row = times.loc["import_ct"]
    assert (row["jobs"], row["total_s"], row["median_s"], row["longest_s"]) == (2, 8.0, 4.0, 6.0)
    assert (row["longest_job"], row["memory_mb"], row["cpu_s"]) == ("P02", 300.5, 7.0)


def test_a_job_too_short_to_measure_has_a_time_and_no_memory(benchmarks):
    times = stage_times(read_benchmarks(benchmarks)).set_index("stage")
    assert times.loc["evaluate", "total_s"] == pytest.approx(0.4, abs=1e-12)
    assert times["memory_mb"].isna().tolist() == [False, True]


def test_a_study_without_benchmarks_has_an_empty_table_with_its_columns(tmp_path):
    times = stage_times(read_benchmarks(tmp_path))
    assert times.empty and "memory_mb" in times


def test_the_report_shows_them(results, benchmarks):
    times = stage_times(read_benchmarks(benchmarks))
    page = render(replace(results, run_times=times))
    assert "Run time and memory" in page
    assert '<th scope="row">import ct</th><td>2</td><td>8.0 s</td>' in page.replace("\n", "")
    assert "All jobs together took 8.4 s." in page


def test_a_report_without_run_times_leaves_the_section_out(results):
    assert "Run time and memory" not in render(results)
