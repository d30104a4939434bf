"""Tables 1 to 3 and the paired differences, as TSV."""

from pathlib import Path

from livermets.core.jobs import job
from livermets.report.paper_tables import write_tables

with job(snakemake):
    write_tables(
        Path(snakemake.output[0]).parent,
        cohort=snakemake.input.cohort,
        metrics=snakemake.input.metrics,
        importance=snakemake.input.importance,
        differences=snakemake.input.differences,
        confusion=snakemake.input.confusion,
        classes=snakemake.params.classes,
        clinical=snakemake.params.clinical,
    )
