"""Score the slices of the test patients of one split with its DenseNet-121."""

from pathlib import Path

import pandas as pd
from livermets.cohort.cohort_table import read_cohort
from livermets.cohort.scans_table import labels_of_scans
from livermets.core.io import write_table
from livermets.core.jobs import job
from livermets.deep_learning.densenet import Run
from livermets.pooling.slice_scores import score_split
from livermets.predictions.task import Task

with job(snakemake):
    table = score_split(
        Path(snakemake.input.model),
        {Path(path).stem: Path(path) for path in snakemake.input.slices},
        pd.read_parquet(snakemake.input.splits),
        labels_of_scans(read_cohort(snakemake.input.labels)),
        Task(snakemake.params.classes, snakemake.params.positive),
        Run(snakemake.wildcards.split, device=snakemake.params.device, threads=snakemake.threads),
    )
    write_table(snakemake.output[0], table)
