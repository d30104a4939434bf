"""Explain the scores of one radiomics arm in every split by SHAP."""

import pandas as pd
from livermets.core.io import write_table
from livermets.core.jobs import job
from livermets.explanation.fitted_models import load_fitted
from livermets.explanation.shap_values import ShapSettings, explain_arm
from livermets.features.features_table import without_other_sets
from livermets.predictions.task import Task
from livermets.radiomics.icc import read_unstable

with job(snakemake):
    params, settings = snakemake.params, snakemake.params.settings
    values, groups = explain_arm(
        snakemake.wildcards.arm,
        load_fitted(snakemake.input.fitted, snakemake.input.chosen),
        without_other_sets(pd.read_parquet(snakemake.input.features), params.sets),
        pd.read_parquet(snakemake.input.splits),
        Task(params.classes, params.positive),
        ShapSettings(
            settings["lesions"], settings["background"], settings["correlation"], params.seed
        ),
        unstable=read_unstable(snakemake.input.icc, params.min_icc),
    )
    write_table(snakemake.output.values, values)
    write_table(snakemake.output.groups, groups)
