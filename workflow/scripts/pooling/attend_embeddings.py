"""Train attention over lesions on the embeddings of every split's own DenseNet-121."""

from pathlib import Path

import pandas as pd
import torch
from livermets.core.io import write_table
from livermets.core.jobs import job
from livermets.pooling.lesion_attention import AttentionSettings, attend_embeddings
from livermets.predictions.task import Task

with job(snakemake):
    torch.set_num_threads(snakemake.threads)
    predictions, attention = attend_embeddings(
        Path(snakemake.output.predictions).stem,
        pd.read_parquet(snakemake.input.features),
        map(pd.read_parquet, snakemake.input.embeddings),
        pd.read_parquet(snakemake.input.splits),
        Task(snakemake.params.classes, snakemake.params.positive),
        AttentionSettings(**snakemake.params.settings),
    )
    write_table(snakemake.output.predictions, predictions)
    write_table(snakemake.output.attention, attention)
