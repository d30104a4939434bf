"""The study's feature table."""

import pandas as pd
from livermets.core.io import write_table
from livermets.core.jobs import job
from livermets.features.features_table import gather, image_hashes

with job(snakemake):
    cohort = pd.read_csv(snakemake.input.cohort, sep="\t", dtype={"patient": str, "label": str})
    table = gather(
        cohort, snakemake.input.radiomics, snakemake.input.tables, snakemake.params.clinical
    )
    table.attrs["sha256"] = {kind: image_hashes(snakemake.input[kind]) for kind in ("ct", "masks")}
    write_table(snakemake.output[0], table)
