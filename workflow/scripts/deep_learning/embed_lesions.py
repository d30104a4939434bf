"""Embed the lesions of all patients of a split by its own DenseNet-121."""

from pathlib import Path

import pandas as pd
from livermets.core.io import write_table
from livermets.core.jobs import job
from livermets.deep_learning.densenet import Run
from livermets.deep_learning.lesion_embeddings import embed_split
from livermets.predictions.task import Task

with job(snakemake):
    table = embed_split(
        Path(snakemake.input.model),
        {Path(path).stem: Path(path) for path in snakemake.input.slices},
        pd.read_parquet(snakemake.input.splits),
        Task(snakemake.params.classes, snakemake.params.positive),
        Run(snakemake.wildcards.split, device=snakemake.params.device, threads=snakemake.threads),
    )
    write_table(snakemake.output[0], table)
