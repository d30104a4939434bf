"""Compute the AUC of a few arms in subgroups of patients."""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
from livermets.cohort.cohort_table import read_cohort
from livermets.core.io import read_json, write_table
from livermets.core.jobs import job
from livermets.evaluation import subgroup_members as members
from livermets.evaluation.heterogeneity import site_heterogeneity
from livermets.evaluation.subgroups import measure_subgroups
from livermets.predictions.predictions_table import read_predictions
from livermets.study.clinical_columns import clinical_columns
from livermets.study.names import CLINICAL

task = {key: snakemake.params[key] for key in ("arms", "classes", "positive")}
path = snakemake.input.features
with job(snakemake):
    predictions = read_predictions(snakemake.input.predictions, snakemake.params.classes)
    names = pq.read_schema(path).names
    clinical = clinical_columns(names)
    features = pd.read_parquet(path, columns=["patient", *clinical])
    records = {Path(record).stem: read_json(record) for record in snakemake.input.records}
    cohort = members.with_manufacturers(read_cohort(snakemake.input.cohort), records)
    cohort = members.with_clinical_columns(cohort, features)
    asked = [*snakemake.params.clinical, *(name.removeprefix(CLINICAL) for name in clinical)]
    subgroups = measure_subgroups(predictions, cohort, clinical=asked, **task)
    write_table(snakemake.output.subgroups, subgroups)
    write_table(snakemake.output.table, subgroups, float_format="%.10g")
    write_table(snakemake.output.sites, site_heterogeneity(subgroups), float_format="%.10g")
