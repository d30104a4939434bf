"""Fit the radiomics arm of every split with DenseNet-121's embeddings beside the features."""

import pandas as pd
from livermets.classification.training import TrainingSettings
from livermets.core.io import write_table
from livermets.core.jobs import job
from livermets.features.features_table import without_other_sets
from livermets.fusion.beside_radiomics import train_beside_radiomics
from livermets.fusion.radiomics_arm import read_choice
from livermets.predictions.task import Task
from livermets.radiomics.icc import read_unstable

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    splits = pd.read_parquet(files.splits)
    chosen = pd.read_table(files.chosen) if files.chosen else None
    predictions, report = train_beside_radiomics(
        without_other_sets(pd.read_parquet(files.features), params.sets),
        map(pd.read_parquet, files.embeddings),
        splits,
        read_choice(chosen, params.arm, splits),
        Task(params.classes, params.positive),
        TrainingSettings(**params.settings, threads=snakemake.threads),
        read_unstable(files.icc, params.min_icc),
    )
    write_table(snakemake.output.predictions, predictions)
    write_table(snakemake.output.chosen, report)
