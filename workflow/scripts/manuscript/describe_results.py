"""Describe the results as an RO-Crate."""

from pathlib import Path

from livermets.core.jobs import job
from livermets.manuscript.crate import write_crate
from livermets.manuscript.run_files import RunFiles

with job(snakemake):
    write_crate(RunFiles(Path("results"), dict(snakemake.params.config)))
