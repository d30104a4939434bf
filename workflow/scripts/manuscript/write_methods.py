"""Write the methods section of a paper from the results."""

from pathlib import Path

from livermets.core.jobs import job
from livermets.manuscript.methods import write_methods
from livermets.manuscript.run_files import RunFiles

with job(snakemake):
    run = RunFiles(Path("results"), dict(snakemake.params.config))
    write_methods(run, Path(snakemake.output[0]).parent)
