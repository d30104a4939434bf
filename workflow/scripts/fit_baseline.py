"""One simple model that radiomics has to beat, in every split."""

import pandas as pd
from livermets.baselines import fit_baseline
from livermets.runtime import job

with job(snakemake.log, f"baseline {snakemake.wildcards.baseline}"):
    predictions, _, _ = fit_baseline(
        snakemake.wildcards.baseline,
        pd.read_parquet(snakemake.input.features),
        pd.read_parquet(snakemake.input.splits),
        classes=snakemake.params.classes,
        positive=snakemake.params.positive,
        **snakemake.params.settings,
    )
    predictions.to_parquet(snakemake.output.predictions, index=False)
