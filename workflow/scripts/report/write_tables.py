"""Write Tables 1 to 3, the paired differences and the confusion matrices as TSV."""

from pathlib import Path

from livermets.cohort.cohort_table import read_cohort
from livermets.core.jobs import job
from livermets.report.paper_tables import read_table, write_tables

TABLES = ("metrics", "importance", "differences", "confusion")
with job(snakemake):
    write_tables(
        Path(snakemake.output[0]).parent,
        cohort=read_cohort(snakemake.input.cohort),
        classes=snakemake.params.classes,
        clinical=snakemake.params.clinical,
        **{name: read_table(snakemake.input[name]) for name in TABLES},
    )
