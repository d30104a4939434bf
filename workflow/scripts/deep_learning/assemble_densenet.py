"""Assemble DenseNet-121's predictions of all splits in one table."""

import pandas as pd
from livermets.core.io import write_table
from livermets.core.jobs import job

with job(snakemake):
    tables = [pd.read_parquet(path) for path in snakemake.input]
    table = pd.concat(tables, ignore_index=True)
    write_table(snakemake.output[0], table)
