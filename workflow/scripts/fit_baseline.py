"""One simple model that radiomics has to beat, in every split."""

import pandas as pd
from livermets.baselines import fit_baseline
from livermets.features import without_other_sets
from livermets.robustness import read_unstable
from livermets.runtime import job

with job(snakemake.log, f"baseline {snakemake.wildcards.baseline}"):
    own = dict(snakemake.params.settings)
    if snakemake.wildcards.baseline == "radiomics_clinical":  # a radiomics arm
        own["unstable"] = read_unstable(snakemake.input.icc, snakemake.params.min_icc)
    predictions, _, _ = fit_baseline(
        snakemake.wildcards.baseline,
        without_other_sets(pd.read_parquet(snakemake.input.features), snakemake.params.sets),
        pd.read_parquet(snakemake.input.splits),
        classes=snakemake.params.classes,
        positive=snakemake.params.positive,
        **own,
    )
    predictions.to_parquet(snakemake.output.predictions, index=False)
