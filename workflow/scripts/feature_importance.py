"""Which features matter: permutation importance over the splits."""

import pandas as pd
from livermets.features import without_other_sets
from livermets.importance import feature_importance
from livermets.robustness import read_unstable
from livermets.runtime import job

with job(snakemake.log, "importance"):
    table = feature_importance(
        without_other_sets(pd.read_parquet(snakemake.input.features), snakemake.params.sets),
        pd.read_parquet(snakemake.input.splits),
        snakemake.params.classes,
        snakemake.params.correlation,
        snakemake.params.seed,
        unstable=read_unstable(snakemake.input.icc, snakemake.params.min_icc),
    )
    table.to_parquet(snakemake.output[0], index=False)
