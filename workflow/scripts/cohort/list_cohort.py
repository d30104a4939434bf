"""Who is in the study and who is not, and why."""

import pandas as pd
from livermets.cohort.cohort_table import list_cohort
from livermets.core.jobs import job, read_json

with job(snakemake.log, "cohort"):
    cohort = list_cohort(
        pd.DataFrame(snakemake.params.sheet),
        [read_json(path) for path in snakemake.input.masks],
        [read_json(path) for path in snakemake.input.facts],
    )
    cohort.to_csv(snakemake.output.cohort, sep="\t", index=False)
