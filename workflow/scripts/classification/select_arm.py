"""Select the arm with the best inner cross-validation in every split."""

import pandas as pd
from livermets.classification.model_selection import select_arm
from livermets.core.io import write_table
from livermets.core.jobs import job

with job(snakemake):
    predictions, chosen = select_arm(
        [pd.read_table(path) for path in snakemake.input.chosen],
        [pd.read_parquet(path) for path in snakemake.input.predictions],
    )
    write_table(snakemake.output.predictions, predictions)
    write_table(snakemake.output.chosen, chosen)
