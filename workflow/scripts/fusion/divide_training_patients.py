"""Divide the training patients of every split into inner folds."""

import pandas as pd
from livermets.cohort.cohort_table import read_cohort
from livermets.core.io import write_table
from livermets.core.jobs import job
from livermets.fusion.inner_folds import divide_training_patients

with job(snakemake):
    table = divide_training_patients(
        pd.read_parquet(snakemake.input.splits),
        read_cohort(snakemake.input.cohort).set_index("patient")["label"].to_dict(),
        snakemake.params.folds,
        snakemake.params.seed,
    )
    write_table(snakemake.output[0], table)
