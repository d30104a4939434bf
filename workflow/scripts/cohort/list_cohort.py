"""Who is in the study and who is not, and why."""

import pandas as pd
from livermets.cohort.cohort_table import list_cohort
from livermets.cohort.sample_size import describe_cohort
from livermets.cohort.scans_table import patients_of_scans
from livermets.core.io import read_json, write_table
from livermets.core.jobs import job

with job(snakemake) as log:
    rows = list_cohort(
        pd.DataFrame(snakemake.params.sheet),
        [read_json(path) for path in snakemake.input.masks],
        [read_json(path) for path in snakemake.input.measurements],
        snakemake.params.excluded,
    )
    for path in snakemake.output.scans:  # of a sheet that lists scans alone
        write_table(path, rows)
    cohort = patients_of_scans(rows) if snakemake.output.scans else rows
    write_table(snakemake.output.cohort, cohort)
    log.info(describe_cohort(cohort.loc[cohort["included"], "label"]))
