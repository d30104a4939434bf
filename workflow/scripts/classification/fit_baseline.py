"""One simple model that radiomics has to beat, in every split."""

import pandas as pd
from livermets.classification.baselines import fit_baseline
from livermets.core.io import write_table
from livermets.core.jobs import job
from livermets.features.features_table import without_other_sets
from livermets.radiomics.icc import read_unstable

with job(snakemake):
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
    write_table(snakemake.output.predictions, predictions)
