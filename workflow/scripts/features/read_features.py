"""A user's own feature table, checked."""

from livermets.core.jobs import job
from livermets.features.features_table import read_features

with job(snakemake.log, "features"):
    table = read_features(snakemake.input[0], snakemake.params.columns, snakemake.params.classes)
    table.to_parquet(snakemake.output[0], index=False)
