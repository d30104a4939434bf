"""Train attention over lesions on the features of every split."""

from pathlib import Path

import pandas as pd
import torch
from livermets.core.io import write_table
from livermets.core.jobs import job
from livermets.features.features_table import without_other_sets
from livermets.pooling.lesion_attention import AttentionSettings, train_attention
from livermets.predictions.task import Task
from livermets.radiomics.icc import read_unstable

with job(snakemake):
    torch.set_num_threads(snakemake.threads)
    predictions, attention = train_attention(
        Path(snakemake.output.predictions).stem,
        without_other_sets(pd.read_parquet(snakemake.input.features), snakemake.params.sets),
        pd.read_parquet(snakemake.input.splits),
        Task(snakemake.params.classes, snakemake.params.positive),
        AttentionSettings(**snakemake.params.settings),
        unstable=read_unstable(snakemake.input.icc, snakemake.params.min_icc),
    )
    write_table(snakemake.output.predictions, predictions)
    write_table(snakemake.output.attention, attention)
