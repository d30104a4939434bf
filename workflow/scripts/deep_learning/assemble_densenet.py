"""DenseNet-121's predictions of all splits in one table."""

import pandas as pd
from livermets.core.jobs import job

with job(snakemake.log, "densenet121"):
    tables = [pd.read_parquet(path) for path in snakemake.input]
    table = pd.concat(tables, ignore_index=True)
    table.to_parquet(snakemake.output[0], index=False)
