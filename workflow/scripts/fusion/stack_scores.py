"""Stack the scores of radiomics and DenseNet-121."""

import pandas as pd
from livermets.core.io import write_table
from livermets.core.jobs import job
from livermets.fusion.stacking import scores_to_learn_from, stack_scores
from livermets.predictions.task import Task

with job(snakemake):
    files, params = snakemake.input, snakemake.params
    task = Task(params.classes, params.positive)
    network = pd.concat(map(pd.read_parquet, files.inner_network), ignore_index=True)
    learned = scores_to_learn_from(pd.read_parquet(files.inner_radiomics), network, task)
    stacked = stack_scores(
        learned,
        pd.read_parquet(files.radiomics),
        pd.read_parquet(files.network),
        pd.read_parquet(files.splits),
        task,
        params.weigh,
    )
    write_table(snakemake.output.learned, learned)
    write_table(snakemake.output.weights, stacked.weights)
    write_table(snakemake.output.predictions, stacked.predictions)
