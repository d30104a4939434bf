"""Fit one classifier with one way of resampling in every split."""

from pathlib import Path

import joblib
import pandas as pd
from livermets.classification.training import TrainingSettings, train_arm
from livermets.core.io import atomic_path, write_table
from livermets.core.jobs import job
from livermets.features.features_table import without_other_sets
from livermets.predictions.task import Task
from livermets.radiomics.icc import read_unstable
from livermets.study.arms import Arm

with job(snakemake):
    predictions, fitted, report = train_arm(
        without_other_sets(pd.read_parquet(snakemake.input.features), snakemake.params.sets),
        pd.read_parquet(snakemake.input.splits),
        Arm.parse(Path(snakemake.output.predictions).stem),
        Task(snakemake.params.classes, snakemake.params.positive),
        TrainingSettings(**snakemake.params.settings, threads=snakemake.threads),
        unstable=read_unstable(snakemake.input.icc, snakemake.params.min_icc),
    )
    write_table(snakemake.output.predictions, predictions)
    write_table(snakemake.output.chosen, report)
    with atomic_path(snakemake.output.fitted) as path:
        joblib.dump(fitted, path, compress=3)
