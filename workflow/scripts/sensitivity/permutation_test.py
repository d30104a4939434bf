"""Train the selected arm on many permutations of the labels."""

import pandas as pd
from livermets.classification.training import TrainingSettings
from livermets.core.io import write_json
from livermets.core.jobs import job
from livermets.features.features_table import without_other_sets
from livermets.predictions.task import Task
from livermets.radiomics.icc import read_unstable
from livermets.sensitivity.permutation_test import ChosenArms, permutation_test

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    chosen = ChosenArms.from_table(
        pd.read_table(files.chosen),
        Task(params.classes, params.positive),
        TrainingSettings(**params.settings),
    )
    result = permutation_test(
        without_other_sets(pd.read_parquet(files.features), params.sets),
        pd.read_parquet(files.splits),
        chosen,
        params.permutations,
        params.seed,
        unstable=read_unstable(files.icc, params.min_icc),
        threads=snakemake.threads,
    )
    write_json(snakemake.output[0], result)
