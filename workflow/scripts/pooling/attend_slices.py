"""Train DenseNet-121 with attention over slices on one split and predict its test patients."""

from pathlib import Path

import pandas as pd
from livermets.cohort.cohort_table import read_cohort
from livermets.cohort.scans_table import labels_of_scans
from livermets.core.io import write_table
from livermets.core.jobs import job
from livermets.deep_learning.densenet import Run
from livermets.pooling.attention_densenet import attend_slices_of_split
from livermets.predictions.task import Task

with job(snakemake):
    given = snakemake.params
    result = attend_slices_of_split(
        Path(snakemake.input.model),
        {Path(path).stem: Path(path) for path in snakemake.input.slices},
        pd.read_parquet(snakemake.input.splits),
        labels_of_scans(read_cohort(snakemake.input.labels)),
        Task(given.classes, given.positive),
        given.settings,
        given.epochs,
        Run(snakemake.wildcards.split, given.seed, given.settings["device"], snakemake.threads),
    )
    write_table(snakemake.output.attention, result.attention)
    write_table(snakemake.output.history, result.history)
    write_table(snakemake.output.predictions, result.predictions)
