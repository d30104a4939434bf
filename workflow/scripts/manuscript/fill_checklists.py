"""Fill in the checklists of reporting and quality from the results."""

from pathlib import Path

from livermets.core.jobs import job
from livermets.manuscript.checklist_files import write_checklists
from livermets.manuscript.run_files import RunFiles

with job(snakemake):
    run = RunFiles(Path("results"), dict(snakemake.params.config))
    write_checklists(run, Path(snakemake.output[0]).parent)
