"""Snakemake's output as one line a job, "12/266 Reading the CT of P07"; errors pass as they are."""

import re
import sys
from collections.abc import Iterable, Iterator

NOISE = re.compile(
    r"Select jobs|Execute \d|Finished jobid|\[\w{3} \w{3} .* \d{4}\]|\s*$"
    r"|localrule|    (input|jobid|resources): "
)


def shorten(lines: Iterable[str]) -> Iterator[str]:
    """The lines worth showing, each job's behind how many steps are done."""
    done = ""
    for line in lines:
        if steps := re.match(r"(\d+) of (\d+) steps", line):
            done = f"{steps[1]}/{steps[2]}"
        elif job := re.match(r"Job \d+: ", line):
            yield f"{done:>8}  {line[job.end() :]}"
        elif not NOISE.match(line):
            yield line


if __name__ == "__main__":
    for line in shorten(iter(sys.stdin.readline, "")):
        print(line, end="", flush=True)
