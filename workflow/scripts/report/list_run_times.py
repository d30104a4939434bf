"""List how long each stage took, and the memory that it needed."""

from livermets.core.io import write_table
from livermets.core.jobs import job
from livermets.report.run_times import read_benchmarks, stage_times

with job(snakemake):
    times = stage_times(read_benchmarks(snakemake.params.benchmarks))
    write_table(snakemake.output[0], times, float_format="%.1f")
