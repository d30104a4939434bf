"""Score each patient without each of the lesions in turn."""

import pandas as pd
from livermets.core.io import write_json, write_table
from livermets.core.jobs import job
from livermets.explanation.lesion_effects import deciding_lesions, effects_of_arms
from livermets.explanation.records import records
from livermets.predictions.predictions_table import read_predictions
from livermets.predictions.task import Task

with job(snakemake):
    params = snakemake.params
    effects = effects_of_arms(
        read_predictions(snakemake.input.predictions, params.classes),
        pd.read_parquet(snakemake.input.features),
        params.arms,
        Task(params.classes, params.positive),
    )
    table = deciding_lesions(effects)
    write_table(snakemake.output.effects, effects)
    write_table(snakemake.output.table, table, float_format="%.10g")
    write_json(snakemake.output.record, {"lesions": records(table)})
