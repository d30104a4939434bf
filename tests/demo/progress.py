"""Snakemake's output as one line a job, "12/266, 4 min left  Reading the CT of P07".

Errors pass as they are. The time left takes the steps to come for as long as those that are done.
"""

import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator

NOISE = re.compile(
    r"Select jobs|Execute \d|Finished jobid|\[\w{3} \w{3} .* \d{4}\]|\s*$"
    r"|localrule|    (input|jobid|resources): "
)


def shorten(lines: Iterable[str], clock: Callable[[], float] = time.monotonic) -> Iterator[str]:
    """The lines worth showing, each job's behind how many steps are done and the minutes left."""
    start, done = clock(), ""
    for line in lines:
        if steps := re.match(r"(\d+) of (\d+) steps", line):
            number, total = int(steps[1]), int(steps[2])
            left = (clock() - start) * (total - number) / number / 60
            done = f"{number}/{total}, {left:.0f} min left"
        elif job := re.match(r"Job \d+: ", line):
            yield f"{done:>22}  {line[job.end() :]}"
        elif not NOISE.match(line):
            yield line


if __name__ == "__main__":
    for line in shorten(iter(sys.stdin.readline, "")):
        print(line, end="", flush=True)
