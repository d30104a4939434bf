"""The patients of a user's own feature table."""

import pandas as pd
from livermets.cohort.cohort_table import cohort_of_features
from livermets.cohort.sample_size import describe_cohort
from livermets.core.io import write_table
from livermets.core.jobs import job

with job(snakemake) as log:
    sheet = snakemake.params.sheet
    cohort = cohort_of_features(
        pd.read_parquet(snakemake.input.features), pd.DataFrame(sheet) if sheet else None
    )
    write_table(snakemake.output.cohort, cohort)
    log.info(describe_cohort(cohort.loc[cohort["included"], "label"]))
