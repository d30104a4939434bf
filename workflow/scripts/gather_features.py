"""The study's feature table."""

import pandas as pd
from livermets.features import gather
from livermets.runtime import job

with job(snakemake.log, "features"):
    cohort = pd.read_csv(snakemake.input.cohort, sep="\t", dtype={"patient": str, "label": str})
    table = gather(
        cohort, snakemake.input.radiomics, snakemake.input.tables, snakemake.params.clinical
    )
    table.to_parquet(snakemake.output[0], index=False)
