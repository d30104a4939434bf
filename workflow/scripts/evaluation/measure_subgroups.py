"""Compute the AUC of a few arms in subgroups of patients and of lesions."""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
from livermets.cohort.cohort_table import read_cohort
from livermets.core.io import read_json, write_table
from livermets.core.jobs import job
from livermets.evaluation.heterogeneity import site_heterogeneity
from livermets.evaluation.subgroup_members import (
    lesion_sizes,
    size_columns,
    with_manufacturers,
)
from livermets.evaluation.subgroups import measure_subgroups
from livermets.predictions.predictions_table import read_predictions

settings = {key: snakemake.params[key] for key in ("arms", "classes", "positive", "clinical")}
features = snakemake.input.features
with job(snakemake):
    predictions = read_predictions(snakemake.input.predictions, snakemake.params.classes)
    columns = ["patient", "lesion", *size_columns(pq.read_schema(features).names)]
    sizes = lesion_sizes(pd.read_parquet(features, columns=columns))
    records = {Path(path).stem: read_json(path) for path in snakemake.input.records}
    cohort = with_manufacturers(read_cohort(snakemake.input.cohort), records)
    subgroups = measure_subgroups(predictions, cohort, sizes=sizes, **settings)
    write_table(snakemake.output.subgroups, subgroups)
    write_table(snakemake.output.table, subgroups, float_format="%.10g")
    write_table(snakemake.output.sites, site_heterogeneity(subgroups), float_format="%.10g")
