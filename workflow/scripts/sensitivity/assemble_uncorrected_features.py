"""Assemble the study's features table and splits from the masks before correction."""

import pandas as pd
from livermets.cohort.cohort_table import read_cohort
from livermets.core.io import read_json_files, write_table
from livermets.core.jobs import job
from livermets.features.features_table import assemble_features
from livermets.sensitivity.uncorrected_masks import fittable_splits, uncorrected_cohort

with job(snakemake):
    measurements = read_json_files(snakemake.input.measurements)
    files = snakemake.input
    cohort = uncorrected_cohort(read_cohort(files.cohort), measurements)
    features = assemble_features(cohort, files.radiomics, files.tables, snakemake.params.clinical)
    splits = pd.read_parquet(files.splits)
    splits = fittable_splits(splits, features, snakemake.params.classes)
    write_table(snakemake.output.features, features)
    write_table(snakemake.output.splits, splits)
