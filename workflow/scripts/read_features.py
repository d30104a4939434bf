"""A user's own feature table, checked."""

from livermets.features import read_features
from livermets.runtime import job

with job(snakemake.log, "features"):
    table = read_features(snakemake.input[0], snakemake.params.columns, snakemake.params.classes)
    table.to_parquet(snakemake.output[0], index=False)
