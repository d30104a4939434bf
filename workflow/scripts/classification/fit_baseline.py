"""Fit one baseline in every split."""

import pandas as pd
from livermets.classification.baselines import train_baseline
from livermets.classification.training import TrainingSettings
from livermets.core.io import write_table
from livermets.core.jobs import job
from livermets.features.features_table import without_other_sets
from livermets.predictions.task import Task
from livermets.radiomics.icc import read_unstable

with job(snakemake):
    predictions, _, _ = train_baseline(
        snakemake.wildcards.baseline,
        without_other_sets(pd.read_parquet(snakemake.input.features), snakemake.params.sets),
        pd.read_parquet(snakemake.input.splits),
        Task(snakemake.params.classes, snakemake.params.positive),
        TrainingSettings(**snakemake.params.settings),
        read_unstable(snakemake.input.icc, snakemake.params.min_icc),
    )
    write_table(snakemake.output.predictions, predictions)
