"""Watches a run: says how much is done and about how long the rest takes, and keeps what failed.

Snakemake logs an event for each job. `RunWatch` is a handler of Python's logging that reads them.
On a terminal it shows one line a job in place of Snakemake's own; in a log file it adds a line from
time to time. The files below `.snakemake/log` stay as they are.
"""

import logging
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TextIO

from livermets.core.progress import time_left

LOGGER = "snakemake.logging"
PAUSE_S = 60.0  # between two lines in a log file
REPLACED = ("progress", "job_info", "job_started", "job_finished")  # events the lines stand for
OF_SNAKEMAKE = ("Select jobs", "DAG of jobs will be updated", "Updating checkpoint dependencies")
STEPS_BEFORE_ESTIMATE = 3  # steps, or CTs with counted lesions, from which on there is an estimate


@dataclass(frozen=True)
class FailedJob:
    """A job that failed.

    Parameters
    ----------
    rule : str
        The rule.
    what : str
        What the job was doing, as the rule says it.
    log : str
        Its log file; "" where it has none.
    """

    rule: str
    what: str
    log: str


class RunWatch(logging.Handler):
    """Says on a stream how far a run has come.

    Parameters
    ----------
    checkpoint : str
        The rule after which jobs are added that cannot be counted before, one for each lesion; ""
        where there is none.
    stream : text stream
        Where the lines go; by default standard error.
    clock : callable
        Gives the time in seconds.
    """

    def __init__(
        self,
        checkpoint: str = "",
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.failed: list[FailedJob] = []
        self._stream, self._clock = stream or sys.stderr, clock
        self.terminal = self._stream.isatty()
        self._checkpoint = checkpoint
        self._start = self._last = clock()
        self._jobs: dict[Any, tuple[str, str]] = {}  # id of a job -> rule, what it does
        self._uncounted = self._counted = 0  # jobs of the checkpoint to come, and done
        self._first_total = self._total = self._done = self._since_counted = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Take one event of Snakemake; what is no event is passed over."""
        take = getattr(self, f"_take_{_event(record)}", None)
        if take is not None:
            take(vars(record))

    def _take_run_info(self, event: Mapping[str, Any]) -> None:
        stats = event.get("stats") or {}
        self._uncounted = int(stats.get(self._checkpoint, 0))
        self._first_total = self._total = int(stats.get("total", 0))

    def _take_job_started(self, event: Mapping[str, Any]) -> None:
        """Drop Snakemake's own lines from here on: a dry run never comes here."""
        if self.terminal:
            for handler in logging.getLogger(LOGGER).handlers:
                if getattr(handler, "stream", None) is self._stream:
                    handler.addFilter(hide_replaced)  # added once, however often

    def _take_job_info(self, event: Mapping[str, Any]) -> None:
        rule, what = str(event.get("rule_name", "")), str(event.get("rule_msg") or "")
        self._jobs[event.get("jobid")] = rule, what
        if self.terminal and what:
            self._say(f"{self.so_far():>44}  {what}")

    def _take_job_finished(self, event: Mapping[str, Any]) -> None:
        rule, _ = self._jobs.get(event.get("job_id"), ("", ""))
        if rule == self._checkpoint and self._uncounted:
            self._uncounted -= 1
            self._counted += 1

    def _take_progress(self, event: Mapping[str, Any]) -> None:
        self._done, total = int(event["done"]), int(event["total"])
        self._first_total = self._first_total or total
        self._total = total
        if self._counted and not self._uncounted:
            self._say_all_counted()
        if not self.terminal and self._clock() - self._last >= PAUSE_S:
            self._last = self._clock()
            self._say(f"livermets: {self.so_far()}")

    def _say_all_counted(self) -> None:
        """Say once that the number of steps is final, after Snakemake has added the last jobs."""
        self._since_counted += 1
        if self._since_counted == 2:
            self._say(
                f"livermets: the lesions of all CTs are counted, so there are {self._total} steps "
                f"in all ({self._first_total} were known at the start)"
            )

    def _take_job_error(self, event: Mapping[str, Any]) -> None:
        rule = str(event.get("rule_name", ""))
        done_before, what = self._jobs.get(event.get("jobid"), (rule, ""))
        logs = [str(log) for log in event.get("log") or []]
        job = FailedJob(rule or done_before, str(event.get("rule_msg") or what), *logs[:1] or [""])
        if job not in self.failed:
            self.failed.append(job)

    def expected_total(self) -> int | None:
        """Estimate the number of steps; None as long as too few lesions are counted.

        CTs whose lesions are not counted yet are taken to have as many as the others.
        """
        if not self._uncounted:
            return self._total
        if self._counted < STEPS_BEFORE_ESTIMATE:
            return None
        added = (self._total - self._first_total) / self._counted
        return round(self._total + added * self._uncounted)

    def so_far(self) -> str:
        """Say how many steps are done, of how many, and how long the rest takes.

        The time left takes the steps to come for as long as those that are done.
        """
        if not self._total:
            return ""
        total = self.expected_total()
        if total is None:
            return f"{self._done} of at least {self._total} steps (lesions not counted)"
        about = "about " if self._uncounted else ""
        text = f"{self._done} of {about}{total} steps"
        if self._done < STEPS_BEFORE_ESTIMATE:
            return text
        return f"{text}, {time_left(self._clock() - self._start, self._done, total)} left"

    def _say(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


def hide_replaced(record: logging.LogRecord) -> bool:
    """Whether Snakemake's own line of this event is to be shown: a line of ours stands for some."""
    inner = record.getMessage().startswith(OF_SNAKEMAKE)
    return _event(record) not in REPLACED and not inner


def _event(record: logging.LogRecord) -> str:
    return str(getattr(record, "event", "") or "")


def watch_run(checkpoint: str) -> RunWatch:
    """Watch the run that Snakemake has begun.

    Parameters
    ----------
    checkpoint : str
        As for `RunWatch`.
    """
    watch = RunWatch(checkpoint)
    logging.getLogger(LOGGER).addHandler(watch)
    return watch
