"""One classifier with one way of resampling, in every split."""

import joblib
import pandas as pd
from livermets.fit import fit_arm
from livermets.runtime import job

with job(snakemake.log, f"{snakemake.wildcards.model}-{snakemake.wildcards.resampling}"):
    predictions, fitted, report = fit_arm(
        pd.read_parquet(snakemake.input.features),
        pd.read_parquet(snakemake.input.splits),
        snakemake.wildcards.model,
        snakemake.wildcards.resampling,
        classes=snakemake.params.classes,
        positive=snakemake.params.positive,
        **snakemake.params.settings,
        threads=snakemake.threads,
    )
    predictions.to_parquet(snakemake.output.predictions, index=False)
    report.to_csv(snakemake.output.chosen, sep="\t", index=False)
    joblib.dump(fitted, snakemake.output.fitted, compress=3)
