"""DenseNet-121 on one split: training, and the test patients' predictions."""

from pathlib import Path

import pandas as pd
from livermets.core.io import write_table
from livermets.core.jobs import job
from livermets.deep_learning.densenet import run_split

split = snakemake.wildcards.split
with job(snakemake):
    cohort = pd.read_csv(snakemake.input.cohort, sep="\t", dtype={"patient": str, "label": str})
    predictions = run_split(
        split,
        {Path(path).stem: Path(path) for path in snakemake.input.slices},
        pd.read_parquet(snakemake.input.splits),
        cohort.set_index("patient")["label"].to_dict(),
        snakemake.params.classes,
        snakemake.params.positive,
        snakemake.params.settings,
        snakemake.params.seed,
        snakemake.threads,
        Path(snakemake.output.model).parent,
    )
    write_table(snakemake.output.predictions, predictions)
