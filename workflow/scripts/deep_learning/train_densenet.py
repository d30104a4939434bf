"""Train DenseNet-121 on one split and predict its test patients."""

from pathlib import Path

import pandas as pd
from livermets.cohort.cohort_table import read_cohort
from livermets.cohort.scans_table import labels_of_scans
from livermets.core.io import write_table
from livermets.core.jobs import job
from livermets.deep_learning.densenet import Run, run_split
from livermets.predictions.task import Task

with job(snakemake):
    settings = snakemake.params.settings
    predictions = run_split(
        {Path(path).stem: Path(path) for path in snakemake.input.slices},
        pd.read_parquet(snakemake.input.splits),
        labels_of_scans(read_cohort(snakemake.input.labels)),
        Task(snakemake.params.classes, snakemake.params.positive),
        settings,
        Run(
            snakemake.wildcards.split,
            snakemake.params.seed,
            settings["device"],
            snakemake.threads,
        ),
        Path(snakemake.output.model).parent,
    )
    write_table(snakemake.output.predictions, predictions)
