"""Snakemake's output as one line a job, "12/266 Reading the CT of P07"; errors pass as they are."""

import re
import sys

NOISE = re.compile(r"Select jobs|Execute \d|Finished jobid|\[\w{3} \w{3} .* \d{4}\]|\s*$")
done = ""
for line in iter(sys.stdin.readline, ""):
    if steps := re.match(r"(\d+) of (\d+) steps", line):
        done = f"{steps[1]}/{steps[2]}"
    elif not NOISE.match(line):
        print(re.sub(r"^Job \d+:", lambda _: f"{done:>8} ", line), end="", flush=True)
