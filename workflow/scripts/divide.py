"""Who trains, validates and tests."""

import pandas as pd
from livermets.runtime import job
from livermets.splits import divide

with job(snakemake.log, "divide"):
    cohort = pd.read_csv(snakemake.input.cohort, sep="\t", dtype={"patient": str, "label": str})
    splits = divide(
        cohort.loc[cohort["included"], ["patient", "label"]],
        holdout=snakemake.params.holdout,
        cv=snakemake.params.cv,
        seed=snakemake.params.seed,
    )
    splits.to_parquet(snakemake.output[0], index=False)
