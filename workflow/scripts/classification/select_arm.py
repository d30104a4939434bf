"""In every split the arm with the best inner cross-validation."""

import pandas as pd
from livermets.classification.model_selection import select_arm
from livermets.core.jobs import job

with job(snakemake.log, "selected"):
    predictions, chosen = select_arm(
        [pd.read_table(path) for path in snakemake.input.chosen],
        [pd.read_parquet(path) for path in snakemake.input.predictions],
    )
    predictions.to_parquet(snakemake.output.predictions, index=False)
    chosen.to_csv(snakemake.output.chosen, sep="\t", index=False)
