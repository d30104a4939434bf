"""`failures.tsv` says what failed and for whom, whatever the job's log looks like."""

import csv
from pathlib import Path

import pytest
from livermets.core.failures import where_to_look, write_failures
from livermets.core.run_watch import FailedJob

LOG = "results/logs/import_ct/P07.log"


@pytest.fixture
def results(tmp_path) -> Path:
    (tmp_path / LOG).parent.mkdir(parents=True)
    return tmp_path / "results"


def rows(results: Path) -> list[dict[str, str]]:
    with (results / "failures.tsv").open(newline="") as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


@pytest.mark.parametrize(
    ("log", "problem"),
    [
        (
            "12:00:00 import_ct P07: reading\n"
            "12:00:01 import_ct P07: refused: patient P07: two series. Name one.\n",
            "patient P07: two series. Name one.",
        ),
        (
            "12:00:01 import_ct P07: an error in livermets itself:\nTraceback (most recent call "
            "last):\n  File x\nValueError: 3 is not 4\n",
            "ValueError: 3 is not 4",
        ),
        (
            "12:00:01 import_ct P07: reading slice 3\n",
            "the log ends without an error, so the job was killed; its last line: 12:00:01 "
            "import_ct P07: reading slice 3",
        ),
        ("", "the log is empty: see the newest file in .snakemake/log (killed, or not started)"),
        (None, "no log was written: the job was killed, or could not start"),
    ],
    ids=["refused", "traceback", "killed", "empty", "absent"],
)
def test_the_problem_is_read_from_the_log(results, log, problem):
    if log is not None:
        (results.parent / LOG).write_text(log)
    job = FailedJob("import_ct", "Reading the CT of P07", LOG)
    assert write_failures(results, [job]) == 1
    assert rows(results) == [
        {
            "outcome": "failed",
            "for_whom": "P07",
            "what": "Reading the CT of P07",
            "problem": problem,
            "log": LOG,
        }
    ]


def test_a_job_of_the_whole_study_failed_for_all(results):
    write_failures(results, [FailedJob("evaluate", "", "results/logs/evaluate.log")])
    assert [(row["for_whom"], row["what"]) for row in rows(results)] == [("all", "evaluate")]


def test_excluded_patients_are_listed_with_stage_and_reason(results):
    (results / "cohort.tsv").write_text(
        "patient\tlabel\tincluded\tstage\treason\n"
        "P01\tcolorectal\tTrue\t\t\n"
        "P02\tcolorectal\tFalse\timport\tthe DICOM folder holds two series\n"
    )
    assert write_failures(results, []) == 1
    (row,) = rows(results)
    assert (row["outcome"], row["for_whom"], row["what"]) == ("excluded", "P02", "import")
    assert row["problem"] == "the DICOM folder holds two series"


def test_a_run_without_failures_leaves_no_row_of_the_run_before(results):
    write_failures(results, [FailedJob("evaluate", "", "")])
    assert write_failures(results, []) == 0
    assert rows(results) == []


def test_only_files_that_are_there_are_named_at_the_end(results):
    assert where_to_look(results, 0) == []
    (results / "report.html").touch()
    write_failures(results, [FailedJob("evaluate", "", "")])
    lines = where_to_look(results, 1)
    assert [line.split()[0] for line in lines] == [
        str(results / "report.html"),
        str(results / "failures.tsv"),
    ]
    assert lines[1].endswith("what failed or was excluded, and for whom (1)")
