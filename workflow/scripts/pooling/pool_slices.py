"""Pool the slices of every lesion to DenseNet-121's predictions."""

from pathlib import Path

import pandas as pd
from livermets.core.io import write_table
from livermets.core.jobs import job
from livermets.pooling.slice_scores import pool_slices

with job(snakemake):
    table = pool_slices(
        pd.concat(map(pd.read_parquet, snakemake.input), ignore_index=True),
        snakemake.wildcards.pooling,
        snakemake.params.top_k,
        snakemake.params.classes,
        Path(snakemake.output[0]).stem,
    )
    write_table(snakemake.output[0], table)
