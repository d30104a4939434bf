"""Fit one baseline in every split."""

import pandas as pd
from livermets.classification.baselines import train_baseline, with_sites
from livermets.classification.training import TrainingSettings
from livermets.cohort.cohort_table import read_cohort
from livermets.core.io import write_table
from livermets.core.jobs import job
from livermets.features.features_table import without_other_sets
from livermets.predictions.task import Task
from livermets.radiomics.icc import read_unstable

with job(snakemake):
    features = without_other_sets(pd.read_parquet(snakemake.input.features), snakemake.params.sets)
    for cohort in snakemake.input.cohort:  # of the baseline of the site alone
        features = with_sites(features, read_cohort(cohort))
    predictions, _, _ = train_baseline(
        snakemake.wildcards.baseline,
        features,
        pd.read_parquet(snakemake.input.splits),
        Task(snakemake.params.classes, snakemake.params.positive),
        TrainingSettings(**snakemake.params.settings),
        read_unstable(snakemake.input.icc, snakemake.params.min_icc),
    )
    write_table(snakemake.output.predictions, predictions)
