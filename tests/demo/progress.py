"""Snakemake's output as one line a job, "12/266 Reading the CT of P07"; errors pass as they are."""

import re
import sys

NOISE = (
    r"Select jobs|Execute \d|Finished jobid|\[\w{3} \w{3} .* \d{4}\]|\s*$"
    r"|localrule|    (input|jobid|resources): "
)
done = ""
for line in iter(sys.stdin.readline, ""):
    if steps := re.match(r"(\d+) of (\d+) steps", line):
        done = f"{steps[1]}/{steps[2]}"
    elif job := re.match(r"Job \d+: ", line):
        print(f"{done:>8}  {line[job.end() :]}", end="", flush=True)
    elif not re.match(NOISE, line):
        print(line, end="", flush=True)
