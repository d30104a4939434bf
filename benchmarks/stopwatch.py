"""A stopwatch of CPU and wall seconds, for work that child processes do."""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Elapsed:
    """Seconds of a block: `cpu` is user and system time of the child processes that ended in it."""

    cpu: float = 0.0
    wall: float = 0.0


@contextmanager
def stopwatch() -> Iterator[Elapsed]:
    """Measure a block; CPU seconds say more than wall seconds where others use the machine."""
    elapsed = Elapsed()
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    yield elapsed
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    elapsed.wall = time.perf_counter() - start
    elapsed.cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
