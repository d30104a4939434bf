"""Score every training patient by a radiomics model that was trained without the patient."""

import pandas as pd
from livermets.classification.training import TrainingSettings
from livermets.core.io import write_table
from livermets.core.jobs import job
from livermets.features.features_table import without_other_sets
from livermets.fusion.radiomics_arm import read_choice, score_inner_folds
from livermets.predictions.task import Task
from livermets.radiomics.icc import read_unstable

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    chosen = pd.read_table(files.chosen) if files.chosen else None
    table = score_inner_folds(
        without_other_sets(pd.read_parquet(files.features), params.sets),
        pd.read_parquet(files.inner),
        read_choice(chosen, params.arm, pd.read_parquet(files.splits)),
        Task(params.classes, params.positive),
        TrainingSettings(**params.settings, threads=snakemake.threads),
        read_unstable(files.icc, params.min_icc),
    )
    write_table(snakemake.output[0], table)
