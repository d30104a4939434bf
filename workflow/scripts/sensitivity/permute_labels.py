"""Permute the labels of the study's patients, in the cohort and in the features table."""

import pandas as pd
from livermets.cohort.cohort_table import read_cohort
from livermets.core.io import write_table
from livermets.core.jobs import job
from livermets.sensitivity.label_permutation import permute_labels

with job(snakemake):
    cohort = read_cohort(snakemake.input.cohort)
    cohort = cohort[cohort["included"]]
    permuted = permute_labels(cohort, snakemake.params.seed)
    cohort = cohort.assign(label=cohort["patient"].map(permuted))
    write_table(snakemake.output.cohort, cohort)
    features = pd.read_parquet(snakemake.input.features)
    features = features.assign(label=features["patient"].map(permuted))
    write_table(snakemake.output.features, features)
