"""Pool the lesions of every patient in the predictions of one arm."""

from pathlib import Path

import pandas as pd
from livermets.core.io import write_table
from livermets.core.jobs import job
from livermets.pooling.patient_scores import pool_patients
from livermets.predictions.predictions_table import read_predictions

with job(snakemake):
    table = pool_patients(
        read_predictions([snakemake.input.predictions], snakemake.params.classes),
        pd.read_parquet(snakemake.input.features),
        snakemake.wildcards.pooling,
        snakemake.params.classes,
        Path(snakemake.output[0]).stem,
    )
    write_table(snakemake.output[0], table)
