"""Compute every metric of every arm on the lesions of each size."""

import pandas as pd
import pyarrow.parquet as pq
from livermets.core.io import write_json, write_table
from livermets.core.jobs import job
from livermets.evaluation.by_size import as_records, measure_by_size
from livermets.evaluation.subgroup_members import lesion_sizes, size_columns
from livermets.predictions.predictions_table import read_predictions
from livermets.study.names import lesion_key

task = {key: snakemake.params[key] for key in ("classes", "positive", "threshold")}
path = snakemake.input.features
with job(snakemake):
    predictions = read_predictions(snakemake.input.predictions, snakemake.params.classes)
    names = pq.read_schema(path).names
    columns = [*lesion_key(names), *size_columns(names)]
    sizes = lesion_sizes(pd.read_parquet(path, columns=columns))
    measured = measure_by_size(predictions, sizes, **task)
    write_table(snakemake.output.by_size, measured)
    write_table(snakemake.output.table, measured, float_format="%.10g")
    write_json(snakemake.output.records, as_records(measured, snakemake.params.positive))
