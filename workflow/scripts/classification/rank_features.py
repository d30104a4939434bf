"""Rank the features by their permutation importance over the splits."""

import pandas as pd
from livermets.classification.importance_table import feature_importance
from livermets.core.io import write_table
from livermets.core.jobs import job
from livermets.features.features_table import without_other_sets
from livermets.radiomics.icc import read_unstable

with job(snakemake):
    table = feature_importance(
        without_other_sets(pd.read_parquet(snakemake.input.features), snakemake.params.sets),
        pd.read_parquet(snakemake.input.splits),
        snakemake.params.classes,
        snakemake.params.correlation,
        snakemake.params.seed,
        unstable=read_unstable(snakemake.input.icc, snakemake.params.min_icc),
        weigh=snakemake.params.weigh,
    )
    write_table(snakemake.output[0], table)
