"""A run says how far it has come, that its number of steps grows, and keeps what failed."""

import io
import logging

import pytest
from livermets.core.run_watch import LOGGER, FailedJob, RunWatch, hide_replaced


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def tell(watch: RunWatch, event: str, **values) -> None:
    """Send one event as Snakemake's logger does."""
    record = logging.makeLogRecord({"msg": None, "event": event, **values})
    watch.emit(record)


def finish(watch: RunWatch, jobid: int, rule: str, done: int, total: int) -> None:
    tell(watch, "job_info", jobid=jobid, rule_name=rule, rule_msg=f"Doing {jobid}")
    tell(watch, "job_finished", job_id=jobid)
    tell(watch, "progress", done=done, total=total)


def test_a_terminal_shows_a_line_for_each_job_with_steps_and_time(clock):
    watch = RunWatch(stream=Terminal(), clock=clock)
    tell(watch, "run_info", stats={"import_ct": 9, "all": 1, "total": 10})
    for number in range(1, 6):
        clock.now = 60.0 * number
        finish(watch, number, "import_ct", done=number, total=10)
    tell(watch, "job_info", jobid=6, rule_name="import_ct", rule_msg="Reading the CT of P07")
    lines = watch._stream.getvalue().splitlines()
    assert lines[0].split() == ["0", "of", "10", "steps", "Doing", "1"]
    assert lines[-1].strip() == "5 of 10 steps, 5 min left  Reading the CT of P07"


def test_a_log_file_gets_a_line_a_minute_and_not_one_a_job(clock):
    watch = RunWatch(stream=io.StringIO(), clock=clock)
    tell(watch, "run_info", stats={"total": 100})
    for number in range(1, 61):
        clock.now = 5.0 * number
        finish(watch, number, "import_ct", done=number, total=100)
    lines = watch._stream.getvalue().splitlines()
    assert len(lines) == 5
    assert lines[0] == "livermets: 12 of 100 steps, 7 min left"
    assert lines[-1] == "livermets: 60 of 100 steps, 3 min left"


def test_the_number_of_steps_is_a_least_one_until_three_cts_are_counted_then_an_estimate(clock):
    watch = RunWatch("label_lesions", stream=Terminal(), clock=clock)
    tell(watch, "run_info", stats={"label_lesions": 10, "total": 100})
    assert watch.so_far() == "0 of at least 100 steps (lesions not counted)"
    for number in range(1, 4):  # each CT adds six steps once its lesions are known
        finish(watch, number, "label_lesions", done=number, total=100 + 6 * number)
    assert watch.expected_total() == 100 + 6 * 10
    clock.now = 30.0
    assert watch.so_far() == "3 of about 160 steps, 26 min left"


def test_the_final_number_of_steps_is_told_once(clock):
    watch = RunWatch("label_lesions", stream=io.StringIO(), clock=clock)
    tell(watch, "run_info", stats={"label_lesions": 2, "total": 10})
    finish(watch, 1, "label_lesions", done=1, total=10)
    finish(watch, 2, "label_lesions", done=2, total=14)  # Snakemake adds the jobs of this one later
    for number in range(3, 7):
        finish(watch, number, "extract_lesion", done=number, total=19)
    assert watch._stream.getvalue() == (
        "livermets: the lesions of all CTs are counted, so there are 19 steps in all "
        "(10 were known at the start)\n"
    )
    assert watch.expected_total() == 19


def test_a_run_without_lesions_to_count_has_a_number_of_steps_from_the_start(clock):
    watch = RunWatch("", stream=Terminal(), clock=clock)
    tell(watch, "run_info", stats={"fit_classifier": 4, "total": 6})
    assert watch.so_far() == "0 of 6 steps"


def test_failed_jobs_are_kept_once_with_what_they_did_and_their_log():
    watch = RunWatch(stream=io.StringIO())
    tell(watch, "job_info", jobid=4, rule_name="import_ct", rule_msg="Reading the CT of P07")
    for _ in range(2):
        log = ["results/logs/import_ct/P07.log"]
        tell(watch, "job_error", jobid=4, rule_name="import_ct", rule_msg=None, log=log)
    tell(watch, "job_error", jobid=5, rule_name="place_mask", rule_msg=None, log=[])
    assert watch.failed == [
        FailedJob("import_ct", "Reading the CT of P07", "results/logs/import_ct/P07.log"),
        FailedJob("place_mask", "", ""),
    ]


def test_on_a_terminal_lines_of_snakemake_are_hidden_once_jobs_run_and_errors_never():
    stream = Terminal()
    logger, watch = logging.getLogger(LOGGER), RunWatch(stream=stream)
    own = logging.StreamHandler(stream)
    file = logging.StreamHandler(io.StringIO())
    before = list(logger.handlers)
    logger.handlers = [own, file, watch]
    try:
        assert not own.filters  # a dry run starts no job and shows everything
        for _ in range(3):
            tell(watch, "job_started", jobs=[1])
        assert own.filters == [hide_replaced]
        assert file.filters == []
    finally:
        logger.handlers = before
    shown = {
        event: hide_replaced(logging.makeLogRecord({"msg": "x", "event": event}))
        for event in ("job_info", "progress", "job_finished", "job_error", "run_info")
    }
    assert shown == {
        **dict.fromkeys(("job_info", "progress", "job_finished"), False),
        **dict.fromkeys(("job_error", "run_info"), True),
    }
    assert hide_replaced(logging.makeLogRecord({"msg": "MissingInputException in rule x"}))
